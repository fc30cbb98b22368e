// Before each file of the Worker's tests, its imports too: everything that is written is kept, and searched for secrets
// at the end.
import { afterAll } from 'vitest'
import { expectNoLeaks, keepLine, startKeeping } from './leaks.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const

// Here and not in a hook: what stands at the top of a test file runs before any hook does.
startKeeping()
const originals = METHODS.map((method) => [method, console[method]] as const)
for (const [method, original] of originals) {
  console[method] = (...told: unknown[]) => {
    keepLine(told.map(String).join(' '))
    original.apply(console, told)
  }
}

afterAll(() => {
  for (const [method, original] of originals) console[method] = original
  expectNoLeaks()
})
