// Our client beside the official driver: the same statements give the same answers, by the same requests.
import { neon, neonConfig, NeonDbError as OfficialError } from '@neondatabase/serverless'
import { getTableColumns, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { databaseFault } from '../../src/data/db.ts'
import { NeonDbError, type NeonHttp, neonHttp } from '../../src/data/neon-http.ts'
import * as schema from '../../src/data/schema.ts'
import { unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { stack } from '../support/stripe.ts'

const LIMIT_MS = 30_000
const OFFICIAL_NAME = 'pkg:npm/%40neondatabase/serverless@1.2.0'

const hosted = neonConfig.fetchEndpoint
/** Leads the official driver to the local stack, for which it has no endpoint of its own. */
function pointOfficial() {
  neonConfig.fetchEndpoint = `http://${new URL(stack.databaseUrl).host}/sql`
  onTestFinished(() => {
    neonConfig.fetchEndpoint = hosted
  })
}

const options = (arrayMode: boolean) => ({ arrayMode, fullResults: true }) as const

interface Sent {
  url: string
  method: string
  headers: Record<string, string>
  body: unknown
}

/** What the work sends, in order. @param answer stands for the network, where there is none to ask */
async function sentBy(work: () => unknown, answer?: () => Response): Promise<Sent[]> {
  const sent: Sent[] = []
  const real = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const body = await request.clone().json()
    const headers = Object.fromEntries(request.headers)
    const said = decodeURIComponent(headers['neon-connection-string'] ?? '')
    // The one thing in which they differ: who they say that they are.
    const shown = said
      .replace(OFFICIAL_NAME, 'tollgate')
      .replace(decodeURIComponent(OFFICIAL_NAME), 'tollgate')
    headers['neon-connection-string'] = shown
    sent.push({ url: request.url, method: request.method, headers, body })
    return answer ? answer() : real(request)
  }
  try {
    await work()
  } finally {
    globalThis.fetch = real
  }
  return sent
}

async function refusal(work: PromiseLike<unknown>): Promise<NeonDbError> {
  try {
    await work
  } catch (error) {
    if (error instanceof NeonDbError) return error
    throw error
  }
  return expect.fail('it was expected to fail')
}

/** The official driver's error, but for what it keeps of fetch's. */
async function officialRefusal(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof OfficialError)) throw error
    const { sourceError: _none, ...members } = error
    return { ...members, message: error.message }
  }
  return expect.fail('it was expected to fail')
}

const plain = (error: NeonDbError) => ({ ...error, message: error.message })

/** One statement by both, as rows of either mode. @returns our rows as objects */
async function compare(text: string, params: unknown[] = []): Promise<unknown[]> {
  pointOfficial()
  const [ours, theirs] = [neonHttp(stack.databaseUrl, LIMIT_MS), neon(stack.databaseUrl)]
  let rows: unknown[] = []
  for (const arrayMode of [true, false]) {
    const answers: unknown[] = []
    const mine = await sentBy(async () =>
      answers.push(await ours.query(text, params, { arrayMode })),
    )
    const other = await sentBy(async () =>
      answers.push(await theirs.query(text, params as never[], options(arrayMode))),
    )
    expect(mine).toEqual(other)
    expect(mine).toHaveLength(1)
    const [own, official] = answers as [Record<string, unknown>, Record<string, unknown>]
    const { fields, rowCount, command } = official
    expect(own).toMatchObject({ fields, rowCount, command, rows: official.rows })
    expect(own.rows).toStrictEqual(official.rows)
    rows = own.rows as unknown[]
  }
  return rows
}

/** As drizzle sets the official driver up: instants, dates and intervals stay text. */
const TEXT_OF_DRIZZLE = ['timestamptz', 'timestamp', 'date', 'interval']

