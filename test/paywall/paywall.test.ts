// The paywall as its callers meet it: the contract's table, line by line, over Redis and Postgres.
import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { apiKeys, subscriptions } from '../../src/data/schema.ts'
import { type Call, signUp, type TestApp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { forgetSnapshot } from '../support/snapshot.ts'
import { control, stack, subscribe } from '../support/stripe.ts'
import { heldLeases, setUsage } from '../support/usage.ts'

const app = testApp()
const { call, deps } = app

const order = (params: object = { runs: 1, max_reactions: 5, seed: 1 }) => ({
  dataset_type: 'reaction_trajectories',
  params,
})
const generate = (who: { key: string }, more: Call = {}, through: TestApp = app) =>
  through.call('POST', '/datasets/generate', { key: who.key, body: order(), ...more })
/** What only a request that settles a call of theirs has in its body: see exchangeArguments. */
const settlementOf = ({ id }: { id: string }) => `"${id}","read","","0","0","0","0","0","","settle"`

/** As if the account had not called for a while: neither this isolate nor Redis has its snapshot. */
async function forgetEverywhere(userId: string): Promise<void> {
  await forgetSnapshot(userId)
  deps.memory.accounts.delete(userId)
}
const usageOf = async (who: { key: string }) =>
  (await call('GET', '/billing/usage', { key: who.key })).json.current_month

const spend = (who: { id: string; key: string }, apiCalls: number, reactions = 0) =>
  setUsage(app, who, apiCalls, reactions)

describe('before paying', () => {
  test('a real key is answered 402 with all that a program needs to buy', async () => {
    const person = await signUp(app, 'research')
    const { status, json } = await generate(person)
    expect([status, json.code]).toEqual([402, 'subscription_required'])
    expect(
      json.plans.map(({ tier, price }: { tier: string; price: { amount: number } }) => [
        tier,
        price.amount,
      ]),
    ).toEqual([
      ['hobby', 2900],
      ['research', 19_900],
      ['pro', 99_900],
    ])
    const { method, url, body } = json.checkout
    const followed = await call(method, new URL(url).pathname, { key: person.key, body })
    expect([followed.status, body.tier]).toEqual([200, 'research'])
  })

  test('says so without prices while Stripe is away', async () => {
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    const { status, json } = await generate(await signUp(away), {}, away)
    expect([status, json.code]).toEqual([402, 'subscription_required'])
    expect(json.plans.map(({ price }: { price: null }) => price)).toEqual([null, null, null])
    expect(json.checkout.url).toContain('/checkout/session')
  })

  test('a bad body is no way around it', async () => {
    const person = await signUp(app)
    expect((await generate(person, { body: '{' })).status).toBe(402)
  })
})

describe('a paid call', () => {
  test('is let in, with the quota and the layer that answered in its headers', async () => {
    const person = await subscribe(app, await signUp(app))
    const { status, headers } = await generate(person)
    expect(status).toBe(200)
    expect(headers.get('Server-Timing')).toMatch(
      /^paywall;dur=\d+(\.\d+)?;desc="(memory|redis|postgres)"$/,
    )
    const policy = headers.get('RateLimit-Policy') ?? ''
    expect(policy).toMatch(/^"api-calls";q=1000;w=\d+, "reactions";q=10000;w=\d+$/)
    const seconds = Number(/w=(\d+)/.exec(policy)?.[1])
    expect(seconds % 86_400).toBe(0)
    const { period_end } = await usageOf(person)
    const [, left, resets] =
      /^"api-calls";r=(\d+);t=(\d+), "reactions";r=\d+;t=\d+$/.exec(
        headers.get('RateLimit') ?? '',
      ) ?? []
    expect(left).toBe('999')
    const expected = (new Date(period_end).getTime() - Date.now()) / 1000
    expect(Math.abs(Number(resets) - expected)).toBeLessThan(60)
  })

  test('is answered from Redis once Redis knows the account, and from Postgres when it does not', async () => {
    const person = await subscribe(app, await signUp(app))
    expect((await generate(person)).headers.get('Server-Timing')).toContain('desc="redis"')
    await forgetEverywhere(person.id)
    expect((await generate(person)).headers.get('Server-Timing')).toContain('desc="postgres"')
    expect((await generate(person)).headers.get('Server-Timing')).toContain('desc="redis"')
  })

  test('counts itself and the reactions that it fired', async () => {
    const person = await subscribe(app, await signUp(app))
    const { text } = await generate(person, {
      body: order({ runs: 2, max_reactions: 40, seed: 7 }),
    })
    const { reactions } = JSON.parse(text.trim().split('\n').at(-1) ?? '')
    expect(reactions).toBe(80)
    expect(await usageOf(person)).toMatchObject({
      api_calls: 1,
      reactions: 80,
      api_calls_quota: 1000,
      reactions_quota: 10_000,
      percentage_used: 0.8,
    })
    await generate(person)
    expect(await usageOf(person)).toMatchObject({ api_calls: 2, reactions: 85 })
  })

  test('with a bad body is the caller’s mistake and costs nothing', async () => {
    const person = await subscribe(app, await signUp(app))
    expect((await generate(person, { body: order({ runs: 0 }) })).status).toBe(422)
    expect((await generate(person, { body: '{' })).status).toBe(400)
    expect(await usageOf(person)).toMatchObject({ api_calls: 0, reactions: 0 })
  })

  test('holds nothing once it has ended', async () => {
    const person = await subscribe(app, await signUp(app))
    await generate(person)
    expect(await heldLeases(person.id)).toEqual([])
  })

  test('whose client leaves is charged for what it got', async () => {
    const person = await subscribe(app, await signUp(app))
    const { createExecutionContext, waitOnExecutionContext, env } = await import('cloudflare:test')
    const ctx = createExecutionContext()
    const response = await app.app.request(
      '/api/v1/datasets/generate',
      {
        method: 'POST',
        headers: { 'X-API-Key': person.key, 'Content-Type': 'application/json' },
        body: JSON.stringify(order({ runs: 1, max_reactions: 9_000, seed: 3 })),
      },
      env,
      ctx,
    )
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await waitOnExecutionContext(ctx)
    const { api_calls, reactions } = await usageOf(person)
    expect(api_calls).toBe(1)
    expect(reactions).toBeGreaterThan(0)
    expect(reactions).toBeLessThan(9_000)
  })
})

describe('the quota', () => {
  test('with one call left lets one of ten parallel calls pass', async () => {
    const person = await subscribe(app, await signUp(app))
    await spend(person, 999)
    const answers = await Promise.all(Array.from({ length: 10 }, () => generate(person)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(429)])
    expect(await usageOf(person)).toMatchObject({ api_calls: 1000 })
  })

  test('used up is 429 with what a client needs to wait, and refusals count nothing', async () => {
    const person = await subscribe(app, await signUp(app))
    await spend(person, 1000)
    for (let i = 0; i < 3; i += 1) {
      const { status, json, headers } = await generate(person)
      expect([status, json.code]).toEqual([429, 'quota_exceeded'])
      expect(json).toMatchObject({ unit: 'api_calls', quota: 1000, used: 1000 })
      const { period_end } = await usageOf(person)
      expect(json.resets_at).toBe(period_end)
      const seconds = (new Date(period_end).getTime() - Date.now()) / 1000
      expect(Math.abs(Number(headers.get('Retry-After')) - seconds)).toBeLessThan(60)
    }
    expect(await usageOf(person)).toMatchObject({ api_calls: 1000 })
  })

  test('refuses a cost above what is left before any work, and counts nothing', async () => {
    const person = await subscribe(app, await signUp(app))
    await spend(person, 1, 9_999)
    const { status, json } = await generate(person, { body: order({ runs: 1, max_reactions: 10 }) })
    expect([status, json.code]).toEqual([429, 'quota_exceeded'])
    expect(json).toMatchObject({ unit: 'reactions', quota: 10_000, used: 9_999, cost: 10 })
    expect(await usageOf(person)).toMatchObject({ api_calls: 1, reactions: 9_999 })
    expect((await generate(person, { body: order({ runs: 1, max_reactions: 1 }) })).status).toBe(
      200,
    )
  })

  test('is never overshot by parallel reservations', async () => {
    const person = await subscribe(app, await signUp(app))
    await spend(person, 0, 9_000)
    const body = order({ runs: 1, max_reactions: 400, seed: 5 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => generate(person, { body })))
    const let_in = answers.filter(({ status }) => status === 200)
    expect(let_in.length).toBeGreaterThan(0)
    expect((await usageOf(person)).reactions).toBe(9_000 + let_in.length * 400)
    expect((await usageOf(person)).reactions).toBeLessThanOrEqual(10_000)
  })

  test('begins anew with the billing period', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    await setUsage(own, person, 1000)
    const end = new Date((await usageOf(person)).period_end)
    own.setNow(new Date(end.getTime() - 1))
    expect((await generate(person, {}, own)).status).toBe(429)
    own.setNow(end)
    expect((await generate(person, {}, own)).status).toBe(200)
    const { json } = await own.call('GET', '/billing/usage', { key: person.key })
    expect(json.current_month.api_calls).toBe(1)
    expect(json.history).toHaveLength(1)
    expect(json.history[0]).toMatchObject({
      api_calls: 1000,
      api_calls_quota: 1000,
      period_end: end.toISOString(),
      percentage_used: 100,
    })
  })

  test('changes at once with the plan, and what was used carries over', async () => {
    const person = await subscribe(app, await signUp(app))
    await spend(person, 1000)
    expect((await generate(person)).status).toBe(429)
    await control('POST', `/subscriptions/${person.subscription}/change-plan`, {
      price: stack.prices.research,
    })
    await person.sync()
    const { status, headers } = await generate(person)
    expect(status).toBe(200)
    expect(headers.get('RateLimit')).toContain('"api-calls";r=8999')
  })

  test('gets back the units of a call that died, once its lease has expired', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    await setUsage(own, person, 999)
    // Another isolate takes the last one, and its stream is never read.
    const dead = testApp()
    const { createExecutionContext, env } = await import('cloudflare:test')
    const headers = { 'X-API-Key': person.key, 'Content-Type': 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify(order()) }
    const path = '/api/v1/datasets/generate'
    const taken = await dead.app.request(path, request, env, createExecutionContext())
    expect(taken.status).toBe(200)
    expect((await generate(person, {}, own)).status).toBe(429)
    own.setNow(new Date(Date.now() + 14 * 60_000))
    expect((await generate(person, {}, own)).status).toBe(429)
    own.setNow(new Date(Date.now() + 15 * 60_000 + 1_000))
    expect((await generate(person, {}, own)).status).toBe(200)
  })

  describe('and a stream that is read slowly', () => {
    const begin = async (own: TestApp, key: string, max_reactions = 9_000) => {
      const { createExecutionContext, env } = await import('cloudflare:test')
      const ctx = createExecutionContext()
      const response = await own.app.request(
        '/api/v1/datasets/generate',
        {
          method: 'POST',
          headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
          body: JSON.stringify(order({ runs: 1, max_reactions, seed: 3 })),
        },
        env,
        ctx,
      )
      return { status: response.status, reader: response.body?.getReader() }
    }
    const minutes = (count: number) => new Date(Date.now() + count * 60_000)

    test('ends the stream while what it delivered can still be booked', async () => {
      const own = testApp()
      const person = await subscribe(own, await signUp(own))
      const { reader } = await begin(own, person.key)
      await reader?.read()
      own.ringTimers()
      await expect(reader?.read()).rejects.toThrow()
      const { reactions } = await usageOf(person)
      expect(reactions).toBeGreaterThan(0)
      expect(reactions).toBeLessThan(9_000)
    })

    test('is never exceeded by streams that outlive their leases', async () => {
      const own = testApp()
      const person = await subscribe(own, await signUp(own))
      const readers = []
      for (const start of [0, 16, 32]) {
        own.setNow(minutes(start))
        const { status, reader } = await begin(own, person.key)
        expect(status).toBe(200)
        readers.push(reader)
      }
      for (const reader of readers) {
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read());
      }
      expect((await usageOf(person)).reactions).toBeLessThanOrEqual(10_000)
    })

    test('says to come back when the running call must be over, not next month', async () => {
      const own = testApp()
      const person = await subscribe(own, await signUp(own))
      await begin(own, person.key)
      const { status, headers } = await generate(
        person,
        { body: order({ runs: 1, max_reactions: 9_000 }) },
        own,
      )
      expect(status).toBe(429)
      expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(15 * 60)
    })
  })

  test('holds nothing of a call whose taking was answered to nobody', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    await inject('redis', {
      match: { bodyIncludes: person.id },
      fault: { kind: 'lose-answer' },
      times: 1,
    })
    const body = order({ runs: 1, max_reactions: 9_000 })
    // More than an isolate lends.
    expect((await generate(person, { body }, own)).json.code).toBe('unavailable')
    // One failure does not count as Redis being away: what may be held for nobody goes back at once.
    expect(await heldLeases(person.id)).toEqual([])
    expect((await generate(person, { body }, own)).status).toBe(200)
  })

  test('a settlement whose answer is lost is sent again and counts once', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    await inject('redis', {
      match: { bodyIncludes: settlementOf(person) },
      fault: { kind: 'lose-answer' },
      times: 1,
    })
    expect((await generate(person, {}, own)).status).toBe(200)
    expect(await usageOf(person)).toMatchObject({ api_calls: 1, reactions: 5 })
  })

  test('a second key of the account is no second quota', async () => {
    const { mintApiKey } = await import('../../src/api-key.ts')
    const person = await subscribe(app, await signUp(app))
    const keyId = '00112233aabbccdd'.replace('0', Math.floor(Math.random() * 16).toString(16))
    const id = (keyId + crypto.randomUUID().replaceAll('-', '')).slice(-16)
    await deps.db
      .insert(apiKeys)
      .values({ id, userId: person.id, name: 'second', createdAt: new Date() })
    await forgetEverywhere(person.id)
    const second = { key: mintApiKey(deps.config.apiKeySecrets, { userId: person.id, keyId: id }) }
    await spend(person, 999)
    expect((await generate(second)).status).toBe(200)
    expect((await generate(person)).status).toBe(429)
  })
})

