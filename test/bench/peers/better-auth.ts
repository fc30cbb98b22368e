// better-auth's API-key plugin on Hono, drizzle and Neon, as https://hono.dev/examples/better-auth-on-cloudflare and
// https://better-auth.com/docs/plugins/api-key say, but that it is built once for the isolate's life, which is faster.
// Its rate limiter, widened to a month, is the quota.
import { apiKey } from '@better-auth/api-key'
import { neon, neonConfig } from '@neondatabase/serverless'
import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { answer } from '../workers/answer.ts'
import {
  account,
  apikey,
  CREATE_TABLES,
  session,
  user,
  verification,
} from './better-auth-schema.ts'

interface Bindings {
  DATABASE_URL: string
}

const QUOTA = 100_000
// Below 2^31, which the plugin's column holds.
const WINDOW_MS = 24 * 24 * 60 * 60 * 1000

// The stack's Neon on loopback.
neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`

function build(env: Bindings) {
  const db = drizzle({ client: neon(env.DATABASE_URL) })
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: 'only for the bench: nothing here outlives the run',
    database: drizzleAdapter(db, {
      provider: 'pg',
      schema: { user, session, account, verification, apikey },
    }),
    plugins: [apiKey({ rateLimit: { enabled: true, timeWindow: WINDOW_MS, maxRequests: QUOTA } })],
  })
  return { db, auth }
}

let built: ReturnType<typeof build> | undefined
const clients = (env: Bindings) => {
  built ??= build(env)
  return built
}

const app = new Hono<{ Bindings: Bindings }>()

app.get('/api/v1/bench', async (c) => {
  const { auth } = clients(c.env)
  const key = c.req.header('X-API-Key')
  if (!key) return c.json({ error: 'unauthorized' }, 401)
  const { valid, error } = await auth.api.verifyApiKey({ body: { key } })
  if (!valid) return c.json({ error }, 401)
  return answer(c)
})

/** Makes the tables and `count` keys, each of another user, and gives them. */
app.post('/setup/:count', async (c) => {
  const { db, auth } = clients(c.env)
  for (const statement of CREATE_TABLES) await db.execute(statement)
  const keys: string[] = []
  for (let i = 0; i < Number(c.req.param('count')); i += 1) {
    const id = crypto.randomUUID()
    const now = new Date()
    await db.insert(user).values({
      id,
      name: 'bench',
      email: `${id}@example.com`,
      emailVerified: true,
      createdAt: now,
      updatedAt: now,
    })
    const { key } = await auth.api.createApiKey({ body: { userId: id, name: 'bench' } })
    keys.push(key)
  }
  return c.json(keys)
})

export default { fetch: app.fetch }