/** A value of each type that a column or a statement of ours has, as Postgres's text, and what is read of it. */
const VALUES: [type: string, text: string, read: unknown][] = [
  ['boolean', 'true', true],
  ['boolean', 'false', false],
  ['smallint', '-32768', -32_768],
  ['integer', '2147483647', 2_147_483_647],
  ['oid', '4294967295', 4_294_967_295],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['bigint', '-1', '-1'],
  ['numeric', '1.10', '1.10'],
  ['numeric', 'NaN', 'NaN'],
  ['real', '1.5', 1.5],
  ['double precision', '-1.7976931348623157e308', -Number.MAX_VALUE],
  ['double precision', '5e-324', 5e-324],
  ['double precision', '-0', -0],
  ['double precision', 'NaN', Number.NaN],
  ['double precision', '-Infinity', Number.NEGATIVE_INFINITY],
  ['text', '', ''],
  ['text', 'Ünï\u2028code 🜁 "\\\' \n', 'Ünï\u2028code 🜁 "\\\' \n'],
  ['uuid', '0191E2A0-0000-7000-8000-000000000001', '0191e2a0-0000-7000-8000-000000000001'],
  ['json', '{"a": [1, null, "ü"], "__proto__": 1}', JSON.parse('{"a":[1,null,"ü"],"__proto__":1}')],
  ['json', 'null', null],
  ['json', '"text"', 'text'],
  ['jsonb', '{"b": 1, "a": {"c": false}}', { a: { c: false }, b: 1 }],
  ['jsonb', '12', 12],
]

describe('one statement', () => {
  test.each(VALUES)('%s: %j', async (type, text, read) => {
    const rows = await compare(`select $1::${type} as value`, [text])
    expect(rows).toStrictEqual([{ value: read }])
  })

  test('reads no column type of ours that the table above does not have', () => {
    const columns = Object.values<unknown>(schema)
      .filter((one) => is(one, PgTable))
      .flatMap((table) => Object.values(getTableColumns(table)))
    const types = columns.map((column) => column.getSQLType())
    const known = [...VALUES.map(([type]) => type), 'timestamp with time zone']
    expect(types.length).toBeGreaterThan(50)
    expect(types.filter((type) => !known.includes(type))).toEqual([])
  })

  test.each(TEXT_OF_DRIZZLE)('%s stays text, from which drizzle reads it', async (type) => {
    const value = type === 'interval' ? '1 day 02:00:00' : '2026-01-31 23:59:59.123456+00'
    const ours = neonHttp(stack.databaseUrl, LIMIT_MS)
    const text = `select $1::${type} as value, $1::${type}::text as text`
    const { rows } = await ours.query(text, [value], { arrayMode: true })
    const [[read, shown]] = rows as [[unknown, string]]
    expect(typeof read).toBe('string')
    // In the same zone, as both are written by the same session.
    expect(read).toBe(shown)
  })

  test('null of every type, and no rows', async () => {
    const types = [...new Set(VALUES.map(([type]) => type))]
    const columns = types.map((type, at) => `null::${type} as c${at}`).join(', ')
    const nulls = Object.fromEntries(types.map((_, at) => [`c${at}`, null]))
    expect(await compare(`select ${columns}`)).toStrictEqual([nulls])
    expect(await compare(`select ${columns} where false`)).toEqual([])
    expect(await compare('select 1 as a, 2 as a')).toEqual([{ a: 2 }])
    expect(await compare('select')).toEqual([{}])
    expect(await compare('')).toEqual([])
  })

  test('parameters: sixty-four, of each kind that JavaScript has for them', async () => {
    const kinds = [null, undefined, '', 'ü"\\\u0001', 0, -1.5, 1e21, 2n ** 62n, true, false]
    const params = Array.from({ length: 64 }, (_, at) => kinds[at % kinds.length])
    const columns = params.map((_, at) => `$${at + 1}::text as c${at}`).join(', ')
    const expected = params.map((value, at) => [`c${at}`, value?.toString() ?? null])
    expect(await compare(`select ${columns}`, params)).toEqual([Object.fromEntries(expected)])
  })

  test('refuses what has no one text, before anything is sent', async () => {
    const ours = neonHttp(stack.databaseUrl, LIMIT_MS)
    for (const value of [new Date(0), [1], { a: 1 }, new Uint8Array(1)]) {
      const sent = await sentBy(() =>
        expect(() => ours.query('select $1', [value], { arrayMode: true })).toThrow(TypeError),
      )
      expect(sent).toEqual([])
    }
  })

  test('writes, and counts what it wrote', async () => {
    const table = unique('neon').replaceAll('-', '_')
    const ours = neonHttp(stack.databaseUrl, LIMIT_MS)
    const run = (text: string) => ours.query(text, [], { arrayMode: false })
    await run(`create table ${table} (id integer unique, note text)`)
    onTestFinished(async () => {
      await run(`drop table ${table}`)
    })
    const rows = await compare(`insert into ${table} (note) values ($1), (null) returning *`, ['é'])
    expect(rows).toEqual([
      { id: null, note: 'é' },
      { id: null, note: null },
    ])
    await compare(`update ${table} set note = 'x' where id is null`)
    await compare(`delete from ${table} where id is not null`)
  })
})

