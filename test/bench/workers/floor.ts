// What limits the paid call, whoever builds it: what the contract has every answer carry, and the round trips of an
// account that nobody knows. No account, no decision, no count.
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { connectDatabase, type Database } from '../../../src/data/db.ts'
import { connectRedis } from '../../../src/data/redis.ts'
import { parseEnv } from '../../../src/env.ts'
import { answer } from './answer.ts'

const POLICY = '"api-calls";q=100000;w=2678400, "reactions";q=1000000000;w=2678400'

const app = new Hono<{ Bindings: { TIER_PRO_LIMIT: RateLimit } }>()
let calls = 0
let database: Database | undefined

const SKIN = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Cache-Control': 'no-store',
}

/** The key and the caller's ids are read, the platform's rate limiter is asked, headers and a line in the log written. */
app.get('/api/v1/bench', async (c) => {
  const [key, requestId, idempotencyKey] = ['X-API-Key', 'X-Request-Id', 'Idempotency-Key'].map(
    (name) => c.req.header(name),
  )
  if (!key || requestId || idempotencyKey) return c.text('Not a call of the bench', 400)
  const { success } = await c.env.TIER_PRO_LIMIT.limit({ key })
  if (!success) return c.text('Too many', 429)
  calls += 1
  const response = answer(c)
  const { headers } = response
  headers.set('X-Request-Id', `0123456789abcdef01234567-${calls}`)
  headers.set('RateLimit-Policy', POLICY)
  headers.set('RateLimit', `"api-calls";r=${calls};t=2678400, "reactions";r=${calls};t=2678400`)
  headers.set('Server-Timing', 'paywall;dur=0;desc="memory"')
  for (const [name, value] of Object.entries(SKIN)) headers.set(name, value)
  const line = { level: 'info', event: 'request', request_id: `0123456789abcdef01234567-${calls}` }
  const answered = { method: 'GET', route: '/api/v1/bench', status: 200, layer: 'memory', ms: 0 }
  console.info(JSON.stringify({ ...line, ...answered, key_id: '0123456789abcdef' }))
  return response
})

/** One request to Redis, and when it is answered one to Postgres, by the clients of the app. */
app.get('/api/v1/bench-trips', async (c) => {
  const { redis, databaseUrl, databaseTimeoutMs } = parseEnv(c.env)
  database ??= connectDatabase(databaseUrl, databaseTimeoutMs)
  await connectRedis(redis).evaluate('return 1', [], [])
  await database.execute(sql`select 1`)
  return answer(c)
})

export default { fetch: app.fetch }