test('an account with two subscriptions is let in by the one that gives access', async () => {
  const person = await subscribe(app, await signUp(app), 'hobby')
  const [row] = await deps.db
    .select()
    .from(subscriptions)
    .where(eq(subscriptions.id, person.subscription))
  if (!row) throw new Error('no subscription')
  await deps.db.insert(subscriptions).values({
    ...row,
    id: `${row.id}pro`,
    tier: 'pro',
    cancelAt: new Date(Date.now() - 86_400_000),
  })
  await forgetEverywhere(person.id)
  const { status, headers } = await generate(person)
  expect(status).toBe(200)
  expect(headers.get('RateLimit-Policy')).toContain('q=1000;')
})

describe('the rate', () => {
  test('holds for callers who have not paid, too', async () => {
    const person = await signUp(app)
    const statuses = new Set<number>()
    for (let batch = 0; batch < 11; batch += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => generate(person)))
      for (const { status } of answers) statuses.add(status)
    }
    expect([...statuses].sort()).toEqual([402, 429])
  })

  test('too many per second are 429 rate_limited, counted nowhere, and not 401', async () => {
    const person = await subscribe(app, await signUp(app))
    const answers = []
    // Two windows of the limiter can meet: twice its 50 and one more overflow one of them.
    for (let batch = 0; batch < 11; batch += 1) {
      answers.push(
        ...(await Promise.all(Array.from({ length: 10 }, () => generate(person, { body: '{' })))),
      )
    }
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.json.code).toBe('rate_limited')
    expect(Number(refused[0]?.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(await usageOf(person)).toMatchObject({ api_calls: 0 })
  })
})

