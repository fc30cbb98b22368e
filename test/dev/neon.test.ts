// Single queries through the unmodified Neon driver: values, modes, errors, authentication, limits.
import { type NeonDbError, neon } from '@neondatabase/serverless'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CONNECTION_STRING, type NeonUnderTest, startNeon } from './neon-fixture.ts'

let server: NeonUnderTest
const sql = neon(CONNECTION_STRING)

beforeAll(async () => {
  server = await startNeon()
}, 60_000)
afterAll(() => server.close())

/** A request that no driver makes, and its answer. */
async function post(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(server.sqlUrl, {
    method: 'POST',
    headers: { 'Neon-Connection-String': CONNECTION_STRING, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const answer = (await response.json()) as { message?: string; code?: string; rows?: unknown[] }
  return { status: response.status, body: answer }
}

describe('values', () => {
  const when = new Date('2026-02-28T23:59:59.123Z')
  test.each([
    ['boolean', true, true],
    ['int2', -32768, -32768],
    ['int4', 2147483647, 2147483647],
    ['int8', '9223372036854775807', '9223372036854775807'],
    ['numeric', '12345678901234567890.0123456789', '12345678901234567890.0123456789'],
    ['float4', 1.5, 1.5],
    ['float8', 0.1, 0.1],
    ['float8', 'NaN', Number.NaN],
    ['text', 'Zürich "quoted" \\ {brace} 🙂\n', 'Zürich "quoted" \\ {brace} 🙂\n'],
    ['text', '', ''],
    ['text', null, null],
    ['varchar', "O'Hara; --", "O'Hara; --"],
    ['char(4)', 'ab', 'ab  '],
    ['uuid', '0b9d2e0c-6d35-4c5e-9a0e-0a6f6a1b2c3d', '0b9d2e0c-6d35-4c5e-9a0e-0a6f6a1b2c3d'],
    ['bytea', Buffer.from([0, 1, 254, 255, 92]), Buffer.from([0, 1, 254, 255, 92])],
    ['timestamptz', when, when],
    ['date', '2024-02-29', new Date(2024, 1, 29)],
    ['time', '23:59:59.5', '23:59:59.5'],
    ['json', { b: 1, a: [null, 'x'] }, { b: 1, a: [null, 'x'] }],
    ['jsonb', { deep: { er: [1, 2.5, true] } }, { deep: { er: [1, 2.5, true] } }],
    ['jsonb', JSON.stringify([1, 2]), [1, 2]],
    ['int4[]', [1, null, 3], [1, null, 3]],
    ['int4[]', [], []],
    [
      'int4[]',
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['text[]', ['a,b', 'c"d', 'NULL', '', '{}'], ['a,b', 'c"d', 'NULL', '', '{}']],
    ['bool[]', [true, false], [true, false]],
    ['inet', '10.0.0.1', '10.0.0.1'],
  ])('%s %j goes there and back', async (type, value, expected) => {
    const rows = await sql.query(`SELECT $1::${type} AS value`, [value])
    expect(rows).toEqual([{ value: expected }])
  })

  test('a stored row reads as pg reads it over the wire', async () => {
    await sql`CREATE TABLE every_type (
      id serial PRIMARY KEY, big bigint, amount numeric(10, 2), ratio real, at timestamp, zoned timestamptz,
      span interval, doc jsonb, tags text[], days date[], raw bytea, flag boolean, place point, bits bit(3),
      mood money, range int4range)`
    await sql`INSERT INTO every_type VALUES (DEFAULT, 42, 12.5, 0.25, '2026-01-02 03:04:05.678',
      '2026-01-02 03:04:05.678+02', '1 mon 2 days 03:04:05', '{"z": 1, "a": [1]}', '{"a b",c}',
      '{2026-01-31,2026-02-28}', '\\x00ff', false, '(1,2.5)', B'101', 9.99, '[1,5)')`
    const client = new pg.Client({ connectionString: server.postgresUrl })
    await client.connect()
    const expected = await client.query('SELECT * FROM every_type')
    await client.end()
    expect(await sql`SELECT * FROM every_type`).toEqual(expected.rows)
  })
})

describe('answers', () => {
  test('array mode gives rows as lists, also with equal column names', async () => {
    const rows = await sql.query('SELECT 1 AS a, 2 AS a', [], { arrayMode: true })
    expect(rows).toEqual([[1, 2]])
  })

  test('full results describe the columns, the command and the row count', async () => {
    await sql`CREATE TABLE described (id int PRIMARY KEY, label varchar(20))`
    const inserted = await sql.query("INSERT INTO described VALUES (1, 'a'), (2, 'b')", [], {
      fullResults: true,
    })
    expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [], fields: [] })

    const client = new pg.Client({ connectionString: server.postgresUrl })
    await client.connect()
    const expected = await client.query('SELECT id, label, 1.5 AS sum FROM described')
    await client.end()
    const result = await sql.query('SELECT id, label, 1.5 AS sum FROM described', [], {
      fullResults: true,
    })
    expect(result.fields).toEqual(expected.fields.map((field) => ({ ...field })))
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 2, rowAsArray: false })
    expect(await sql.query('DROP TABLE described', [], { fullResults: true })).toMatchObject({
      command: 'DROP',
      rowCount: null,
    })
  })

  test('an empty query is an empty result', async () => {
    expect(await sql.query('', [], { fullResults: true })).toMatchObject({
      command: '',
      rowCount: null,
      rows: [],
      fields: [],
    })
  })

  test('raw text is what Postgres printed', async () => {
    const query = `SELECT true, 1::int4, 1.50::numeric, '{"a": 1}'::json, '{1,2}'::int[], null`
    const { body } = await post({ query, arrayMode: true }, { 'Neon-Raw-Text-Output': 'true' })
    expect(body.rows).toEqual([['t', '1', '1.50', '{"a": 1}', '{1,2}', null]])
  })

  test('without raw text the values are JSON as Neon makes it', async () => {
    const query = `SELECT true AS bool, 1::int2 AS int2, 1::int8 AS int8, 1.5::float4 AS float4,
      'NaN'::float8 AS nan, '{"n": 1.00000000000000000001}'::json AS json, null AS nothing,
      ARRAY[[1, 2], [3, null]] AS grid, ARRAY['a"b', 'c,d', 'NULL', null] AS words,
      '{}'::text[] AS empty, '[2:3]={7,8}'::int[] AS bounded, '1 2'::int2vector AS vector`
    const response = await fetch(server.sqlUrl, {
      method: 'POST',
      headers: { 'Neon-Connection-String': CONNECTION_STRING },
      body: JSON.stringify({ query }),
    })
    const text = await response.text()
    expect(text).toContain('"json":{"n": 1.00000000000000000001}')
    expect(JSON.parse(text).rows).toEqual([
      {
        bool: true,
        int2: 1,
        int8: '1',
        float4: 1.5,
        nan: 'NaN',
        json: { n: 1 },
        nothing: null,
        grid: [
          [1, 2],
          [3, null],
        ],
        words: ['a"b', 'c,d', 'NULL', null],
        empty: [],
        bounded: [7, 8],
        vector: '1 2',
      },
    ])
  })

  test('parameters may be JSON values of any kind', async () => {
    const query =
      'SELECT $1::int + 1 AS n, $2::bool AS b, $3::jsonb AS j, $4::text[] AS a, $5::jsonb[] AS ja'
    const params = [41, true, { a: 1 }, ['x', null, 'y"'], [{ k: 'v' }]]
    const { body } = await post({ query, params })
    expect(body.rows).toEqual([
      { n: 42, b: true, j: { a: 1 }, a: ['x', null, 'y"'], ja: [{ k: 'v' }] },
    ])
  })

  test('twenty queries at once are all answered, each with its own result', async () => {
    const long = 'x'.repeat(200_000)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sql`SELECT ${i}::int AS i, length(${long}) AS length`),
    )
    expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => [{ i, length: 200_000 }]))
  })
})

