// Test keys at the paywall: let in unpaid, at a rate of their own, for nothing, with samples and refusals on order.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { apiKeys, subscriptions, users } from '../../src/data/schema.ts'
import { type Answer, signUp, type TestApp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { makeKey } from '../support/keys.ts'
import { callsUsed, customer, shop } from '../support/shop.ts'
import { subscribe } from '../support/stripe.ts'
import { emptyRedis } from '../support/usage.ts'

const order = {
  dataset_type: 'reaction_trajectories',
  params: { runs: 3, max_reactions: 50, seed: 7, scenario: 'formamide' },
}
const generate = (app: TestApp, key: string, { body = {}, headers = {} } = {}) =>
  app.call('POST', '/datasets/generate', { key, headers, body: { ...order, ...body } })
const actOut = (app: TestApp, key: string, outcome: string) =>
  generate(app, key, { headers: { 'Tollgate-Test-Outcome': outcome } })
const mode = ({ headers }: Answer) => headers.get('Tollgate-Mode')

/** Somebody who has not paid, and their test key. */
async function trier(app: TestApp = testApp()) {
  const person = await signUp(app)
  return { app, person, test: await makeKey(app, person, { mode: 'test' }) }
}

describe('a test key', () => {
  test('lets in an account that has never paid, where its live key does not', async () => {
    const { app, person, test: key } = await trier()
    const answer = await generate(app, key.key)
    expect([answer.status, mode(answer)]).toEqual([200, 'test'])
    expect((await generate(app, person.key)).json.code).toBe('subscription_required')
  })

  test('lets in one whose subscription has ended, and shows it quotas as if nothing were used', async () => {
    const person = await customer({ tier: 'research' })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    await app.deps.db
      .update(subscriptions)
      .set({ status: 'canceled' })
      .where(eq(subscriptions.userId, person.id))
    const { status, headers } = await app.buy(key)
    expect(status).toBe(200)
    expect(headers.get('RateLimit-Policy')).toContain('"api-calls";q=10000')
    expect(headers.get('RateLimit')).toContain('"api-calls";r=10000')
  })

  test('spends nothing, takes no lease and changes no count, whatever the call would cost', async () => {
    const person = await customer({ used: 990, known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    for (const path of ['/plain', '/exact/500', '/costs/70', '/answers/500']) {
      await app.buy(key, path)
    }
    expect((await generate(app, key.key)).status).toBe(200)
    expect(app.deps.memory.pools.size).toBe(0)
    expect(app.deps.memory.outbox.size).toBe(0)
    expect(await callsUsed(app, person)).toBe(990)
    const live = await app.buy(person)
    expect(live.headers.get('RateLimit')).toContain('"api-calls";r=9;')
    expect(mode(live)).toBeNull()
  })

  test('is let in though the quota is used up', async () => {
    const person = await customer({ used: 1_000, known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    expect((await app.buy(person)).json.code).toBe('quota_exceeded')
    expect((await app.buy(key)).status).toBe(200)
  })

  test('asks nobody once the account is known', async () => {
    const person = await customer({ known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    app.holdBackground()
    await app.buy(key)
    const { redis, postgres, result } = await app.asked(() => app.buy(key))
    expect([result.layer, redis, postgres]).toEqual(['memory', 0, 0])
    await app.endBackground()
  })

  test('is refused like any other when it is revoked: nothing says that it was one', async () => {
    const { app, person, test: key } = await trier()
    const fresh = shop()
    await app.call('DELETE', `/keys/${key.id}`, { token: person.token })
    const revoked = await generate(fresh, key.key)
    expect([revoked.status, revoked.json.code, mode(revoked)]).toEqual([
      401,
      'invalid_api_key',
      null,
    ])
  })

  test('of an account that is gone is refused once Redis has forgotten it', async () => {
    const { app, person, test: key } = await trier()
    await app.deps.db.delete(apiKeys).where(eq(apiKeys.userId, person.id))
    await app.deps.db.delete(users).where(eq(users.id, person.id))
    await emptyRedis(person.id)
    expect((await generate(testApp(), key.key)).json.code).toBe('invalid_api_key')
  })

  test('is held to the rate of its plan, apart from the live calls', async () => {
    const person = await customer({ tier: 'research', known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    const asked: string[] = []
    const { tier } = app.deps.limiters
    const limiter = { allows: async (of: string) => asked.push(of) > 0 && !of.endsWith(':test') }
    app.deps.limiters = { ...app.deps.limiters, tier: { ...tier, research: limiter } }
    for (let i = 0; i < 2; i += 1) {
      const limited = await app.buy(key)
      expect([limited.json.code, mode(limited), limited.headers.get('Retry-After')]).toEqual([
        'rate_limited',
        'test',
        '10',
      ])
    }
    expect((await app.buy(person)).status).toBe(200)
    expect(asked).toEqual([`${person.id}:test`, `${person.id}:test`, person.id])
  })

  test('is held to the rate of the plan that is meant to be bought, where none was', async () => {
    const { app, test: key } = await trier()
    const { tier } = app.deps.limiters
    const none = { allows: async () => false }
    app.deps.limiters = { ...app.deps.limiters, tier: { ...tier, hobby: none } }
    expect((await generate(app, key.key)).json.code).toBe('rate_limited')
  })

  test('works while Redis is away; while Postgres is too it is 503', async () => {
    const { app, person, test: key } = await trier()
    const vars = { REDIS_TIMEOUT_MS: '200', DATABASE_TIMEOUT_MS: '500' }
    await inject('redis', { match: { bodyIncludes: person.id }, fault: { kind: 'reset' } })
    expect((await generate(testApp(vars), key.key)).status).toBe(200)
    await inject('postgres', { match: { bodyIncludes: person.id }, fault: { kind: 'reset' } })
    const { status, json, headers } = await generate(testApp(vars), key.key)
    expect([status, json.code]).toEqual([503, 'unavailable'])
    expect(headers.get('Retry-After')).toBeTruthy()
    expect(app.logs).toEqual([])
  })

  test('does nothing under an idempotency key, not even for the live one', async () => {
    const person = await customer({ known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    const headers = { 'Idempotency-Key': 'once' }
    const post = (who: { key: string }, body: string) =>
      app.buy(who, '/echo', { headers: { ...headers, 'Content-Type': 'text/plain' }, body })
    expect((await post(key, 'one')).text).toBe('one')
    expect((await post(key, 'two')).text).toBe('two')
    expect((await post(person, 'three')).text).toBe('three')
    expect(await callsUsed(app, person)).toBe(1)
  })
})

describe('the sample', () => {
  const everybody = trier()

  test.each(['ndjson', 'json', 'csv'])(
    'is the same bytes in %s, whatever is asked for',
    async (format) => {
      const { app, test: key } = await everybody
      const one = await generate(app, key.key, { body: { format } })
      const other = await generate(app, key.key, {
        body: {
          format,
          params: { runs: 90, max_reactions: 1_000, seed: 3, temperature_kelvin: 400 },
        },
      })
      expect(other.text).toBe(one.text)
      expect(one.text.length).toBeLessThan(4_000)
      expect(one.headers.get('X-Dataset-Seed')).toBe(other.headers.get('X-Dataset-Seed'))
      expect(one.headers.get('Content-Disposition')).toBe(
        `attachment; filename="reaction_trajectories-sample.${format}"`,
      )
    },
  )

  test('says that it is one; what is sold says no such thing', async () => {
    const { app, test: key } = await everybody
    const json = await generate(app, key.key, { body: { format: 'json' } })
    expect(json.json).toMatchObject({ sample: true, end: { sample: true, rows: 10 } })
    const lines = (await generate(app, key.key)).text.trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ end: true, sample: true, rows: 10 })
    const buyer = await subscribe(app, await signUp(app))
    const sold = await generate(app, buyer.key, { body: { format: 'json' } })
    expect(sold.json).not.toHaveProperty('sample')
    expect(sold.json.end).not.toHaveProperty('sample')
    expect(sold.json.params.seed).toBe(7)
  })

  test('is not for a bad request: that is refused as always', async () => {
    const { app, test: key } = await everybody
    const answer = await generate(app, key.key, { body: { params: { max_reactions: 0 } } })
    expect([answer.status, answer.json.code, mode(answer)]).toEqual([
      422,
      'invalid_request',
      'test',
    ])
  })
})

describe('Tollgate-Test-Outcome', () => {
  /** Two answers but for what differs by person and moment. */
  const shape = ({ status, json, headers }: Answer) => ({
    status,
    code: json.code,
    type: json.type,
    members: Object.keys(json).sort(),
    headers: [...headers.keys()].filter((name) => name !== 'tollgate-mode').sort(),
  })

  test('past_due is answered as a real one', async () => {
    const person = await customer()
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    const acted = await actOut(app, key.key, 'past_due')
    await app.deps.db
      .update(subscriptions)
      .set({ status: 'unpaid' })
      .where(eq(subscriptions.userId, person.id))
    await app.deps.db.update(users).set({ version: 9 }).where(eq(users.id, person.id))
    await emptyRedis(person.id)
    const real = await generate(shop(), person.key)
    expect(real.json.code).toBe('payment_past_due')
    expect(shape(acted)).toEqual(shape(real))
    expect(acted.json).toMatchObject({ checkout: real.json.checkout, portal: real.json.portal })
    expect(mode(acted)).toBe('test')
  })

  test('quota_exceeded is answered as a real one', async () => {
    const person = await customer({ used: 1_000, known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    const acted = await actOut(app, key.key, 'quota_exceeded')
    const real = await generate(app, person.key)
    expect(real.json.code).toBe('quota_exceeded')
    expect(shape(acted)).toEqual(shape(real))
    const { unit, quota, used, cost, resets_at } = real.json
    expect(acted.json).toMatchObject({ unit, quota, used, cost, resets_at })
    expect(mode(acted)).toBe('test')
  })

  test('quota_exceeded is told to who never paid by the plan that they mean to buy', async () => {
    const { app, test: key } = await trier()
    expect((await actOut(app, key.key, 'quota_exceeded')).json).toMatchObject({
      status: 429,
      quota: 1_000,
      used: 1_000,
      cost: 1,
    })
  })

  test('rate_limited is answered as a real one', async () => {
    const person = await customer({ known: true })
    const app = shop()
    const key = await makeKey(app, person, { mode: 'test' })
    const acted = await actOut(app, key.key, 'rate_limited')
    const { limiters } = app.deps
    app.deps.limiters = {
      ...limiters,
      tier: { ...limiters.tier, hobby: { allows: async () => false } },
    }
    const real = await generate(app, person.key)
    expect(real.json.code).toBe('rate_limited')
    expect(shape(acted)).toEqual(shape(real))
    expect(mode(acted)).toBe('test')
  })

  test.each(['nonsense', '', 'PAST_DUE', 'past_due, rate_limited', 'constructor'])(
    '%j is refused by a list of those that there are',
    async (outcome) => {
      const { app, test: key } = await someone
      const { status, json, headers } = await actOut(app, key.key, outcome)
      expect([status, json.code]).toEqual([422, 'invalid_request'])
      expect(json.errors).toEqual([
        {
          path: 'Tollgate-Test-Outcome',
          message: expect.stringContaining('past_due, quota_exceeded, rate_limited'),
        },
      ])
      expect(headers.get('Tollgate-Mode')).toBe('test')
    },
  )
  const someone = trier()

  test('is nothing to a live key', async () => {
    const person = await customer({ known: true })
    const app = shop()
    for (const outcome of ['past_due', 'nonsense']) {
      expect((await actOut(app, person.key, outcome)).status).toBe(200)
    }
  })
})

describe('a key under a secret that is being rotated out', () => {
  const old = { API_KEY_SECRET: 'k3Lq9ZxW1vTb7NpR5sYd8FhJ2mGcA6uE' }
  const during = {
    API_KEY_SECRET: 'Q8rT2yUi4oPa6SdF1gHj3KlZ5xCv7BnM',
    API_KEY_SECRET_PREVIOUS: old.API_KEY_SECRET,
  }

  test.each([
    ['paid calls', 'test', 200, (app: TestApp, key: string) => generate(app, key)],
    ['paid calls that are not paid for', 'live', 402, generate],
    ['calls of the account', 'live', 200, (app, key) => app.call('GET', '/billing/usage', { key })],
  ] as [string, string, number, typeof generate][])(
    'is told to the log once an isolate, without the key: %s',
    async (_, mode, status, call) => {
      const person = await signUp(testApp(old))
      const made = await makeKey(testApp(old), person, { mode })
      const app = testApp(during)
      for (let i = 0; i < 3; i += 1) expect((await call(app, made.key)).status).toBe(status)
      const told = app.logs.filter(({ event }) => event === 'api_key_of_previous_secret')
      expect(told.map(({ fields }) => fields)).toEqual([{ user_id: person.id, key_id: made.id }])
    },
  )

  test('is not told of once it is revoked', async () => {
    const person = await signUp(testApp(old))
    const made = await makeKey(testApp(old), person, { mode: 'live' })
    const app = testApp(during)
    await app.call('DELETE', `/keys/${made.id}`, { token: person.token })
    expect((await generate(app, made.key)).status).toBe(401)
    expect((await app.call('GET', '/billing/usage', { key: made.key })).status).toBe(401)
    expect(app.logs.map(({ event }) => event)).not.toContain('api_key_of_previous_secret')
  })
})
