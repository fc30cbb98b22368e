// The layers that answer a paid call: this isolate's memory, Redis, Postgres; what each costs and how old it may be.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { refreshAccount } from '../../src/data/accounts.ts'
import { putBounded } from '../../src/data/memory.ts'
import { apiKeys, subscriptions, users } from '../../src/data/schema.ts'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { ahead, callsUsed, customer, keyOf, shop } from '../support/shop.ts'
import { forgetSnapshot, snapshotKeys } from '../support/snapshot.ts'
import { control, deliverNew, subscribe } from '../support/stripe.ts'

const writer = testApp()

/** The rows as a webhook of a cancellation leaves them, the version raised; nobody has been told yet. */
async function cancelInPostgres({ id }: { id: string }, version = 2): Promise<void> {
  const { db } = writer.deps
  await db.update(subscriptions).set({ status: 'canceled' }).where(eq(subscriptions.userId, id))
  await db.update(users).set({ version }).where(eq(users.id, id))
}

describe('a paid call asks', () => {
  test('cold: Redis and Postgres once each, and waits for no more', async () => {
    const person = await customer()
    const { buy, asked, ...app } = shop()
    app.holdBackground()
    // What it then tells Redis: nobody waits for that.
    const telling = await inject('redis', {
      match: { bodyIncludes: `{\\"userId\\":\\"${person.id}` },
      fault: { kind: 'hold' },
    })
    const { redis, postgres, result } = await asked(() => buy(person))
    expect([result.status, result.layer]).toEqual([200, 'postgres'])
    await telling.hit()
    expect({ redis, postgres }).toEqual({ redis: 2, postgres: 1 })
    await telling.release()
    await app.endBackground()
  })

  test('warm: Redis, once', async () => {
    const person = await customer({ known: true })
    const { buy, asked, ...app } = shop()
    app.holdBackground()
    const { redis, postgres, result } = await asked(() => buy(person))
    expect([result.status, result.layer]).toEqual([200, 'redis'])
    expect({ redis, postgres }).toEqual({ redis: 1, postgres: 0 })
    await app.endBackground()
  })

  test('hot: nobody', async () => {
    const person = await customer({ known: true })
    const { buy, asked, ...app } = shop()
    app.holdBackground()
    await buy(person)
    const { redis, postgres, result } = await asked(() => buy(person))
    expect([result.status, result.layer]).toEqual([200, 'memory'])
    expect({ redis, postgres }).toEqual({ redis: 0, postgres: 0 })
    await app.endBackground()
  })

  test('with a made-up key: nobody', async () => {
    const person = await customer({ known: true })
    const { buy, asked } = shop()
    const forged = mintApiKey([new Uint8Array(32)], {
      userId: person.id,
      keyId: '0123456789abcdef',
    })
    for (const key of [forged, 'nonsense', `${person.key}x`]) {
      const { redis, postgres, result } = await asked(() => buy({ key }))
      expect(result.json.code).toBe('invalid_api_key')
      expect({ redis, postgres }).toEqual({ redis: 0, postgres: 0 })
    }
  })

  test('a hundred in a row: at most ten requests to Redis, and every call is counted', async () => {
    const person = await customer({ tier: 'pro', known: true })
    const { buy, asked, redisIdle, ...app } = shop()
    app.holdBackground()
    const { redis, postgres } = await asked(async () => {
      for (let i = 0; i < 100; i += 1) {
        expect((await buy(person)).status).toBe(200)
        await redisIdle()
      }
    })
    expect(redis).toBeLessThanOrEqual(10)
    expect(postgres).toBe(0)
    await app.endBackground()
    expect(await callsUsed(writer, person)).toBe(100)
  })
})

