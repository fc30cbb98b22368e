// Leases of the quota: no unit too many, none lost, however the calls and the isolates end.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { refreshAccount } from '../../src/data/accounts.ts'
import { POOL_LEASE_MS } from '../../src/data/pool.ts'
import { apiKeys, subscriptions, users } from '../../src/data/schema.ts'
import { testApp } from '../support/app.ts'
import { ahead, type Customer, callsUsed, customer, keyOf, shop } from '../support/shop.ts'
import { heldLeases } from '../support/usage.ts'

const reader = testApp()
const used = (who: { key: string }) => callsUsed(reader, who)
const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()
/** API calls that each lease holds. */
const held = async ({ id }: Customer) =>
  (await heldLeases(id)).map((lease) => Number(lease.split(':')[1]))

describe('at the limit', () => {
  test.each([
    ['nobody knows the account', false],
    ['Redis knows the account', true],
  ])(
    'of twelve calls at once at three isolates one passes, where one is left and %s',
    async (_, known) => {
      const person = await customer({ used: 999, known })
      const isolates = [shop(), shop(), shop()]
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => (isolates[i % 3] ?? shop()).buy(person)),
      )
      expect(statuses(answers)).toEqual([200, ...Array(11).fill(429)])
      for (const { status, json } of answers) {
        if (status === 429) expect(json.code).toBe('quota_exceeded')
      }
      expect(await used(person)).toBe(1000)
      expect(await held(person)).toEqual([])
    },
  )

  test('a cost above what is left is refused and counts nothing', async () => {
    const person = await customer({ used: 999 })
    const app = shop()
    const { json } = await app.buy(person, '/exact/10')
    expect(json).toMatchObject({ code: 'quota_exceeded', unit: 'api_calls', cost: 10, used: 999 })
    expect(await used(person)).toBe(999)
    expect((await app.buy(person)).status).toBe(200)
  })

  test('a refused call counts nothing and does not prolong the block', async () => {
    const person = await customer({ used: 1000, known: true })
    const app = shop()
    app.setNow(new Date(person.windowEnd.getTime() - 1_000))
    await refreshAccount(app.deps, person.id)
    for (let i = 0; i < 3; i += 1) {
      const { json, headers } = await app.buy(person)
      expect([json.code, headers.get('Retry-After')]).toEqual(['quota_exceeded', '1'])
    }
    expect(await used(person)).toBe(1000)
    app.setNow(person.windowEnd)
    expect((await app.buy(person)).status).toBe(200)
  })

  test('every unit is asked for, and far from it a second’s worth at once', async () => {
    const near = await customer({ used: 969, known: true })
    const far = await customer({ tier: 'pro', known: true })
    const app = shop()
    app.holdBackground()
    await app.buy(near)
    await app.buy(far)
    expect(await held(near)).toEqual([1])
    for (let i = 0; i < 60; i += 1) {
      await app.buy(far)
      await app.redisIdle()
    }
    const [size, ...more] = await held(far)
    expect(size).toBeGreaterThanOrEqual(30)
    expect(size).toBeLessThanOrEqual(200)
    expect(more).toEqual([])
    await app.endBackground()
  })

  test('a busy isolate’s lease shrinks', async () => {
    const person = await customer({ used: 940, known: true })
    const app = shop()
    app.holdBackground()
    const answers = []
    for (let i = 0; i < 65; i += 1) {
      // The limiter of calls a second is another matter.
      app.deps.limiters.tier = { ...app.deps.limiters.tier, hobby: { allows: async () => true } }
      answers.push(await app.buy(person))
      await app.redisIdle()
      if (i === 50) expect((await held(person)).every((size) => size <= 2)).toBe(true)
    }
    await app.endBackground()
    expect(statuses(answers).filter((status) => status === 200)).toHaveLength(60)
    expect(await used(person)).toBe(1000)
  })

  test('two keys of an account share one quota', async () => {
    const person = await customer({ used: 998 })
    const id = crypto.randomUUID().slice(-12).padStart(16, '0')
    const { db } = reader.deps
    await db
      .insert(apiKeys)
      .values({ id, userId: person.id, name: 'second', createdAt: new Date() })
    const second = { key: keyOf(person.id, id) }
    const app = shop()
    expect((await app.buy(person)).status).toBe(200)
    expect((await app.buy(second)).status).toBe(200)
    for (const who of [person, second]) {
      expect((await app.buy(who)).json.code).toBe('quota_exceeded')
    }
  })

  test('a larger plan counts at once at another isolate, with what was used', async () => {
    const person = await customer({ used: 1000, known: true })
    const refused = shop()
    expect((await refused.buy(person)).json.code).toBe('quota_exceeded')
    const { db } = reader.deps
    await db
      .update(subscriptions)
      .set({ tier: 'research' })
      .where(eq(subscriptions.userId, person.id))
    await db.update(users).set({ version: 2 }).where(eq(users.id, person.id))
    await refreshAccount(reader.deps, person.id)
    const { status, headers } = await refused.buy(person)
    expect([status, headers.get('RateLimit')?.split(';t=')[0]]).toEqual([200, '"api-calls";r=8999'])
  })
})

