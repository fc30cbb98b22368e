// `npm run check:generated`: the migrations in drizzle/ are those that src/data/schema.ts makes.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

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

const { files, output } = pendingMigrations()
if (files.length > 0 || !output.includes('No schema changes')) {
  console.error(output)
  console.error(
    'The tables have changed and the migrations have not: run `npm run db:generate -- --name <what>` and commit drizzle/.',
  )
  process.exitCode = 1
}
