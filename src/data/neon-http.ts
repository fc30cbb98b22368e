// Neon's SQL over HTTP: a statement or a batch a POST. The official driver carries a whole wire client beside this.
// Source: @neondatabase/serverless 1.2.0, which test/data/neon-http.test.ts compares it with; Neon's
// proxy/src/serverless/sql_over_http.rs.

/** The members of an error that the database words itself. */
const FIELDS = [
  ...['severity', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery'],
  ...['where', 'schema', 'table', 'column', 'dataType', 'constraint', 'file', 'line', 'routine'],
]

/** No answer, or one that is no result; the database's own carry its fields, as `code`, an SQLSTATE. */
export class NeonDbError extends Error {
  override name = 'NeonDbError'
  declare readonly code: string | undefined
  declare readonly constraint: string | undefined
  constructor(message: string, fields: Record<string, unknown> = {}) {
    super(message)
    Object.assign(this, Object.fromEntries(FIELDS.map((name) => [name, fields[name] ?? undefined])))
  }
}

/**
 * By object id, the types that are not left as Postgres's text: bool, int2, int4, oid, float4, float8, json, jsonb.
 * drizzle's columns read instants, dates, bigints and numerics from the text; no statement of ours selects an array.
 * Source: pg_type.dat
 */
const READERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === 't',
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
  114: (text) => JSON.parse(text),
  3802: (text) => JSON.parse(text),
}

/** As Neon answers, each cell the text that Postgres writes. */
interface Answer {
  command: string
  rowCount: number | null
  fields: { name: string; dataTypeID: number }[]
  rows: (string | null)[][]
}

export interface Result extends Omit<Answer, 'rows'> {
  /** Lists in array mode, else objects by column. */
  rows: unknown[]
}

interface Payload {
  query: string
  params: (string | null)[]
}

/** Sent when it is awaited, or as a part of a batch. */
export interface Statement extends PromiseLike<Result> {
  readonly payload: Payload
  readonly arrayMode: boolean
}

/** What drizzle's session over Neon calls of the official driver. */
export interface NeonHttp {
  query(text: string, params: readonly unknown[], options: { arrayMode: boolean }): Statement
  /** In one transaction. */
  transaction(statements: readonly Statement[]): Promise<Result[]>
}

/** Of an answer that is not the database's, characters that its error keeps. */
const MOST_OF_A_PAGE = 500

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/

/** A client of `url`: one attempt a request, which ends after `timeoutMs`. What fails is a NeonDbError. */
export function neonHttp(url: string, timeoutMs: number): NeonHttp {
  let target: ReturnType<typeof targetOf> | undefined

  async function send<T>(body: object, read: (answer: unknown) => T): Promise<T> {
    let refused: string
    let fields: Record<string, unknown> | undefined
    try {
      target ??= targetOf(url)
      const { endpoint, headers } = target
      const signal = AbortSignal.timeout(timeoutMs)
      const request = { method: 'POST', body: JSON.stringify(body), headers, signal }
      const response = await fetch(endpoint, request)
      const { ok, status } = response
      if (ok) return read(await response.json())
      if (status === 400) {
        const said = (await response.json()) as Record<string, unknown>
        refused = typeof said.message === 'string' ? said.message : 'Server error (HTTP status 400)'
        fields = said
      } else {
        const page = (await response.text()).slice(0, MOST_OF_A_PAGE)
        refused = `Server error (HTTP status ${status}): ${page}`
      }
    } catch (error) {
      refused = `Error connecting to database: ${error}`
    }
    throw new NeonDbError(refused, fields)
  }

  return {
    query(query, params, { arrayMode }) {
      const payload = { query, params: params.map(parameterOf) }
      const run = () => send(payload, (answer) => resultOf(answer as Answer, arrayMode))
      // biome-ignore lint/suspicious/noThenProperty: drizzle hands a batch its statements before they are sent
      return { payload, arrayMode, then: (kept, broken) => run().then(kept, broken) }
    },
    transaction: (statements) =>
      send({ queries: statements.map(({ payload }) => payload) }, (answer) => {
        const { results } = answer as { results: Answer[] }
        return statements.map(({ arrayMode }, at) => resultOf(results[at] as Answer, arrayMode))
      }),
  }
}

/** Where a connection string's database answers over HTTP, and what each request to it says. */
function targetOf(text: string) {
  // As http, whose hosts and ports are parsed; those of schemes that URL does not know are not.
  const url = new URL(text.replace(/^\w+:/, 'http:'))
  const { searchParams, hostname, port } = url
  // Shown in pg_stat_activity.
  if (!searchParams.has('application_name')) searchParams.append('application_name', 'tollgate')
  return {
    // A loopback host is the local stack. Neon answers for all databases of a region at one name.
    endpoint: LOOPBACK.test(hostname)
      ? `http://${hostname}:${port}/sql`
      : `https://${hostname.replace(/^[^.]+\./, 'api.')}/sql`,
    headers: {
      'Neon-Connection-String': url.href.replace('http:', 'postgresql:'),
      'Neon-Raw-Text-Output': 'true',
      'Neon-Array-Mode': 'true',
    },
  }
}

/** A parameter as Postgres reads it. @throws TypeError for objects, of which it has no one text */
function parameterOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'object' || typeof value === 'function') {
    throw new TypeError(`A parameter is of type ${typeof value}: give its text`)
  }
  return String(value)
}

function resultOf(answer: Answer, arrayMode: boolean): Result {
  const columns = answer.fields.map(({ name, dataTypeID }) => ({ name, read: READERS[dataTypeID] }))
  const rows = answer.rows.map((row) => {
    const cells = columns.map(({ read }, at) => {
      const text = row[at] ?? null
      return text !== null && read ? read(text) : text
    })
    return arrayMode ? cells : Object.fromEntries(columns.map(({ name }, at) => [name, cells[at]]))
  })
  return { ...answer, rows }
}
