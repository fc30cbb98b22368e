// Migrations: from empty, a second time, two at once, half-way failures, and a server that is away.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MigrationStep, migrate } from '../../dev/migrate.ts'
import { neonApp } from '../../dev/neon.ts'
import {
  createDatabase,
  dropDatabase,
  type PostgresServer,
  startPostgres,
} from '../../dev/postgres.ts'
import { type Served, serve } from '../../dev/serve.ts'

const server = process.env.LOCAL_POSTGRES_URL
const name = `tollgate_migrate_${randomBytes(6).toString('hex')}`
const credentials = { user: 'u', password: 'p', database: 'd' }
let served: Served
let neon: ReturnType<typeof neonApp>
let databaseUrl: string
let postgres: PostgresServer

beforeAll(async () => {
  postgres = await startPostgres(server ? { url: await createDatabase(server, name) } : {})
  const { url, maxConnections } = postgres
  neon = neonApp({ ...credentials, postgresUrl: url, maxConnections })
  served = await serve(neon.app, 0, 'Neon')
  databaseUrl = `postgres://u:p@127.0.0.1:${served.port}/d`
})

afterAll(async () => {
  await served?.close()
  await neon?.close()
  await postgres?.close()
  if (server) await dropDatabase(server, name)
})

const run = async () => {
  const steps: MigrationStep[] = []
  await migrate(databaseUrl, (step) => steps.push(step))
  return steps
}

async function query(text: string) {
  const client = new pg.Client(postgres.url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('a statement that fails leaves nothing of its migration behind', async () => {
  // The first migration makes a table of this name: it fails there, after others were made.
  await query('create table usage_windows (x int)')
  await expect(run()).rejects.toThrow()
  const tables = await query(
    `select table_name from information_schema.tables where table_schema = 'public'`,
  )
  expect(tables).toEqual([{ table_name: 'usage_windows' }])
  await query('drop table usage_windows')
})

test('two at once from empty: each migration is applied by one of them', async () => {
  const both = await Promise.all([run(), run()])
  for (const index of both[0].keys()) {
    const results = both.map((steps) => steps[index]?.result)
    expect(results.filter((result) => result === 'applied')).toHaveLength(1)
  }
  const tables = await query(
    `select table_name from information_schema.tables where table_schema = 'public' order by 1`,
  )
  expect(tables.map(({ table_name }) => table_name)).toEqual([
    'api_keys',
    'audit_log',
    'former_accounts',
    'reconciliation',
    'stripe_events',
    'subscriptions',
    'usage_windows',
    'users',
  ])
})

test('a second time changes nothing and says so', async () => {
  const steps = await run()
  expect(steps.length).toBeGreaterThan(0)
  for (const step of steps) {
    expect(step).toEqual({ name: expect.stringMatching(/^\d{4}_/), result: 'already applied' })
  }
})

test('a server that is away is named, without the password, and what to do', async () => {
  const failure = migrate('postgres://u:hush@127.0.0.1:9/d')
  await expect(failure).rejects.toThrow(/127\.0\.0\.1:9\/d does not answer.*DATABASE_URL/)
  await expect(failure).rejects.not.toThrow(/hush/)
})

describe('npm run db:migrate', () => {
  const MIGRATE = join(import.meta.dirname, '../../dev/migrate.ts')

  async function command(url: string) {
    const child = spawn(process.execPath, [MIGRATE], {
      cwd: tmpdir(),
      env: { ...process.env, DATABASE_URL: url },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    const [code] = await once(child, 'close')
    return { code, output }
  }

  test.each([
    ['postgres://u:hush@127.0.0.1:9/d', /127\.0\.0\.1:9\/d does not answer.*DATABASE_URL/],
    ['', /DATABASE_URL is not set/],
    ['hush', /malformed.*postgres:\/\/user:password@host\/database/],
    ['postgres://u:hu#sh@h/d', /malformed.*percent-encoded/],
    ['postgres://u:1/hush@h/d', /malformed.*percent-encoded/],
    ['postgres://h/hush', /malformed/],
    ['mysql://u:hush@h/d', /must begin with postgres:/],
  ])('says what is wrong with %s, and never a password', async (url, expected) => {
    const { code, output } = await command(url)
    expect(code).toBe(1)
    expect(output).toMatch(expected)
    expect(output).not.toMatch(/hush|hu#sh|fetch failed|\n\s+at /)
  })

  test('says that a password is wrong', async () => {
    const { code, output } = await command(databaseUrl.replace(':p@', ':hush@'))
    expect(code).toBe(1)
    expect(output).toMatch(/refuses the user or the password: check DATABASE_URL/)
    expect(output).not.toContain('hush')
  })

  test('prints what the database says of a statement that fails, not the statement', async () => {
    const { code, output } = await command(databaseUrl.replace(/\/d$/, '/other'))
    expect(code).toBe(1)
    expect(output).toMatch(/^database "other" does not exist$/m)
  })
})
