// Batches through the unmodified Neon driver and drizzle: one transaction, its options, its failures.
import { type NeonDbError, neon } from '@neondatabase/serverless'
import { eq, sql as fragment } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, jsonb, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withFaults } from '../../dev/faults.ts'
import { CONNECTION_STRING, type NeonUnderTest, startNeon } from './neon-fixture.ts'

let server: NeonUnderTest
/** Set by a test that wants to see the requests arrive. */
let onRequest: (request: Request) => void = () => {}
const sql = neon(CONNECTION_STRING)

beforeAll(async () => {
  server = await startNeon((app) => {
    const faulty = withFaults(app)
    return {
      fetch: (request, env) => {
        onRequest(request)
        return faulty.fetch(request, env as object)
      },
    }
  })
  await sql`CREATE TABLE entries (id int PRIMARY KEY, note text)`
}, 60_000)
afterAll(() => server.close())
beforeEach(() => sql`TRUNCATE entries`)

const ids = async (): Promise<number[]> =>
  (await sql`SELECT id FROM entries ORDER BY id`).map((row) => row.id)
const refused = (run: Promise<unknown>): Promise<NeonDbError> =>
  run.then(
    () => Promise.reject(new Error('it was accepted')),
    (error: NeonDbError) => error,
  )

describe('a batch', () => {
  test('gives one result per query, in order', async () => {
    const results = await sql.transaction([
      sql`INSERT INTO entries VALUES (1, 'a') RETURNING id`,
      sql`UPDATE entries SET note = ${'b'}`,
      sql`SELECT note FROM entries`,
    ])
    expect(results).toEqual([[{ id: 1 }], [], [{ note: 'b' }]])
  })

  test('knows array mode and full results', async () => {
    await sql`INSERT INTO entries VALUES (1, 'a'), (2, 'b')`
    const queries = [sql`SELECT id FROM entries ORDER BY id`, sql`DELETE FROM entries WHERE id = 1`]
    const options = { arrayMode: true, fullResults: true } as const
    expect(await sql.transaction(queries, options)).toMatchObject([
      {
        command: 'SELECT',
        rowCount: 2,
        rows: [[1], [2]],
        fields: [{ name: 'id', dataTypeID: 23 }],
      },
      { command: 'DELETE', rowCount: 1, rows: [], fields: [] },
    ])
  })

  test('is one transaction', async () => {
    const id = sql`SELECT pg_current_xact_id()::text AS id`
    const [first, second] = await sql.transaction([id, id])
    expect(first).toEqual(second)
    expect(await sql.transaction([])).toEqual([])
  })

  test('leaves nothing when one of its queries fails, and says which constraint', async () => {
    const error = await refused(
      sql.transaction([
        sql`INSERT INTO entries VALUES (1, 'a')`,
        sql`INSERT INTO entries VALUES (2, 'b')`,
        sql`INSERT INTO entries VALUES (1, 'c')`,
      ]),
    )
    expect(error).toMatchObject({ code: '23505', constraint: 'entries_pkey' })
    expect(await ids()).toEqual([])
  })

  test('leaves nothing when only the commit fails', async () => {
    await sql`CREATE TABLE children (parent int REFERENCES entries DEFERRABLE INITIALLY DEFERRED)`
    const error = await refused(
      sql.transaction([
        sql`INSERT INTO entries VALUES (1, 'a')`,
        sql`INSERT INTO children VALUES (2)`,
      ]),
    )
    expect(error).toMatchObject({ code: '23503', table: 'children' })
    expect(await ids()).toEqual([])
    await sql`DROP TABLE children`
  })

  test('is refused whole when a query in it holds two statements', async () => {
    const error = await refused(
      sql.transaction([
        sql`INSERT INTO entries VALUES (1, 'a')`,
        sql`INSERT INTO entries VALUES (2, 'b'); COMMIT`,
      ]),
    )
    expect(error.code).toBe('42601')
    expect(await ids()).toEqual([])
  })
})

describe('transaction options', () => {
  const settings = [
    sql`SHOW transaction_isolation`,
    sql`SHOW transaction_read_only`,
    sql`SHOW transaction_deferrable`,
  ]
  test.each([
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const)('%s is set', async (isolationLevel, setting) => {
    expect(await sql.transaction(settings, { isolationLevel })).toEqual([
      [{ transaction_isolation: setting }],
      [{ transaction_read_only: 'off' }],
      [{ transaction_deferrable: 'off' }],
    ])
  })

  test('read only and deferrable are set, for this batch alone', async () => {
    const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true } as const
    expect(await sql.transaction(settings, options)).toEqual([
      [{ transaction_isolation: 'serializable' }],
      [{ transaction_read_only: 'on' }],
      [{ transaction_deferrable: 'on' }],
    ])
    expect(await sql.transaction(settings)).toEqual([
      [{ transaction_isolation: 'read committed' }],
      [{ transaction_read_only: 'off' }],
      [{ transaction_deferrable: 'off' }],
    ])
  })

  test('read only refuses to write', async () => {
    const write = [sql`INSERT INTO entries VALUES (1, 'a')`]
    expect((await refused(sql.transaction(write, { readOnly: true }))).code).toBe('25006')
    expect(await ids()).toEqual([])
  })

  test('the answer repeats the options that were heeded', async () => {
    const response = await fetch(server.sqlUrl, {
      method: 'POST',
      headers: {
        'Neon-Connection-String': CONNECTION_STRING,
        'Neon-Batch-Isolation-Level': 'RepeatableRead',
        'Neon-Batch-Read-Only': 'true',
        'Neon-Batch-Deferrable': 'false',
      },
      body: JSON.stringify({ queries: [{ query: 'SELECT 1' }] }),
    })
    expect(response.headers.get('neon-batch-isolation-level')).toBe('RepeatableRead')
    expect(response.headers.get('neon-batch-read-only')).toBe('true')
    expect(response.headers.has('neon-batch-deferrable')).toBe(false)
  })

  test('an unknown isolation level is a bad request', async () => {
    const isolationLevel = 'Chaos' as 'Serializable'
    const error = await refused(sql.transaction(settings, { isolationLevel }))
    expect(error.message).toBe('invalid isolation level')
  })
})

