// The walls that need to tell a type from a value, which the import graph does not: part of `npm run check:walls`.
import { globSync, readFileSync } from 'node:fs'

/** Where Stripe itself is used: one place builds the client, the others know its errors and its signatures. */
const STRIPE_VALUES = new Set([
  'src/deps.ts',
  'src/stripe-fault.ts',
  'src/billing/create-once.ts',
  'src/billing/verify.ts',
])

const VALUE_IMPORT = /^(?:import (?!type )|export (?!type ).*\bfrom ).*$/gm

/** What is wrong with the imports of a file of src, a line each. */
function wrongImports(file: string, text: string): string[] {
  const values = text.match(VALUE_IMPORT) ?? []
  if (file === 'src/context.ts') {
    return values.map((line) => `${file} has types only, but: ${line}`)
  }
  if (STRIPE_VALUES.has(file)) return []
  return values
    .filter((line) => /from 'stripe['/]/.test(line))
    .map((line) => `${file} may import types of Stripe only, but: ${line}`)
}

const wrong = globSync('src/**/*.{ts,tsx}').flatMap((file) =>
  wrongImports(file, readFileSync(file, 'utf8')),
)
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exitCode = 1
