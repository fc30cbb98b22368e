// The usual recipe for a paid API on Workers: Hono, one Redis GET for the key's account, one `@upstash/ratelimit`
// call for its quota. Built as https://upstash.com/docs/redis/sdks/ratelimit-ts/gettingstarted says, but that both
// clients are kept for the isolate's life, which is faster.
import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from '@upstash/redis/cloudflare'
import { Hono } from 'hono'
import { answer } from '../workers/answer.ts'

interface Bindings {
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
}

interface Account {
  userId: string
  status: string
}

const QUOTA = 100_000

let built: { redis: Redis; ratelimit: Ratelimit } | undefined

function clients(env: Bindings) {
  if (built) return built
  const redis = Redis.fromEnv(env)
  const limiter = Ratelimit.slidingWindow(QUOTA, '30 d')
  built = { redis, ratelimit: new Ratelimit({ redis, limiter, ephemeralCache: new Map() }) }
  return built
}

const app = new Hono<{ Bindings: Bindings }>()

app.get('/api/v1/bench', async (c) => {
  const { redis, ratelimit } = clients(c.env)
  const key = c.req.header('X-API-Key')
  const account = key ? await redis.get<Account>(`recipe:key:${key}`) : null
  if (account?.status !== 'active') return c.json({ error: 'unauthorized' }, 401)
  const { success, pending } = await ratelimit.limit(account.userId)
  c.executionCtx.waitUntil(pending)
  if (!success) return c.json({ error: 'quota exceeded' }, 429)
  return answer(c)
})

/** Makes `count` keys and gives them. */
app.post('/setup/:count', async (c) => {
  const { redis } = clients(c.env)
  const keys = Array.from({ length: Number(c.req.param('count')) }, () => crypto.randomUUID())
  for (const key of keys) {
    await redis.set(`recipe:key:${key}`, { userId: crypto.randomUUID(), status: 'active' })
  }
  return c.json(keys)
})

export default { fetch: app.fetch }