describe('the cache', () => {
  test('never delays a payment: a cached denial, then the webhook, then in', async () => {
    const person = await signUp(app)
    expect((await generate(person)).status).toBe(402)
    expect((await generate(person)).status).toBe(402)
    const subscriber = await subscribe(app, person)
    expect((await generate(subscriber)).status).toBe(200)
  })

  test('never outlives a cancellation: in, then the webhook, then out', async () => {
    const person = await subscribe(app, await signUp(app))
    expect((await generate(person)).status).toBe(200)
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    expect((await generate(person)).json.code).toBe('subscription_required')
  })

  test('filled by a slow reader never brings a cancelled account back', async () => {
    const person = await subscribe(app, await signUp(app))
    await forgetEverywhere(person.id)
    // The reader has the old rows in hand; its write to Redis is held while the cancellation passes.
    const slowFill = await inject('redis', {
      match: { bodyIncludes: `{\\"id\\":\\"${person.subscription}` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const slow = testApp({ REDIS_TIMEOUT_MS: '30000' })
    const reading = generate(person, {}, slow)
    await slowFill.hit(1)
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    await slowFill.release()
    await reading
    expect((await generate(person)).json.code).toBe('subscription_required')
  })

  test('that Redis lost comes back from Postgres, access and counts intact', async () => {
    const person = await subscribe(app, await signUp(app))
    await generate(person)
    await forgetEverywhere(person.id)
    expect((await generate(person)).status).toBe(200)
    expect(await usageOf(person)).toMatchObject({ api_calls: 2 })
  })
})

describe('what is down', () => {
  test('Redis: Postgres answers', async () => {
    const person = await subscribe(app, await signUp(app))
    const lame = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    const { status, headers } = await generate(person, {}, lame)
    expect(status).toBe(200)
    expect(headers.get('Server-Timing')).toContain('postgres')
  })

  test('Redis that hangs costs its time limit and no more: Postgres answers', async () => {
    const person = await subscribe(app, await signUp(app))
    await inject('redis', { match: { bodyIncludes: person.id }, fault: { kind: 'hang' } })
    const impatient = testApp({ REDIS_TIMEOUT_MS: '100' })
    const { status, headers } = await generate(person, {}, impatient)
    expect([status, headers.get('Server-Timing')?.includes('postgres')]).toEqual([200, true])
  })

  test.each([
    `redis.call('SET', KEYS[1], 'x')`,
    `redis.call('SET', KEYS[1], 'x', 'EX', 60)`,
    `redis.call('HSET', KEYS[1], 'version', 'x', 'snapshot', '{"userId":"' .. ARGV[1] .. '"}'); redis.call('EXPIRE', KEYS[1], 60)`,
    `redis.call('HSET', KEYS[1], 'version', '1', 'snapshot', '{"userId":"' .. ARGV[1] .. '","keys":[null]}')`,
  ])(
    'Redis that holds the nonsense %s: Postgres answers, and the entry is healed',
    async (write) => {
      const person = await subscribe(app, await signUp(app))
      const key = `tollgate:account:3:${person.id}`
      await deps.redis.evaluate(`redis.call('DEL', KEYS[1]) ${write}`, [key], [person.id])
      expect((await generate(person, {}, testApp())).headers.get('Server-Timing')).toContain(
        'postgres',
      )
      expect((await generate(person, {}, testApp())).headers.get('Server-Timing')).toContain(
        'redis',
      )
    },
  )

  test.each(['not json', '{"result":"bm90IGpzb24="}', '{"result":"eyJhIjoxfQ=="}', '[]', '{}'])(
    'Redis that answers the nonsense %s: Postgres answers',
    async (body) => {
      const person = await subscribe(app, await signUp(app))
      await inject('redis', {
        match: { bodyIncludes: person.id },
        fault: { kind: 'status', status: 200, body },
      })
      const { status, headers } = await generate(person, {}, testApp())
      expect([status, headers.get('Server-Timing')?.includes('postgres')]).toEqual([200, true])
    },
  )

  test('Postgres, and Redis does not know the account: 503 with Retry-After, never 401 and never 402', async () => {
    const [paid, unpaid] = [await subscribe(app, await signUp(app)), await signUp(app)]
    await forgetSnapshot(paid.id)
    await forgetSnapshot(unpaid.id)
    for (const redis of [{}, { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' }]) {
      for (const who of [paid, unpaid]) {
        const down = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db', ...redis })
        const { status, json, headers } = await generate(who, {}, down)
        expect([status, json.code]).toEqual([503, 'unavailable'])
        expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
      }
    }
  })

  test('Postgres, and Redis knows the account: nobody notices', async () => {
    const person = await subscribe(app, await signUp(app))
    await generate(person)
    const down = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
    const { status, headers } = await generate(person, {}, down)
    expect([status, headers.get('Server-Timing')?.includes('redis')]).toEqual([200, true])
  })

  test('Postgres that hangs ends at its time limit', async () => {
    const person = await subscribe(app, await signUp(app))
    await forgetSnapshot(person.id)
    const impatient = testApp({ DATABASE_TIMEOUT_MS: '50' })
    await inject('postgres', { match: { bodyIncludes: person.id }, fault: { kind: 'hang' } })
    expect((await generate(person, {}, impatient)).json.code).toBe('unavailable')
  })

  test('Redis, when a call settles: it is charged when Redis is back, once', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    const fault = await inject('redis', {
      match: { bodyIncludes: settlementOf(person) },
      fault: { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' },
      times: 2,
    })
    expect((await generate(person, {}, own)).status).toBe(200)
    await fault.remove()
    expect(own.logs.map(({ event }) => event)).toContain('usage_settlement_waits')
    expect(await usageOf(person)).toMatchObject({ api_calls: 0 })
    own.setNow(new Date(Date.now() + 2_000))
    expect((await generate(person, {}, own)).status).toBe(200)
    expect(await usageOf(person)).toMatchObject({ api_calls: 2, reactions: 10 })
  })
})

describe('a subscription in another state', () => {
  const withStatus = async (changes: Partial<typeof subscriptions.$inferInsert>) => {
    const person = await subscribe(app, await signUp(app))
    await deps.db
      .update(subscriptions)
      .set(changes)
      .where(and(eq(subscriptions.userId, person.id)))
    await forgetEverywhere(person.id)
    return person
  }
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

  test.each([
    ['past due within grace', { status: 'past_due', pastDueSince: daysAgo(2.9) }, 200, undefined],
    [
      'past due after grace',
      { status: 'past_due', pastDueSince: daysAgo(3.1) },
      402,
      'payment_past_due',
    ],
    ['unpaid', { status: 'unpaid' }, 402, 'payment_past_due'],
    ['paused', { status: 'paused' }, 402, 'subscription_paused'],
    ['incomplete', { status: 'incomplete' }, 402, 'subscription_required'],
    ['expired before it began', { status: 'incomplete_expired' }, 402, 'subscription_required'],
    ['canceled', { status: 'canceled' }, 402, 'subscription_required'],
    ['trialing', { status: 'trialing' }, 200, undefined],
    [
      'canceled_at set, the period unfinished',
      { canceledAt: daysAgo(1), cancelAtPeriodEnd: true },
      200,
      undefined,
    ],
    [
      'scheduled, and the hour has struck',
      { cancelAt: daysAgo(0.01) },
      402,
      'subscription_required',
    ],
  ] as const)('%s', async (_, changes, status, code) => {
    const answer = await generate(await withStatus(changes))
    expect([answer.status, answer.json.code]).toEqual([status, code])
    if (code === 'payment_past_due') expect(answer.json.portal.url).toContain('/billing/portal')
  })

  test('the grace is a setting', async () => {
    const person = await withStatus({ status: 'past_due', pastDueSince: daysAgo(4) })
    const kind = testApp({ PAST_DUE_GRACE_DAYS: '7' })
    expect((await generate(person, {}, kind)).status).toBe(200)
    expect((await generate(person)).status).toBe(402)
  })

  test('a revoked or expired key of a paying account is refused like any other bad key', async () => {
    for (const changes of [{ revokedAt: new Date() }, { expiresAt: daysAgo(1) }]) {
      const person = await subscribe(app, await signUp(app))
      await deps.db.update(apiKeys).set(changes).where(eq(apiKeys.userId, person.id))
      await forgetEverywhere(person.id)
      expect((await generate(person)).json.code).toBe('invalid_api_key')
    }
  })
})
