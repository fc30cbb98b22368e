// Applies the migrations in drizzle/ to a database, each in one transaction with its mark. `npm run db:migrate`.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { DrizzleQueryError, sql } from 'drizzle-orm'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { connectDatabase, type Database, databaseFault } from '../src/data/db.ts'

const FOLDER = fileURLToPath(new URL('../drizzle', import.meta.url))
const TIMEOUT_MS = 60_000
/** Any number, as long as it is always the same: the advisory lock that two deployments at once meet at. */
const LOCK = 727_001

export interface MigrationStep {
  name: string
  /** `waited`: another process applied it while this one waited for the lock. */
  result: 'applied' | 'already applied' | 'waited'
}

/** Where the database named by a URL is, without its password. */
export function describeDatabase(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl)
  return `${hostname}${port ? `:${port}` : ''}${pathname}`
}

/**
 * Brings the database at `databaseUrl` (Neon, or the local stack) up to date.
 * @throws Error that says what to do when the server is away; the database's own error when a migration fails,
 *   which then has changed nothing
 */
export async function migrate(
  databaseUrl: string,
  onStep: (step: MigrationStep) => void = () => {},
): Promise<void> {
  const db = connectDatabase(databaseUrl, TIMEOUT_MS)
  const names = journalNames()
  try {
    await prepare(db)
    const { rows } = await db.execute<{ hash: string }>(
      sql`select hash from drizzle.__drizzle_migrations`,
    )
    const applied = new Set(rows.map(({ hash }) => hash))
    for (const [index, migration] of readMigrationFiles({ migrationsFolder: FOLDER }).entries()) {
      const name = names[index] ?? migration.hash
      const result = applied.has(migration.hash) ? 'already applied' : await apply(db, migration)
      onStep({ name, result })
    }
  } catch (error) {
    const fault = databaseFault(error)
    if (isRefusedLogin(fault?.code, error)) {
      throw new Error(
        `The database at ${describeDatabase(databaseUrl)} refuses the user or the password: check DATABASE_URL.`,
        { cause: error },
      )
    }
    if (!fault?.unavailable) throw error
    throw new Error(
      `The database at ${describeDatabase(databaseUrl)} does not answer. Check DATABASE_URL and that the server runs; for the local stack start \`npm run dev\` or \`npm run stack\` first.`,
      { cause: error },
    )
  }
}

/** By SQLSTATE, or by its words where the answer carries none. */
export function isRefusedLogin(code: string | undefined, error: unknown): boolean {
  return code === '28P01' || code === '28000' || /password authentication failed/.test(said(error))
}

/** What the database said: drizzle's own errors repeat the whole statement instead. */
export function said(error: unknown): string {
  if (error instanceof DrizzleQueryError && error.cause) return said(error.cause)
  return error instanceof Error ? error.message : String(error)
}

async function prepare(db: Database): Promise<void> {
  await db.batch([
    db.execute(sql`select pg_advisory_xact_lock(${LOCK})`),
    db.execute(sql`create schema if not exists drizzle`),
    db.execute(sql`create table if not exists drizzle.__drizzle_migrations
      (id serial primary key, hash text not null unique, created_at bigint)`),
  ])
}

async function apply(db: Database, { hash, folderMillis, sql: statements }: MigrationMeta) {
  try {
    await db.batch([
      db.execute(sql`select pg_advisory_xact_lock(${LOCK})`),
      db.execute(
        sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`,
      ),
      ...statements.map((statement) => db.execute(sql.raw(statement))),
    ])
    return 'applied'
  } catch (error) {
    // The mark stands already: whoever held the lock has applied it.
    if (databaseFault(error)?.constraint === '__drizzle_migrations_hash_key') return 'waited'
    throw error
  }
}

/** The migrations of this release, in their order; `hash` is what a database notes of each. */
export function releasedMigrations(): { name: string; hash: string }[] {
  const names = journalNames()
  return readMigrationFiles({ migrationsFolder: FOLDER }).map(({ hash }, index) => ({
    name: names[index] ?? hash,
    hash,
  }))
}

function journalNames(): string[] {
  const journal: { entries: { tag: string }[] } = JSON.parse(
    readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8'),
  )
  return journal.entries.map(({ tag }) => tag)
}

/** @throws Error that says what is wrong with `text`, and never repeats it: it carries a password */
function checkedUrl(text: string | undefined): string {
  const form = 'postgres://user:password@host/database'
  if (!text?.trim()) {
    throw new Error(
      `DATABASE_URL is not set. Put it into the environment or into .dev.vars: ${form}`,
    )
  }
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  if (url && !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error(`DATABASE_URL must begin with postgres:// or postgresql://, as in ${form}`)
  }
  if (!url?.username || !url.password || !url.hostname || url.pathname.length < 2 || url.hash) {
    throw new Error(
      `DATABASE_URL is malformed: it must have the form ${form}. In user and password, characters such as # / ? @ : must be percent-encoded (# is %23, / is %2F).`,
    )
  }
  return text.trim()
}

async function main(): Promise<void> {
  const vars = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {}
  const databaseUrl = checkedUrl(process.env.DATABASE_URL || vars.DATABASE_URL)
  console.log(`Migrating ${describeDatabase(databaseUrl)}`)
  await migrate(databaseUrl, ({ name, result }) => console.log(`  ${name}  ${result}`))
  console.log('The database is up to date.')
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(said(error))
    process.exitCode = 1
  })
}