describe('what a call costs', () => {
  test('is settled when calls end, and what is left goes back', async () => {
    const person = await customer()
    const app = shop()
    app.holdBackground()
    for (let i = 0; i < 4; i += 1) await app.buy(person)
    expect(await held(person)).toEqual([10])
    await app.endBackground()
    expect(await held(person)).toEqual([])
    expect(await used(person)).toBe(4)
  })

  test('is nothing where we fail, though its unit came from memory', async () => {
    const person = await customer()
    const app = shop()
    app.holdBackground()
    for (const status of [500, 200, 503, 404]) {
      expect((await app.buy(person, `/answers/${status}`)).status).toBe(status)
    }
    await app.endBackground()
    expect(await used(person)).toBe(2)
  })

  test.each([
    [5, 0, 5],
    [0, 10, 10],
    // Nine units are left, and the pool holds some of them: the rest is charged as far as it fits.
    [5, 997, 1000],
    [50, 0, 50],
  ])('is what its handler says: %i from %i on make %i', async (calls, before, after) => {
    const person = await customer({ used: before, known: true })
    const app = shop()
    expect((await app.buy(person, `/costs/${calls}`)).status).toBe(200)
    expect(await used(person)).toBe(after)
    expect(await held(person)).toEqual([])
  })

  test('is never above the quota, though Redis may hold more for it than fits', async () => {
    const person = await customer({ used: 997 })
    expect((await shop().buy(person, '/costs/8')).status).toBe(200)
    expect(await used(person)).toBe(1000)
  })

  test('is never above the quota, however many isolates charge at once', async () => {
    const person = await customer({ used: 980 })
    const isolates = [shop(), shop(), shop()]
    await Promise.all(isolates.flatMap((app) => [1, 2].map(() => app.buy(person, '/costs/9'))))
    expect(await used(person)).toBeLessThanOrEqual(1000)
    expect(await held(person)).toEqual([])
  })

  test('counts in the window in which the call was made, however late it is settled', async () => {
    const person = await customer()
    const app = shop()
    const end = person.windowEnd.getTime()
    app.setNow(new Date(end - 1_000))
    app.holdBackground()
    for (let i = 0; i < 3; i += 1) expect((await app.buy(person)).status).toBe(200)
    app.setNow(new Date(end))
    // More than an isolate lends: the new window has a lease of its own from its first call on.
    const layers = []
    for (let i = 0; i < 12; i += 1) {
      layers.push((await app.buy(person)).layer)
      await app.redisIdle()
    }
    expect(layers).toEqual(['postgres', ...Array(11).fill('memory')])
    await app.endBackground()
    const { json } = await app.call('GET', '/billing/usage', { key: person.key })
    expect([json.current_month.api_calls, json.history[0].api_calls]).toEqual([12, 3])
    expect(json.history[0].period_end).toBe(person.windowEnd.toISOString())
    expect(await held(person)).toEqual([])
  })
})

describe('an isolate that dies', () => {
  test('keeps nobody from its units for longer than its lease', async () => {
    const person = await customer({ used: 990 })
    const dead = shop()
    dead.holdBackground()
    expect((await dead.buy(person)).status).toBe(200)
    expect(await held(person)).toEqual([10])
    const app = shop()
    const { json, headers } = await app.buy(person)
    expect(json.code).toBe('quota_exceeded')
    expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(POOL_LEASE_MS / 1000)
    app.setNow(ahead(POOL_LEASE_MS / 1000 + 1))
    const answers = []
    for (let i = 0; i < 11; i += 1) answers.push(await app.buy(person))
    expect(statuses(answers)).toEqual([...Array(10).fill(200), 429])
    // It was not dead but asleep: what it tells now has no room any more.
    await dead.endBackground()
    expect(await used(person)).toBe(1000)
    expect(await held(person)).toEqual([])
  })
})
