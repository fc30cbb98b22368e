// Calls of one account at once: one asks for all of them, and each is answered as if it had asked itself.
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { refreshAccount } from '../../src/data/accounts.ts'
import { apiKeys, subscriptions, users } from '../../src/data/schema.ts'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { type Customer, callsUsed, customer, keyOf, type Shop, shop } from '../support/shop.ts'
import { heldLeases } from '../support/usage.ts'

const reader = testApp()
const unlimited = { allows: async () => true }
/** The limiter of calls a second is another matter. */
function busyShop(vars: Record<string, string> = {}): Shop {
  const app = shop(vars)
  app.deps.limiters.tier = { hobby: unlimited, research: unlimited, pro: unlimited }
  return app
}
const burst = (app: Shop, who: { key: string }, count: number) =>
  Promise.all(Array.from({ length: count }, () => app.buy(who)))
const outcomes = (answers: { status: number; json: { code?: string } }[]) =>
  Object.groupBy(answers, ({ status, json }) => json.code ?? status)
const counts = (answers: Parameters<typeof outcomes>[0]) =>
  Object.fromEntries(Object.entries(outcomes(answers)).map(([key, all]) => [key, all?.length]))

/** A second key of the customer's, which has been revoked. */
async function revokedKey({ id }: Customer): Promise<{ key: string }> {
  const keyId = crypto.randomUUID().slice(-12).padStart(16, '0')
  const row = { id: keyId, userId: id, name: 'second', createdAt: new Date() }
  await reader.deps.db.insert(apiKeys).values({ ...row, revokedAt: new Date() })
  return { key: keyOf(id, keyId) }
}

/** How often the isolate has asked Redis for units; renewals, which nobody waits for, aside. */
function takesOf({ deps }: Shop): () => number {
  const { redis } = deps
  let takes = 0
  deps.redis = {
    evaluate(script, keys, args) {
      if (args[2] === 'pool') takes += 1
      return redis.evaluate(script, keys, args)
    },
  }
  return () => takes
}

test.each([
  // The second may come before Redis has been told.
  ['nobody knows the account', false, 2],
  ['Redis knows it', true, 0],
])('a hundred calls at once where %s ask twice', async (_, known, queries) => {
  const person = await customer({ tier: 'pro', known })
  const app = busyShop()
  const takes = takesOf(app)
  app.holdBackground()
  const { postgres, result } = await app.asked(() => burst(app, person, 100))
  expect(counts(result)).toEqual({ 200: 100 })
  expect(takes()).toBe(2)
  expect(postgres).toBeLessThanOrEqual(queries)
  await app.endBackground()
  expect(await callsUsed(reader, person)).toBe(100)
  expect(await heldLeases(person.id)).toEqual([])
})

/** Resolves when so many calls wait for another one: each has set the limit of its patience. */
function whoeverJoins({ deps }: Shop, count: number): Promise<void> {
  const { signalAfter } = deps
  let joined = 0
  return new Promise((resolve) => {
    deps.signalAfter = (milliseconds) => {
      joined += 1
      if (joined === count) resolve()
      return signalAfter(milliseconds)
    }
  })
}

test('a call of several units waits for nobody and takes its own', async () => {
  const person = await customer({ tier: 'pro', known: true })
  const app = busyShop()
  const answers = await Promise.all([
    app.buy(person),
    app.buy(person, '/exact/5'),
    app.buy(person, '/exact/5'),
  ])
  expect(counts(answers)).toEqual({ 200: 3 })
  expect(await callsUsed(reader, person)).toBe(11)
})

test('near the limit those who wait get what there is, and no more', async () => {
  const person = await customer({ used: 970, known: true })
  const isolates = [busyShop(), busyShop()]
  for (const app of isolates) app.holdBackground()
  const answers = await Promise.all(isolates.map((app) => burst(app, person, 20)))
  expect(counts(answers.flat())).toEqual({ 200: 30, quota_exceeded: 10 })
  for (const app of isolates) await app.endBackground()
  expect(await callsUsed(reader, person)).toBe(1000)
})

test('those who may not call are all told so by two questions: the second is asked when all have come', async () => {
  const person = await signUp(reader)
  const app = busyShop()
  await app.buy(person)
  const { redis, result } = await app.asked(() => burst(app, person, 20))
  expect(counts(result)).toEqual({ subscription_required: 20 })
  expect(redis).toBe(2)
})

test('each is judged by its own key', async () => {
  const person = await customer({ tier: 'pro', known: true })
  const revoked = await revokedKey(person)
  const app = busyShop()
  const answers = await Promise.all([app.buy(person), app.buy(revoked), app.buy(person)])
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 200])
  const others = await Promise.all([app.buy(revoked), app.buy(person)])
  expect(others.map(({ status }) => status)).toEqual([401, 200])
})

test('a revoked key that asks first keeps nobody else out', async () => {
  const person = await customer({ tier: 'pro', known: true })
  const revoked = await revokedKey(person)
  const answers = await (async (app) =>
    Promise.all([app.buy(revoked), app.buy(person), app.buy(person)]))(busyShop())
  expect(answers.map(({ status }) => status)).toEqual([401, 200, 200])
  expect(await callsUsed(reader, person)).toBe(2)
})