describe('a client that goes away', () => {
  /** Sends `run` while another connection holds the table, hangs up, and lets the table go. */
  async function hangUpDuring(run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const holder = new pg.Client({ connectionString: server.postgresUrl })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('LOCK TABLE entries IN EXCLUSIVE MODE')
    const hangUp = new AbortController()
    const arrived = new Promise<Request>((resolve) => {
      onRequest = resolve
    })
    const answer = refused(run(hangUp.signal))
    const request = await arrived
    onRequest = () => {}
    const noticed = new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    hangUp.abort()
    await noticed
    await holder.query('COMMIT')
    await holder.end()
    expect((await answer).message).toMatch(/^Error connecting to database/)
  }

  test('leaves no part of its batch, no open transaction and no lost connection', async () => {
    await hangUpDuring((signal) =>
      sql.transaction(
        [sql`INSERT INTO entries VALUES (1, 'a')`, sql`INSERT INTO entries VALUES (2, 'b')`],
        { fetchOptions: { signal } },
      ),
    )
    // The pool has one connection: it answers, so it was given back.
    expect(await ids()).toEqual([])
    expect((await refused(sql`SAVEPOINT here`)).code).toBe('25P01')
  })

  test('does not disturb those that come after it', async () => {
    const query = 'INSERT INTO entries VALUES (3, $1)'
    await hangUpDuring((signal) => sql.query(query, ['c'], { fetchOptions: { signal } }))
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => sql`INSERT INTO entries VALUES (${i + 10}, 'later')`),
    )
    expect(answers).toHaveLength(10)
    expect((await ids()).filter((id) => id >= 10)).toHaveLength(10)
  })
})

test('an answer lost on its way leaves the write done and the driver in doubt', async () => {
  const note = `lost ${crypto.randomUUID()}`
  const ordered = await fetch(new URL('/_faults', server.sqlUrl), {
    method: 'POST',
    body: JSON.stringify({
      match: { bodyIncludes: note },
      fault: { kind: 'lose-answer' },
      times: 1,
    }),
  })
  expect(ordered.status).toBe(201)
  const error = await refused(sql`INSERT INTO entries VALUES (7, ${note})`)
  expect(error.message).toMatch(/^Error connecting to database/)
  expect(await ids()).toEqual([7])
})

describe('drizzle', () => {
  const accounts = pgTable('accounts', {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    email: text().notNull().unique(),
    balance: numeric({ precision: 12, scale: 2 }),
    profile: jsonb().$type<{ tags: string[] }>(),
    since: timestamp({ withTimezone: true }).notNull(),
  })
  const since = new Date('2026-11-23T01:02:03.456Z')
  const db = drizzle(neon(CONNECTION_STRING))
  beforeAll(async () => {
    await db.execute(fragment`CREATE TABLE accounts (
      id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, email text NOT NULL UNIQUE,
      balance numeric(12, 2), profile jsonb, since timestamptz NOT NULL)`)
  })

  test('writes and reads its own types', async () => {
    const account = { email: 'a@example.com', balance: '12.50', profile: { tags: ['x'] }, since }
    const [created] = await db.insert(accounts).values(account).returning()
    expect(created).toEqual({ ...account, id: expect.any(Number) })
    const [found] = await db.select().from(accounts).where(eq(accounts.since, since))
    expect(found).toEqual(created)
  })

  test('does nothing on conflict and says so by an empty result', async () => {
    const account = { email: 'b@example.com', since }
    const insert = () =>
      db.insert(accounts).values(account).onConflictDoNothing().returning({ id: accounts.id })
    expect(await insert()).toHaveLength(1)
    expect(await insert()).toEqual([])
  })

  test('a batch is all or nothing and its error carries the cause', async () => {
    const account = { email: 'c@example.com', since }
    const [inserted, rows] = await db.batch([
      db.insert(accounts).values(account).returning({ email: accounts.email }),
      db.select({ email: accounts.email }).from(accounts).where(eq(accounts.email, account.email)),
    ])
    expect(rows).toEqual(inserted)
    const other = { email: 'd@example.com', since }
    const error = await db
      .batch([db.insert(accounts).values(other), db.insert(accounts).values(account)])
      .catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: '23505', constraint: 'accounts_email_key' })
    expect(await db.select().from(accounts).where(eq(accounts.email, other.email))).toEqual([])
  })

  test('counts rows and reports how many a statement changed', async () => {
    const { rowCount } = await db.update(accounts).set({ balance: '0.00' })
    expect(await db.$count(accounts)).toBe(rowCount)
  })
})