describe('database errors', () => {
  const failure = (query: string, params: unknown[] = []): Promise<NeonDbError> =>
    sql.query(query, params).then(
      () => Promise.reject(new Error('the query succeeded')),
      (error: NeonDbError) => error,
    )

  test('a broken constraint names schema, table, constraint and the key', async () => {
    await sql`CREATE TABLE plans (tier text CONSTRAINT plans_tier_unique UNIQUE,
      amount int NOT NULL CONSTRAINT amount_positive CHECK (amount > 0))`
    await sql`INSERT INTO plans VALUES ('pro', 1)`
    expect(await failure("INSERT INTO plans VALUES ('pro', 2)")).toMatchObject({
      name: 'NeonDbError',
      message: 'duplicate key value violates unique constraint "plans_tier_unique"',
      severity: 'ERROR',
      code: '23505',
      detail: 'Key (tier)=(pro) already exists.',
      schema: 'public',
      table: 'plans',
      constraint: 'plans_tier_unique',
      routine: '_bt_check_unique',
    })
    expect(await failure("INSERT INTO plans VALUES ('x', 0)")).toMatchObject({
      code: '23514',
      constraint: 'amount_positive',
    })
    expect(await failure("INSERT INTO plans VALUES ('x', NULL)")).toMatchObject({
      code: '23502',
      column: 'amount',
    })
  })

  test('a wrong statement tells the position and the hint', async () => {
    expect(await failure('SELECT amont FROM (SELECT 1 AS amount) AS t')).toMatchObject({
      code: '42703',
      position: '8',
      hint: expect.stringContaining('amount'),
    })
  })

  test('an error inside a function tells where', async () => {
    await sql`CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'SELEC 1'; RETURN 1; END $$`
    expect(await failure('SELECT broken()')).toMatchObject({
      code: '42601',
      internalPosition: '1',
      internalQuery: 'SELEC 1',
      where: expect.stringContaining('broken()'),
    })
  })

  test('a domain names the data type', async () => {
    await sql`CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100)`
    expect(await failure('SELECT $1::percent', [101])).toMatchObject({
      code: '23514',
      dataType: 'percent',
    })
  })

  test('several statements in one query are refused', async () => {
    expect(await failure('SELECT 1; SELECT 2')).toMatchObject({ code: '42601' })
  })

  test('a parameter too few or of the wrong type is refused', async () => {
    expect(await failure('SELECT $1::int, $2::int', [1])).toMatchObject({ code: '08P01' })
    expect(await failure('SELECT $1::int', ['one'])).toMatchObject({ code: '22P02' })
  })

  test('COPY from the client is refused, and the next query answered', async () => {
    await expect(sql.query('COPY pg_class FROM STDIN')).rejects.toMatchObject({ code: '0A000' })
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })

  test('a zero byte in the query is refused and the next query answered', async () => {
    expect(await failure('SELECT 1\0, 2')).toMatchObject({ code: '' })
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })

  test('what a session keeps ends with the request', async () => {
    const zone = await sql`SHOW TimeZone`
    await sql`SET TimeZone = 'Asia/Tokyo'`
    await sql`CREATE TEMP TABLE left_behind (id int)`
    await sql`SELECT pg_advisory_lock(42)`
    expect(await sql`SHOW TimeZone`).toEqual(zone)
    expect(await sql`SELECT to_regclass('left_behind')::text AS found`).toEqual([{ found: null }])
    const held = await sql`SELECT count(*)::int AS held FROM pg_locks
      WHERE locktype = 'advisory' AND objid = 42 AND pid = pg_backend_pid()`
    expect(held).toEqual([{ held: 0 }])
  })

  test('a transaction left open by a query ends with it', async () => {
    await sql`CREATE TABLE left_open (id int)`
    await sql.query('BEGIN')
    await sql`INSERT INTO left_open VALUES (1)`
    expect(await sql`SELECT count(*)::int AS rows FROM left_open`).toEqual([{ rows: 1 }])
    expect(await failure('SAVEPOINT here')).toMatchObject({ code: '25P01' })
  })

  test('every member of an error is in the body, null where Postgres gave none', async () => {
    const { status, body } = await post({ query: 'SELEC' })
    expect(status).toBe(400)
    expect(Object.keys(body).sort()).toEqual(
      [
        ...[
          'code',
          'column',
          'constraint',
          'dataType',
          'detail',
          'file',
          'hint',
          'internalPosition',
        ],
        ...['internalQuery', 'line', 'message', 'position', 'routine', 'schema', 'severity'],
        ...['table', 'where'],
      ].sort(),
    )
    expect(body).toMatchObject({ code: '42601', constraint: null, position: '1' })
  })
})

