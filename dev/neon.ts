// Neon's SQL over HTTP in front of any Postgres: `POST /sql`, as @neondatabase/serverless speaks it.
// Source: proxy/src/serverless/sql_over_http.rs of neondatabase/neon.
import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { authenticate, type Credentials } from './neon/connection-string.ts'
import { Refusal, refusalOf } from './neon/refusal.ts'
import type { Statement } from './neon/statement.ts'
import {
  ISOLATION_LEVELS,
  openPool,
  runBatch,
  runSingle,
  type TransactionOptions,
} from './neon/transactions.ts'
import { type Json, parameterText } from './neon/values.ts'

const MAX_REQUEST_BYTES = 10 * 1024 * 1024
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024

export interface NeonOptions extends Credentials {
  /** The Postgres behind it, reached through `pg`; stands for `database`. */
  postgresUrl: string
  /** Size of the pool in front of it. */
  maxConnections: number
  /** Hears how many statements a request holds, before the first of them runs. */
  onCommands?: (count: number) => void
}

/** The app, and `close`, which ends its connections to Postgres. */
export function neonApp(options: NeonOptions): { app: Hono; close(): Promise<void> } {
  const pool = openPool(options.postgresUrl, options.maxConnections)
  const app = new Hono()

  app.use(async (c, next) => {
    await next()
    c.header('access-control-allow-origin', '*')
    c.header('neon-request-id', randomUUID())
  })

  app.post('/sql', bodyLimit({ maxSize: MAX_REQUEST_BYTES, onError: tooLarge }), async (c) => {
    const headers = c.req.raw.headers
    authenticate(headers, options)
    const transaction = transactionOptions(headers)
    const payload = parsePayload(await c.req.text())
    options.onCommands?.('query' in payload ? 1 : payload.queries.length)
    const gone = c.req.raw.signal
    const budget = { maxBytes: MAX_RESPONSE_BYTES, usedBytes: 0 }

    if ('query' in payload) {
      return json(c, await runSingle(pool, gone, statementOf(payload, headers), budget))
    }
    const statements = payload.queries.map((query) => statementOf(query, headers))
    const results = await runBatch(pool, gone, statements, transaction, budget)
    // Neon repeats the options that it heeded.
    if (transaction.isolationLevel)
      c.header('neon-batch-isolation-level', transaction.isolationLevel)
    if (transaction.readOnly) c.header('neon-batch-read-only', 'true')
    if (transaction.deferrable) c.header('neon-batch-deferrable', 'true')
    return json(c, `{"results":[${results.join(',')}]}`)
  })

  app.notFound((c) => c.json('query is not supported', 404))
  app.onError((error) => {
    const { status, body } = refusalOf(error)
    return Response.json(body, { status })
  })

  return { app, close: () => pool.end() }
}

const json = (c: Context, body: string): Response =>
  c.body(body, 200, { 'content-type': 'application/json' })

function tooLarge(): never {
  throw new Refusal(413, `request is too large (max is ${MAX_REQUEST_BYTES} bytes)`)
}

const queryData = z.object({
  query: z.string(),
  params: z.array(z.json()).default([]),
  arrayMode: z.boolean().nullish(),
})
const payloadSchema = z.union([queryData, z.object({ queries: z.array(queryData) })])

function parsePayload(body: string): z.infer<typeof payloadSchema> {
  const prefix = 'could not parse the HTTP request body'
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new Refusal(400, `${prefix}: ${(error as SyntaxError).message}`)
  }
  const parsed = payloadSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Refusal(400, `${prefix}: data did not match any variant of untagged enum Payload`)
}

function statementOf(data: z.infer<typeof queryData>, headers: Headers): Statement {
  return {
    query: data.query,
    params: data.params.map((value: Json) => parameterText(value)),
    arrayMode: data.arrayMode ?? headers.get('neon-array-mode') === 'true',
    rawText: headers.get('neon-raw-text-output') === 'true',
  }
}

function transactionOptions(headers: Headers): TransactionOptions {
  const level = headers.get('neon-batch-isolation-level')
  if (level !== null && !isIsolationLevel(level)) throw new Refusal(400, 'invalid isolation level')
  return {
    ...(level === null ? {} : { isolationLevel: level }),
    readOnly: headers.get('neon-batch-read-only') === 'true',
    deferrable: headers.get('neon-batch-deferrable') === 'true',
  }
}

const isIsolationLevel = (level: string): level is keyof typeof ISOLATION_LEVELS =>
  Object.hasOwn(ISOLATION_LEVELS, level)
