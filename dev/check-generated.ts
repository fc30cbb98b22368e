// `npm run check:generated`: the migrations in drizzle/ are those that src/data/schema.ts makes, and
// none of them has been edited; the list of common passwords is the one that its package gives, the data cards are what
// the data sets say of themselves, and the OpenAPI document and its client's types are what the schemas make.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { LIST_FILE, listFile } from './common-passwords.ts'
import { dataCards } from './data-cards.ts'
import { CLIENT_TYPES_FILE, clientTypes } from './openapi/client-types.ts'
import { DOCUMENT_FILE, documentText } from './openapi/document.ts'

const KIT = join('node_modules', 'drizzle-kit', 'bin.cjs')

/** The SQL files that drizzle-kit would add, and what it printed. */
function pendingMigrations(): { files: string[]; output: string } {
  // Inside the project, as drizzle-kit takes the folder relative to it.
  const folder = mkdtempSync(join('node_modules', '.drizzle-check-'))
  try {
    cpSync('drizzle', folder, { recursive: true })
    const before = new Set(readdirSync(folder))
    const options = ['--dialect', 'postgresql', '--schema', './src/data/schema.ts']
    const out = ['--out', relative('.', folder), '--name', 'pending']
    const run = spawnSync(process.execPath, [KIT, 'generate', ...options, ...out], {
      encoding: 'utf8',
    })
    const output = run.stdout + run.stderr
    if (run.status !== 0) throw new Error(`drizzle-kit failed:\n${output}`)
    return { files: readdirSync(folder).filter((file) => !before.has(file)), output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Hashes of the SQL files, so that one which was released is never edited: databases have it applied already. */
const HASHES = join('drizzle', 'hashes.json')

function sqlHashes(): Record<string, string> {
  const files = readdirSync('drizzle').filter((file) => file.endsWith('.sql'))
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join('drizzle', file)))
      .digest('hex')
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]))
}

/** The files that are not as they were sealed; with `write` new ones are sealed, and a sealed one never changes. */
function unsealed(write: boolean): string[] {
  const known: Record<string, string> = existsSync(HASHES)
    ? JSON.parse(readFileSync(HASHES, 'utf8'))
    : {}
  const now = sqlHashes()
  const sealed = write ? { ...now, ...known } : known
  if (write) writeFileSync(HASHES, `${JSON.stringify(sealed, null, 2)}\n`)
  const names = new Set([...Object.keys(now), ...Object.keys(sealed)])
  return [...names].filter((name) => now[name] !== sealed[name])
}

const write = process.argv.includes('--write')
const edited = unsealed(write)
if (edited.length > 0) {
  console.error(
    `Not as sealed in drizzle/hashes.json: ${edited.join(', ')}. A new migration: seal it with \`npm run check:generated -- --write\`. One that was edited: take that back and make another, as databases have it applied already.`,
  )
  process.exitCode = 1
}

const { files, output } = pendingMigrations()
if (files.length > 0 || !output.includes('No schema changes')) {
  console.error(output)
  console.error(
    'The tables have changed and the migrations have not: run `npm run db:generate -- --name <what>` and commit drizzle/.',
  )
  process.exitCode = 1
}

const made = new Map([
  [LIST_FILE, listFile()],
  ...dataCards(),
  [DOCUMENT_FILE, documentText()],
  [CLIENT_TYPES_FILE, await clientTypes()],
])
for (const [file, text] of made) {
  if (write) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  console.error(
    `${file} is not what it is made of: make it with \`npm run check:generated -- --write\` and commit it.`,
  )
  process.exitCode = 1
}
