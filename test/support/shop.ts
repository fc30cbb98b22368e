// An app with routes of a seller behind the paywall, customers made in one statement, and a count of what it asks for.
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { mintApiKey } from '../../src/api-key.ts'
import { refreshAccount } from '../../src/data/accounts.ts'
import { apiKeys, subscriptions, usageWindows, users } from '../../src/data/schema.ts'
import { paywall } from '../../src/paywall/middleware.ts'
import { PLANS, type Tier } from '../../src/plans.ts'
import { type Answer, type Call, type TestApp, testApp, unique } from './app.ts'
import { stack } from './stripe.ts'
import { emptyRedis } from './usage.ts'

/** Requests of one app to Redis and Postgres, those of its background with them. */
export interface Asked {
  redis: number
  postgres: number
}

export interface Shop extends TestApp {
  /** The layer that let a call of the plain paid route in. */
  buy(who: { key: string }, path?: string, call?: Call): Promise<Answer & { layer: string }>
  /** What `work` asks for until it ends, whether it waits for it or not. */
  asked<T>(work: () => Promise<T>): Promise<Asked & { result: T }>
  /** Resolves when no request to Redis is under way and what waited for one has gone on. */
  redisIdle(): Promise<void>
  /** Lets calls of `held` go on. */
  open(): void
}

const PATH = '/api/v1/shop'

/** An isolate of its own: its memory, its breakers and its counts are no other's. */
export function shop(vars: Record<string, string | undefined> = {}): Shop {
  const app = testApp(vars)
  const { deps } = app
  const gate = Promise.withResolvers<void>()
  const asked = { redis: 0, postgres: 0 }
  const underWay = new Set<Promise<unknown>>()
  const { redis, db } = deps
  deps.redis = {
    async evaluate(...args) {
      asked.redis += 1
      const answer = redis.evaluate(...args)
      underWay.add(answer)
      return answer.finally(() => underWay.delete(answer))
    },
  }
  const execute = db.execute.bind(db)
  db.execute = ((query) => {
    asked.postgres += 1
    return execute(query)
  }) as typeof db.execute

  app.app.on(['POST', 'PUT'], `${PATH}/plain`, paywall(), (c) => c.text('sold'))
  app.app.on(['POST', 'PUT'], `${PATH}/echo`, paywall(), async (c) => c.text(await c.req.text()))
  app.app.post(`${PATH}/answers/:status`, paywall(), (c) =>
    c.body('an answer', Number(c.req.param('status')) as ContentfulStatusCode),
  )
  app.app.post(`${PATH}/costs/:calls`, paywall(), (c) => {
    c.var.paid.costs({ apiCalls: Number(c.req.param('calls')), reactions: 0 })
    return c.text('sold')
  })
  app.app.post(
    `${PATH}/exact/:calls`,
    paywall(async (c) => ({ apiCalls: Number(c.req.param('calls')), reactions: 0 })),
    (c) => c.text('sold'),
  )
  app.app.post(`${PATH}/held`, paywall(), async (c) => {
    await gate.promise
    return c.text('sold')
  })

  return {
    ...app,
    async buy({ key }, path = '/plain', call = {}) {
      const answer = await app.call('POST', `${PATH}${path}`, { key, ...call })
      return {
        ...answer,
        layer: /desc="(\w+)"/.exec(answer.headers.get('Server-Timing') ?? '')?.[1] ?? '',
      }
    },
    async asked(work) {
      const before = { ...asked }
      const result = await work()
      return {
        redis: asked.redis - before.redis,
        postgres: asked.postgres - before.postgres,
        result,
      }
    },
    async redisIdle() {
      while (underWay.size > 0) {
        await Promise.allSettled(underWay)
        await new Promise((resolve) => setTimeout(resolve))
      }
    },
    open: gate.resolve,
  }
}

/** Somebody who pays, and the window of their quota at the time of the test. */
export interface Customer {
  id: string
  key: string
  windowStart: Date
  windowEnd: Date
}

const DAY_MS = 86_400_000
let made = 0

/**
 * A customer as the database shows them, with `used` API calls in Postgres's books. No isolate knows them; Redis does
 * where `known` is set.
 */
export async function customer({
  tier = 'hobby',
  used = 0,
  known = false,
  id = crypto.randomUUID(),
  keyId = crypto.randomUUID().slice(-12).padStart(16, '0'),
}: {
  tier?: Tier
  used?: number
  known?: boolean
  id?: string
  keyId?: string
} = {}): Promise<Customer> {
  const { deps } = testApp()
  made += 1
  // A month of 31 days whatever the day: the anchor is the 5th, so that all windows begin on one.
  const now = new Date()
  const windowStart = new Date(
    Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (now.getUTCDate() < 6 ? 1 : 0), 5),
  )
  const windowEnd = new Date(windowStart)
  windowEnd.setUTCMonth(windowEnd.getUTCMonth() + 1)
  await deps.db.batch([
    deps.db.insert(users).values({
      id,
      email: `${unique('customer')}@example.com`,
      passwordHash: 'none',
      tier,
      createdAt: new Date(windowStart.getTime() - 90 * DAY_MS),
    }),
    deps.db.insert(apiKeys).values({ id: keyId, userId: id, name: 'default', createdAt: now }),
    deps.db.insert(subscriptions).values({
      id: unique('sub_'),
      userId: id,
      status: 'active',
      tier,
      priceId: stack.prices[tier],
      currentPeriodStart: windowStart,
      currentPeriodEnd: windowEnd,
      billingCycleAnchor: windowStart,
      cancelAtPeriodEnd: false,
      collectionPaused: false,
      ticket: made,
      createdAt: windowStart,
      syncedAt: now,
    }),
    deps.db.insert(usageWindows).values({
      userId: id,
      windowStart,
      windowEnd,
      apiCalls: used,
      apiCallsQuota: PLANS[tier].quotas.apiCalls,
      reactionsQuota: PLANS[tier].quotas.reactions,
      updatedAt: now,
    }),
  ])
  if (known) await refreshAccount(deps, id)
  else await emptyRedis(id)
  return { id, key: keyOf(id, keyId), windowStart, windowEnd }
}

/** A key as this Worker mints it, whether its account exists or not. */
export function keyOf(userId: string, keyId: string): string {
  return mintApiKey(testApp().deps.config.apiKeySecrets, { userId, keyId })
}

/** API calls of the present window, as `GET /billing/usage` of that isolate shows them. */
export async function callsUsed({ call }: TestApp, { key }: { key: string }): Promise<number> {
  return (await call('GET', '/billing/usage', { key })).json.current_month.api_calls
}

/** A copy of an isolate's clock that is `seconds` ahead of the real one. */
export function ahead(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000)
}