test('a Redis that fails one fails all who wait with it: they are lent their units, and it is not asked again', async () => {
  const person = await customer({ tier: 'pro', known: true })
  const app = busyShop()
  app.holdBackground()
  const fault = await inject('redis', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' },
  })
  const { redis, postgres, result } = await app.asked(() => burst(app, person, 20))
  expect(counts(result)).toEqual({ 200: 20 })
  // And what may be held for the one that asked is given back, in the background.
  expect({ redis, postgres }).toEqual({ redis: 2, postgres: 1 })
  await fault.remove()
  await app.endBackground()
})

test('one lost answer of a Redis that is well refuses nobody: who is lent nothing asks again', async () => {
  const person = await customer({ tier: 'pro', used: 1000, known: true })
  const app = busyShop()
  app.holdBackground()
  await inject('redis', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'lose-answer' },
    times: 1,
  })
  expect(counts(await burst(app, person, 100))).toEqual({ 200: 100 })
  await app.endBackground()
})

/** What Redis answers to the next question is there, and its way back takes until `arrive`. */
function slowWayBack({ deps }: Shop): { answered: Promise<void>; arrive: () => void } {
  const [answered, arrival] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { redis } = deps
  deps.redis = {
    async evaluate(...args) {
      deps.redis = redis
      const answer = await redis.evaluate(...args)
      answered.resolve()
      await arrival.promise
      return answer
    },
  }
  return { answered: answered.promise, arrive: arrival.resolve }
}

/** The account's rows as a webhook or a new key leaves them, told to Redis. */
async function change({ id }: Customer, set: Partial<typeof subscriptions.$inferInsert> = {}) {
  const { db } = reader.deps
  const version = Date.now()
  if (Object.keys(set).length > 0) {
    await db.update(subscriptions).set(set).where(eq(subscriptions.userId, id))
  }
  await db.update(users).set({ version }).where(eq(users.id, id))
  await refreshAccount(reader.deps, id)
}

test('a call that begins after the payment is not refused by what another asked before it', async () => {
  const person = await customer({ known: true })
  await change(person, { status: 'canceled' })
  const app = busyShop()
  expect((await app.buy(person)).json.code).toBe('subscription_required')
  const { answered, arrive } = slowWayBack(app)
  const before = app.buy(person)
  await answered
  await change(person, { status: 'active' })
  const after = app.buy(person)
  arrive()
  expect((await before).json.code).toBe('subscription_required')
  expect((await after).status).toBe(200)
})

test('nor by a quota that was full before the plan was raised', async () => {
  const person = await customer({ used: 1000, known: true })
  const app = busyShop()
  const { answered, arrive } = slowWayBack(app)
  const before = app.buy(person)
  await answered
  await change(person, { tier: 'research' })
  const after = app.buy(person)
  arrive()
  expect((await before).json.code).toBe('quota_exceeded')
  expect((await after).status).toBe(200)
})

test('nor as a key that did not exist yet', async () => {
  const person = await customer({ known: true })
  const app = busyShop()
  const { answered, arrive } = slowWayBack(app)
  const before = app.buy(person)
  await answered
  const keyId = crypto.randomUUID().slice(-12).padStart(16, '0')
  const row = { id: keyId, userId: person.id, name: 'new', createdAt: new Date() }
  await reader.deps.db.insert(apiKeys).values(row)
  await change(person)
  const after = app.buy({ key: keyOf(person.id, keyId) })
  arrive()
  expect((await before).status).toBe(200)
  expect((await after).status).toBe(200)
})

test('whoever loses patience goes on together with the others', async () => {
  const person = await customer({ tier: 'pro' })
  const app = busyShop()
  app.holdBackground()
  const fault = await inject('postgres', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'hold' },
    times: 1,
  })
  const first = app.buy(person)
  await fault.hit()
  const { postgres } = await app.asked(async () => {
    const joined = whoeverJoins(app, 20)
    const others = burst(app, person, 20)
    await joined
    app.ringTimers()
    expect(counts(await others)).toEqual({ 200: 20 })
  })
  expect(postgres).toBeLessThanOrEqual(3)
  await fault.release()
  expect((await first).status).toBe(200)
  await app.endBackground()
})

test('where nobody can tell, all hear so', async () => {
  const person = await customer()
  const app = busyShop({
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db',
  })
  expect(counts(await burst(app, person, 5))).toEqual({ unavailable: 5 })
})

test('one that asks and is never answered keeps nobody waiting for long', async () => {
  const person = await customer({ tier: 'pro', known: true })
  const app = busyShop()
  app.holdBackground()
  const fault = await inject('redis', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'hold' },
    times: 1,
  })
  const first = app.buy(person)
  await fault.hit()
  const joined = whoeverJoins(app, 1)
  const second = app.buy(person)
  await joined
  app.ringTimers()
  expect((await second).status).toBe(200)
  await fault.release()
  expect((await first).status).toBe(200)
  await app.endBackground()
})
