// Redis, Postgres, or both slow, refusing, talking nonsense, or gone: who is served, who is not, and what is counted.
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { ahead, type Customer, callsUsed, customer, type Shop, shop } from '../support/shop.ts'
import { forgetSnapshot } from '../support/snapshot.ts'
import { emptyRedis, heldLeases } from '../support/usage.ts'

const reader = testApp()
const NO_REDIS = { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' }
const NO_POSTGRES = { DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' }
/** Redis, or Postgres, fails for this account until the test ends or the fault is removed. */
const away = (service: 'redis' | 'postgres', { id }: { id: string }) =>
  inject(service, {
    match: { bodyIncludes: id },
    fault: { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' },
  })
const outcomes = async (app: Shop, who: { key: string }, count: number) => {
  const answers = []
  for (let i = 0; i < count; i += 1) answers.push(await app.buy(who))
  return answers.map(({ status, json }) => json.code ?? status)
}

describe('Redis', () => {
  test.each([
    ['refuses', { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' }],
    [
      'says no',
      { kind: 'status', status: 400, body: '{"error":"ERR max requests limit exceeded"}' },
    ],
    ['does not know us', { kind: 'status', status: 401, body: '{"error":"WRONGPASS"}' }],
    ['talks nonsense', { kind: 'status', status: 200, body: '{"result":["leased"]}' }],
    ['is nobody’s', { kind: 'status', status: 200, body: '<html>', contentType: 'text/html' }],
    ['resets', { kind: 'reset' }],
    ['loses its answer', { kind: 'lose-answer' }],
    ['answers by half', { kind: 'truncate' }],
    ['breaks off', { kind: 'break-off' }],
    ['hangs', { kind: 'hang' }],
    ['is slow', { kind: 'slow', afterMs: 30_000 }],
  ] as const)(
    '%s: Postgres answers, and the call is counted once when Redis is well',
    async (_, fault) => {
      const person = await customer({ known: true })
      const app = shop({
        REDIS_TIMEOUT_MS: 'afterMs' in fault || fault.kind === 'hang' ? '150' : '10000',
      })
      const ill = await inject('redis', { match: { bodyIncludes: person.id }, fault })
      const { status, layer } = await app.buy(person)
      expect([status, layer]).toEqual([200, 'postgres'])
      await ill.remove()
      const well = shop()
      well.deps.memory = app.deps.memory
      well.setNow(ahead(2))
      expect((await well.buy(person)).status).toBe(200)
      expect(await callsUsed(reader, person)).toBe(2)
      expect(await heldLeases(person.id)).toEqual([])
    },
  )

  test.each([
    ['hobby', 10],
    ['pro', 50],
  ] as const)(
    'away: an isolate lends a %s account %i calls, then 503 with Retry-After',
    async (tier, lent) => {
      const person = await customer({ tier })
      const app = shop(NO_REDIS)
      expect(await outcomes(app, person, lent)).toEqual(Array(lent).fill(200))
      const { status, json, headers } = await app.buy(person)
      expect([status, json.code]).toEqual([503, 'unavailable'])
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
      // Another isolate has an allowance of its own.
      expect((await shop(NO_REDIS).buy(person)).status).toBe(200)
    },
  )

  test('away: nothing is lent where the loans of eight isolates could exceed what is left; a quota used up is 429', async () => {
    const [far, near] = [await customer({ used: 920 }), await customer({ used: 921 })]
    const over = await customer({ used: 1000 })
    expect(await outcomes(shop(NO_REDIS), far, 2)).toEqual([200, 200])
    expect(await outcomes(shop(NO_REDIS), near, 2)).toEqual(['unavailable', 'unavailable'])
    expect(await outcomes(shop(NO_REDIS), over, 1)).toEqual(['quota_exceeded'])
  })

  test('away: what is repaid may be lent again', async () => {
    const person = await customer({ known: true })
    const app = shop()
    for (let i = 0; i < 2; i += 1) {
      const fault = await away('redis', person)
      app.setNow(ahead(10 * i))
      expect(await outcomes(app, person, 10)).toEqual(Array(10).fill(200))
      await fault.remove()
      expect((await app.buy(person)).json.code).toBe('unavailable')
      app.setNow(ahead(10 * i + 2))
      // Still without an allowance; what it finds out is the next one's.
      await app.buy(person)
    }
    expect(await callsUsed(reader, person)).toBe(20)
  })

  test('away: once that is known it is not asked, but once a second in the background', async () => {
    const person = await customer()
    const app = shop(NO_REDIS)
    const start = Date.now()
    const asked = async (afterMs: number) => {
      app.setNow(new Date(start + afterMs))
      const { redis, result } = await app.asked(() => app.buy(person))
      return [redis, result.status]
    }
    // One failure may be chance: what may be held for its call is given back, in the background, which fails too.
    expect(await asked(0)).toEqual([2, 200])
    expect(await asked(0)).toEqual([0, 200])
    expect(await asked(999)).toEqual([0, 200])
    expect(await asked(1_000)).toEqual([1, 200])
    expect(await asked(1_000)).toEqual([0, 200])
    expect(await asked(1_999)).toEqual([0, 200])
    expect(await asked(2_000)).toEqual([1, 200])
  })

  test('hanging: the trial is nobody’s wait', async () => {
    const person = await customer()
    const app = shop(NO_REDIS)
    app.holdBackground()
    await app.buy(person)
    const { evaluate } = app.deps.redis
    const trial = Promise.withResolvers<void>()
    app.deps.redis = { evaluate: (...args) => trial.promise.then(() => evaluate(...args)) }
    app.setNow(ahead(2))
    expect((await app.buy(person)).status).toBe(200)
    trial.resolve()
    await app.endBackground()
  })

  test('back: it is used again by itself, and what was counted meanwhile is shown, and in the books once', async () => {
    const person = await customer({ used: 100, known: true })
    const app = shop()
    const fault = await away('redis', person)
    expect(await outcomes(app, person, 4)).toEqual([200, 200, 200, 200])
    expect(await callsUsed(app, person)).toBe(104)
    await fault.remove()
    expect(await callsUsed(reader, person)).toBe(100)
    app.setNow(ahead(2))
    expect((await app.buy(person)).layer).not.toBe('redis')
    expect(app.logs.map(({ event }) => event)).toContain('redis_is_back')
    app.setNow(ahead(10))
    expect((await app.buy(person)).layer).toBe('redis')
    expect([await callsUsed(app, person), await callsUsed(reader, person)]).toEqual([106, 106])
  })

  test('away with a renewal unanswered: what it was to settle is shown meanwhile', async () => {
    const person = await customer({ known: true })
    const app = shop()
    app.holdBackground()
    for (let i = 0; i < 3; i += 1)
      expect((await app.buy(person)).layer).toBe(i ? 'memory' : 'redis')
    const fault = await away('redis', person)
    await app.endBackground()
    expect(await callsUsed(app, person)).toBe(3)
    await fault.remove()
    app.setNow(ahead(2))
    await app.buy(person)
    expect([await callsUsed(app, person), await callsUsed(reader, person)]).toEqual([4, 4])
  })

  test('emptied: access and counts survive from the last flush', async () => {
    const person = await customer({ known: true })
    expect(await outcomes(shop(), person, 3)).toEqual([200, 200, 200])
    await flushUsage(reader.deps)
    await emptyRedis(person.id)
    expect((await shop().buy(person)).layer).toBe('postgres')
    expect(await callsUsed(reader, person)).toBe(4)
  })
})

describe('Postgres away', () => {
  test('is noticed by nobody whom Redis or memory knows', async () => {
    const person = await customer({ known: true })
    const app = shop(NO_POSTGRES)
    app.holdBackground()
    expect((await app.buy(person)).layer).toBe('redis')
    expect((await app.buy(person)).layer).toBe('memory')
    await app.endBackground()
  })

  test('is 402 for whom Redis knows not to have paid, and 503 where Redis does not know', async () => {
    const person = await signUp(reader)
    const app = shop(NO_POSTGRES)
    expect((await app.buy(person)).json.code).toBe('subscription_required')
    await forgetSnapshot(person.id)
    expect((await app.buy(person)).json.code).toBe('unavailable')
  })

  test('is no reason to ask it for each call', async () => {
    const app = shop({ ...NO_POSTGRES, ...NO_REDIS })
    const people = [await customer(), await customer()]
    const start = Date.now()
    const asked = async (who: Customer | undefined, afterMs: number) => {
      app.setNow(new Date(start + afterMs))
      const { postgres, result } = await app.asked(() => app.buy(who ?? { key: '' }))
      return [postgres, result.json.code]
    }
    expect(await asked(people[0], 0)).toEqual([1, 'unavailable'])
    expect(await asked(people[0], 0)).toEqual([1, 'unavailable'])
    expect(await asked(people[1], 999)).toEqual([0, 'unavailable'])
    expect(await asked(people[1], 1_000)).toEqual([1, 'unavailable'])
  })
})

describe('both away', () => {
  test('whom this isolate knows as paid is served for PAYWALL_STALE_SECONDS, then 503', async () => {
    const person = await customer({ known: true })
    const app = shop({ PAYWALL_STALE_SECONDS: '60' })
    const start = Date.now()
    app.setNow(new Date(start))
    expect((await app.buy(person)).status).toBe(200)
    await away('redis', person)
    await away('postgres', person)
    for (const [afterMs, outcome] of [
      [6_000, 200],
      [59_999, 200],
      [60_000, 'unavailable'],
    ] as const) {
      app.setNow(new Date(start + afterMs))
      expect(await outcomes(app, person, 1)).toEqual([outcome])
    }
  })

  test('whom it knows not to have paid is 503, not 402', async () => {
    const person = await signUp(reader)
    const app = shop()
    expect((await app.buy(person)).json.code).toBe('subscription_required')
    await away('redis', person)
    await away('postgres', person)
    expect((await app.buy(person)).json.code).toBe('unavailable')
  })

  test('a stranger is 503 with Retry-After, and a made-up key still 401', async () => {
    const person = await customer()
    const app = shop({ ...NO_REDIS, ...NO_POSTGRES })
    const { status, headers } = await app.buy(person)
    expect([status, Number(headers.get('Retry-After')) > 0]).toEqual([503, true])
    const forged = mintApiKey([new Uint8Array(32)], {
      userId: person.id,
      keyId: '0123456789abcdef',
    })
    expect((await app.buy({ key: forged })).json.code).toBe('invalid_api_key')
  })
})

test('too many calls a second of a plain route are 429 rate_limited, and counted nowhere', async () => {
  const person = await customer({ known: true })
  const app = shop()
  app.holdBackground()
  const seen = await outcomes(app, person, 110)
  expect([...new Set(seen)].sort()).toEqual([200, 'rate_limited'])
  await app.endBackground()
  expect(await callsUsed(reader, person)).toBe(seen.filter((outcome) => outcome === 200).length)
})

test('a limiter of the platform that fails keeps nobody out who has paid, and is told of', async () => {
  const person = await customer({ known: true })
  const limit = () => Promise.reject(new Error('the limiter is away'))
  const app = shop({ TIER_HOBBY_LIMIT: { limit } as unknown as string })
  app.holdBackground()
  for (const layer of ['redis', 'memory']) {
    const answer = await app.buy(person)
    expect([answer.status, answer.layer]).toEqual([200, layer])
  }
  expect(app.logs.map(({ event }) => event)).toContain('limiter_failed')
  await app.endBackground()
  expect(await callsUsed(reader, person)).toBe(2)
})