describe('a refusal', () => {
  test.each([
    ['no such table', 'select from no_such_table', [], '42P01'],
    ['no such column, at its place', 'select ünknown', [], '42703'],
    ['a value that does not fit', 'select $1::integer', ['x'], '22P02'],
    ['a syntax error', 'selec', [], '42601'],
    ['a check', `insert into reconciliation (id) values (2)`, [], '23514'],
    [
      'an exception with a hint',
      `do $$ begin raise 'no' using hint = 'why', detail = 'that'; end $$`,
      [],
      'P0001',
    ],
  ])('%s', async (_, text, params, code) => {
    pointOfficial()
    const ours = neonHttp(stack.databaseUrl, LIMIT_MS)
    const own = await refusal(ours.query(text, params, { arrayMode: true }))
    const official = neon(stack.databaseUrl).query(text, params)
    expect(plain(own)).toStrictEqual(await officialRefusal(official))
    expect(own).toMatchObject({ name: 'NeonDbError', code })
  })

  test('of the password, without it', async () => {
    pointOfficial()
    const url = stack.databaseUrl.replace(/:[^:]+@/, ':hush@')
    const own = await refusal(neonHttp(url, LIMIT_MS).query('select 1', [], { arrayMode: true }))
    expect(plain(own)).toStrictEqual(await officialRefusal(neon(url).query('select 1')))
    expect(own).toMatchObject({ code: '28P01' })
    expect(JSON.stringify(plain(own))).not.toContain('hush')
  })
})

describe('a batch', () => {
  const batch = (client: NeonHttp, texts: string[]) =>
    client.transaction(
      texts.map((text, at) => client.query(text, [at], { arrayMode: at % 2 === 0 })),
    )
  const official = (texts: string[]) => {
    const sql = neon(stack.databaseUrl)
    const queries = texts.map((text, at) => sql.query(text, [at], options(at % 2 === 0)))
    return sql.transaction(queries as never[], options(true))
  }

  test('is one request, answered in order, each in its own mode', async () => {
    pointOfficial()
    const texts = [
      'select $1::int as n',
      'select $1::int8 as n, true as b',
      'select $1::int where false',
    ]
    const answers: unknown[] = []
    const ours = neonHttp(stack.databaseUrl, LIMIT_MS)
    const mine = await sentBy(async () => answers.push(await batch(ours, texts)))
    const other = await sentBy(async () => answers.push(await official(texts)))
    expect(mine).toEqual(other)
    expect(mine).toHaveLength(1)
    const [own, theirs] = answers as [{ rows: unknown }[], Record<string, unknown>[]]
    expect(own.map(({ rows }) => rows)).toEqual([[[0]], [{ n: '1', b: true }], []])
    expect(own).toMatchObject(
      theirs.map(({ fields, rowCount, command, rows }) => ({ fields, rowCount, command, rows })),
    )
  })

  test('is refused as a whole', async () => {
    pointOfficial()
    const texts = ['select $1::int', 'select $1::int, 1 / 0']
    const own = await refusal(batch(neonHttp(stack.databaseUrl, LIMIT_MS), texts))
    expect(plain(own)).toStrictEqual(await officialRefusal(official(texts)))
    expect(own).toMatchObject({ code: '22012' })
  })
})