describe('who may ask', () => {
  const ask = (connectionString: string): Promise<NeonDbError> =>
    neon(connectionString)`SELECT 1`.then(
      () => Promise.reject(new Error('the query succeeded')),
      (error: NeonDbError) => error,
    )

  test.each([
    ['a wrong password', CONNECTION_STRING.replace(/:[^:]+@/, ':wrong@'), '28P01'],
    ['an unknown user', CONNECTION_STRING.replace('seller', 'buyer'), '28P01'],
    ['an unknown database', `${CONNECTION_STRING}s`, '3D000'],
  ])('%s is refused', async (_case, connectionString, code) => {
    expect(await ask(connectionString)).toMatchObject({
      name: 'NeonDbError',
      code,
      severity: 'FATAL',
    })
  })

  test('the refusal names the user, not the password', async () => {
    const error = await ask('postgresql://buyer:secret@127.0.0.1/tollgate')
    expect(error.message).toBe("password authentication failed for user 'buyer'")
  })

  test.each([
    ['no header', ''],
    ['no URL', 'tollgate'],
    ['another scheme', 'mysql://seller:x@127.0.0.1/tollgate'],
    ['no user', 'postgresql://127.0.0.1/tollgate'],
    ['no password', 'postgresql://seller@127.0.0.1/tollgate'],
    ['no database', 'postgresql://seller:x@127.0.0.1/'],
    ['a broken escape', 'postgresql://%E0%A4%A:x@127.0.0.1/tollgate'],
  ])('%s is a bad request with a message', async (_case, header) => {
    const { status, body } = await post({ query: 'SELECT 1' }, { 'Neon-Connection-String': header })
    expect(status).toBe(400)
    expect(body).toMatchObject({ message: expect.stringMatching(/\w/), code: '' })
  })

  test('a token is not taken for a password', async () => {
    const { status } = await post({ query: 'SELECT 1' }, { Authorization: 'Bearer x' })
    expect(status).toBe(400)
  })
})

describe('wrong requests', () => {
  test.each([
    ['no JSON', '{"query":'],
    ['neither query nor queries', {}],
    ['a query that is not text', { query: 1 }],
    ['parameters that are no list', { query: 'SELECT 1', params: 'x' }],
    ['a batch that is no list', { queries: 'SELECT 1' }],
  ])('%s is a bad request', async (_case, request) => {
    const { status, body } = await post(request)
    expect(status).toBe(400)
    expect(body.message).toMatch(/^could not parse the HTTP request body: /)
  })

  test('another path and another method are not found', async () => {
    expect((await fetch(new URL('/other', server.sqlUrl), { method: 'POST' })).status).toBe(404)
    expect((await fetch(server.sqlUrl)).status).toBe(404)
  })

  test('a request above 10 MiB is too large', async () => {
    const { status, body } = await post({
      query: 'SELECT $1',
      params: ['x'.repeat(10 * 1024 * 1024)],
    })
    expect(status).toBe(413)
    expect(body.message).toBe('request is too large (max is 10485760 bytes)')
  })

  test('an answer above 64 MiB is too large, and the next query is answered', async () => {
    const megabytes = `SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 65)`
    await expect(sql.query(megabytes)).rejects.toThrow(/507.*response is too large/)
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})