describe('what memory knows', () => {
  test('of a cancellation reaches a busy isolate when PAYWALL_MEMORY_SECONDS are over', async () => {
    const person = await customer({ known: true })
    const busy = shop({ PAYWALL_MEMORY_SECONDS: '3' })
    const start = Date.now()
    busy.setNow(new Date(start))
    busy.holdBackground()
    expect((await busy.buy(person)).layer).toBe('redis')
    await cancelInPostgres(person)
    await refreshAccount(writer.deps, person.id)
    busy.setNow(new Date(start + 2_999))
    expect((await busy.buy(person)).layer).toBe('memory')
    busy.setNow(new Date(start + 3_000))
    expect((await busy.buy(person)).json.code).toBe('subscription_required')
    await busy.endBackground()
  })

  test('of a revoked key, likewise', async () => {
    const person = await customer({ known: true })
    const busy = shop()
    const start = Date.now()
    busy.setNow(new Date(start))
    busy.holdBackground()
    expect((await busy.buy(person)).status).toBe(200)
    const { db } = writer.deps
    await db.update(apiKeys).set({ revokedAt: new Date() }).where(eq(apiKeys.userId, person.id))
    await db.update(users).set({ version: 2 }).where(eq(users.id, person.id))
    await refreshAccount(writer.deps, person.id)
    busy.setNow(new Date(start + 5_000))
    expect((await busy.buy(person)).json.code).toBe('invalid_api_key')
    await busy.endBackground()
  })

  test('is nothing where PAYWALL_MEMORY_SECONDS is 0: every call asks Redis', async () => {
    const person = await customer({ known: true })
    const { buy, asked, ...app } = shop({ PAYWALL_MEMORY_SECONDS: '0' })
    app.holdBackground()
    for (let i = 0; i < 3; i += 1) {
      const { redis, result } = await asked(() => buy(person))
      expect([result.layer, redis]).toEqual(['redis', 1])
    }
    await cancelInPostgres(person)
    await refreshAccount(writer.deps, person.id)
    expect((await buy(person)).json.code).toBe('subscription_required')
    await app.endBackground()
  })

  test('of a user that does not exist is believed for a second at most', async () => {
    const stranger = { key: keyOf(crypto.randomUUID(), '0123456789abcdef') }
    const { buy, asked, ...app } = shop()
    const start = Date.now()
    app.setNow(new Date(start))
    expect((await buy(stranger)).json.code).toBe('invalid_api_key')
    app.setNow(new Date(start + 999))
    const { redis, postgres, result } = await asked(() => buy(stranger))
    expect(result.json.code).toBe('invalid_api_key')
    expect({ redis, postgres }).toEqual({ redis: 0, postgres: 0 })
    app.setNow(new Date(start + 1_000))
    expect((await asked(() => buy(stranger))).redis).toBe(1)
  })

  test('of a user that did not exist gives way to the one that does', async () => {
    const [id, keyId] = [crypto.randomUUID(), crypto.randomUUID().slice(-12).padStart(16, '0')]
    const app = shop()
    const start = Date.now()
    app.setNow(new Date(start))
    expect((await app.buy({ key: keyOf(id, keyId) })).json.code).toBe('invalid_api_key')
    const person = await customer({ id, keyId, known: true })
    app.setNow(new Date(start + 1_000))
    expect((await app.buy(person)).status).toBe(200)
  })

  test('never stands in the way of a payment that another isolate heard of', async () => {
    const person = await signUp(writer)
    const refused = shop()
    for (let i = 0; i < 2; i += 1) {
      expect((await refused.buy(person)).json.code).toBe('subscription_required')
    }
    await subscribe(writer, person)
    expect((await refused.buy(person)).status).toBe(200)
  })

  test('is bounded: the oldest entry makes room', () => {
    const map = new Map<number, number>()
    for (let i = 0; i < 10_001; i += 1) putBounded(map, i, i)
    putBounded(map, 10_000, 1)
    expect([map.size, map.has(0), map.has(1), map.get(10_000)]).toEqual([10_000, false, true, 1])
  })
})

describe('an older snapshot never replaces a newer one', () => {
  /** An isolate that has heard of a cancellation and could not tell Redis, which still says that the account pays. */
  async function cancelledUntold() {
    const person = await subscribe(writer, await signUp(writer))
    const told = shop()
    await told.buy(person)
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    const deaf = await inject('redis', {
      match: { bodyIncludes: `{\\"userId\\":\\"${person.id}` },
      fault: { kind: 'status', status: 500, body: '{"error":"ERR away"}' },
    })
    await deliverNew(told, person.customer, new Set())
    await deaf.remove()
    return { person, told }
  }
  test('in memory: Redis missed the write, the log says so, and the isolate that knows does not forget', async () => {
    const { person, told } = await cancelledUntold()
    expect(told.logs.map(({ event }) => event)).toContain('account_snapshot_not_cached')
    for (const seconds of [0, 6, 30]) {
      told.setNow(ahead(seconds))
      expect((await told.buy(person)).json.code).toBe('subscription_required')
    }
  })

  test('and what Redis missed is mended by the next writer', async () => {
    const { person } = await cancelledUntold()
    const other = shop()
    expect((await other.buy(person)).status).toBe(200)
    await refreshAccount(writer.deps, person.id)
    other.setNow(ahead(5))
    expect((await other.buy(person)).json.code).toBe('subscription_required')
  })

  test('or when it expires', async () => {
    const { person } = await cancelledUntold()
    await forgetSnapshot(person.id)
    expect((await shop().buy(person)).json.code).toBe('subscription_required')
  })

  test('in Redis: a writer that read before the cancellation comes late', async () => {
    const person = await customer({ known: true })
    const late = shop()
    const slow = await inject('redis', {
      match: { bodyIncludes: `"1","{\\"userId\\":\\"${person.id}` },
      fault: { kind: 'hold' },
    })
    const writing = refreshAccount(late.deps, person.id)
    await slow.hit()
    await cancelInPostgres(person)
    await refreshAccount(writer.deps, person.id)
    await slow.release()
    await writing
    expect((await shop().buy(person)).json.code).toBe('subscription_required')
  })
})

test('a snapshot that ends in Redis while its account calls is made anew before anybody waits for it', async () => {
  const person = await customer()
  const app = shop()
  app.holdBackground()
  await app.buy(person)
  await app.redisIdle()
  await forgetSnapshot(person.id)
  expect((await app.buy(person)).layer).toBe('memory')
  await app.endBackground()
  expect(await snapshotKeys(person.id)).toHaveLength(1)
  expect((await shop().buy(person)).layer).toBe('redis')
})

test('a busy isolate does not take an empty Redis for a confirmation of what it knows', async () => {
  const person = await customer()
  const app = shop()
  const start = Date.now()
  app.setNow(new Date(start))
  app.holdBackground()
  await app.buy(person)
  await app.redisIdle()
  await cancelInPostgres(person)
  await forgetSnapshot(person.id)
  app.setNow(new Date(start + 4_000))
  // Enough for a renewal, to which Redis answers without a snapshot.
  for (let i = 0; i < 6; i += 1) await app.buy(person)
  await app.redisIdle()
  app.setNow(new Date(start + 5_000))
  expect((await app.buy(person)).json.code).toBe('subscription_required')
  await app.endBackground()
})