test.each([
  'postgres://u:p@ep-cool-name-123456.eu-central-1.aws.neon.tech/db',
  'postgresql://u:p@ep-cool-name-123456-pooler.c-2.eu-central-1.aws.neon.tech/db?sslmode=require&channel_binding=require',
  'postgres://user%40x:p%23%2F%3Aw%C3%B6rd%25@EP-X.us-east-2.aws.neon.tech:5432/my%20db?options=endpoint%3Dep-x%20a',
  'postgres://u:p@ep-x.neon.tech:80/db?application_name=billing',
  'postgres://u:p@ep-x.neon.tech:443/db',
  'postgres://u@ep-x.neon.tech/db',
])(
  'asks the host, and says the connection string, that the official driver does: %s',
  async (url) => {
    const answer = () => Response.json({ fields: [], rows: [], command: 'SELECT', rowCount: 0 })
    const ours = neonHttp(url, LIMIT_MS)
    const mine = await sentBy(
      async () => await ours.query('select 1', [], { arrayMode: true }),
      answer,
    )
    const other = await sentBy(
      async () => await neon(url).query('select 1', [], options(true)),
      answer,
    )
    expect(mine).toEqual(other)
    expect(mine[0]?.url).toMatch(/^https:\/\/api\.([a-z0-9-]+\.)*neon\.tech\/sql$/)
  },
)

describe('what is not the database’s answer is said to be none', () => {
  const ask = (url: string, limitMs: number, mark: string) =>
    refusal(neonHttp(url, limitMs).query(`select '${mark}'`, [], { arrayMode: true }))
  const expectNone = (own: NeonDbError, message: RegExp) => {
    expect(own.message).toMatch(message)
    expect(databaseFault(own)).toMatchObject({ unavailable: true, code: undefined })
  }

  test.each([
    [
      'a status of a proxy',
      502,
      'Bad <b>gateway</b>',
      /^Server error \(HTTP status 502\): Bad <b>/,
    ],
    ['a refusal that is no JSON', 400, '<html>', /^Error connecting to database: SyntaxError/],
    ['a refusal that is null', 400, 'null', /^Error connecting to database: TypeError/],
    ['a page', 200, '<html>', /^Error connecting to database: SyntaxError/],
    ['JSON of something else', 200, '{}', /^Error connecting to database: TypeError/],
  ])('%s', async (_, status, body, message) => {
    const mark = unique('mark')
    const fault = { kind: 'status', status, body } as const
    await inject('postgres', { match: { bodyIncludes: mark }, fault })
    expectNone(await ask(stack.databaseUrl, LIMIT_MS, mark), message)
  })

  test.each(['reset', 'lose-answer', 'truncate', 'break-off'] as const)('%s', async (kind) => {
    const mark = unique('mark')
    await inject('postgres', { match: { bodyIncludes: mark }, fault: { kind } })
    expectNone(await ask(stack.databaseUrl, LIMIT_MS, mark), /^Error connecting to database/)
  })

  test('silence, after the time limit', async () => {
    const mark = unique('mark')
    await inject('postgres', { match: { bodyIncludes: mark }, fault: { kind: 'hang' } })
    expectNone(
      await ask(stack.databaseUrl, 50, mark),
      /^Error connecting to database: TimeoutError/,
    )
  })

  test('silence within an answer', async () => {
    const signals: (AbortSignal | null | undefined)[] = []
    const real = globalThis.fetch
    onTestFinished(() => {
      globalThis.fetch = real
    })
    globalThis.fetch = async (_, init) => {
      signals.push(init?.signal)
      const begun = new TransformStream<Uint8Array, Uint8Array>()
      init?.signal?.addEventListener('abort', () => {
        begun.writable.abort(init.signal?.reason).catch(() => {})
      })
      return new Response(begun.readable)
    }
    for (const _ of [1, 2]) {
      expectNone(
        await ask(stack.databaseUrl, 50, 'x'),
        /^Error connecting to database: TimeoutError/,
      )
    }
    expect(new Set(signals).size).toBe(2)
  })

  test('a connection string that is none, without repeating it', async () => {
    const own = await ask('postgres://u:hush@ho st/db', LIMIT_MS, 'x')
    expectNone(own, /^Error connecting to database: TypeError/)
    expect(JSON.stringify(plain(own))).not.toContain('hush')
  })
})
