// Postgres: whether it answers, its version, its clock, and which migrations it has.
import { sql } from 'drizzle-orm'
import { type Database, databaseFault } from '../../src/data/db.ts'
import { isLoopback } from '../loopback.ts'
import { describeDatabase, isRefusedLogin, releasedMigrations, said } from '../migrate.ts'
import { checkClock } from './clock.ts'
import type { Finding } from './finding.ts'
import { type Patient, START_STACK } from './patient.ts'

const OLDEST_MAJOR = 14

export async function checkPostgres(patient: Patient): Promise<Finding[]> {
  const { db, values, sources, now } = patient
  const item = 'Postgres'
  const url = values.DATABASE_URL
  if (!db || !url) return [{ level: 'skip', item, says: 'not checked: DATABASE_URL' }]
  const from = sources.DATABASE_URL
  const where = describeDatabase(url)
  const before = now()
  try {
    const { rows } = await db.execute<{ version: string; ms: string }>(
      sql`select current_setting('server_version') as version,
        round(extract(epoch from clock_timestamp()) * 1000)::text as ms`,
    )
    const after = now()
    const version = rows[0]?.version ?? ''
    const tooOld = Number.parseInt(version, 10) < OLDEST_MAJOR
    return [
      { level: 'ok', item, says: `${where} answers in ${after - before} ms`, from },
      {
        level: tooOld ? 'warn' : 'ok',
        item: 'Postgres version',
        says: version,
        ...(tooOld && { todo: `upgrade: nothing older than ${OLDEST_MAJOR} is supported by Neon` }),
      },
      ...(await checkMigrations(db)),
      ...checkClock('Postgres', { theirs: Number(rows[0]?.ms), before, after }),
    ]
  } catch (error) {
    return [{ level: 'fail', item, from, ...reasonOf(error, url) }]
  }
}

function reasonOf(error: unknown, url: string): { says: string; todo: string } {
  const where = describeDatabase(url)
  const fault = databaseFault(error)
  if (isRefusedLogin(fault?.code, error)) {
    return { says: `${where} refuses the user or the password`, todo: 'correct DATABASE_URL' }
  }
  if (fault && !fault.unavailable) {
    return { says: `${where} refuses: ${said(error)}`, todo: 'correct DATABASE_URL' }
  }
  const todo = isLoopback(url)
    ? START_STACK
    : 'check the host in DATABASE_URL (Neon: Connect, in the console) and that the database is not deleted'
  return { says: `${where} does not answer`, todo }
}

async function checkMigrations(db: Database): Promise<Finding[]> {
  const item = 'Migrations'
  const released = releasedMigrations()
  const applied = await appliedHashes(db)
  const known = new Set(released.map(({ hash }) => hash))
  const missing = released.filter(({ hash }) => !applied.has(hash)).map(({ name }) => name)
  const unknown = [...applied].filter((hash) => !known.has(hash)).length
  const findings: Finding[] = []
  if (missing.length > 0) {
    const says = `missing: ${missing.join(', ')}`
    findings.push({ level: 'fail', item, says, todo: 'npm run db:migrate' })
  }
  if (unknown > 0) {
    const says = `${unknown} applied that this release does not know: a newer one made them`
    findings.push({ level: 'warn', item, says, todo: 'deploy the newer release: git pull' })
  }
  if (findings.length > 0) return findings
  return [{ level: 'ok', item, says: `all ${released.length} applied` }]
}

async function appliedHashes(db: Database): Promise<Set<string>> {
  try {
    const { rows } = await db.execute<{ hash: string }>(
      sql`select hash from drizzle.__drizzle_migrations`,
    )
    return new Set(rows.map(({ hash }) => hash))
  } catch (error) {
    // Neither the schema nor the table: nothing was ever applied.
    if (/^(3F000|42P01)$/.test(databaseFault(error)?.code ?? '')) return new Set()
    throw error
  }
}
