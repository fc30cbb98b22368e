// Units that an isolate holds: when they may be spent, and that none is forgotten.
import { beforeEach, describe, expect, test } from 'vitest'
import { failed } from '../../src/data/breaker.ts'
import { createMemory, type Pool, type Stores } from '../../src/data/memory.ts'
import { adopt, finish, spend } from '../../src/data/pool.ts'
import { settleWaiting } from '../../src/data/pool-keeper.ts'
import { NO_UNITS } from '../../src/data/units.ts'
import { upkeep } from '../../src/data/upkeep.ts'
import { testApp } from '../support/app.ts'

const START = 1_800_000_000_000
const WINDOW = { windowStart: START, used: NO_UNITS }
let now = START
let requests = 0
let answer: () => Promise<unknown>
let stores: Stores

beforeEach(() => {
  now = START
  requests = 0
  answer = async () => ['read', '', String(START), '0', '0', '0', '0', '0', '0', '', []]
  stores = {
    ...testApp().deps,
    memory: createMemory(),
    now: () => new Date(now),
    redis: {
      evaluate() {
        requests += 1
        return answer()
      },
    },
  }
})

/** A pool of five units, one in use. */
const hold = (window = WINDOW): Pool =>
  adopt(
    stores,
    'user',
    { id: `lease ${window.windowStart}`, size: 5, expiresAt: START + 40_000, needed: 1 },
    window,
  )
/** Nobody has renewed it. */
const expire = (pool: Pool) =>
  Object.assign(pool, { leases: [], size: 0, expiresAt: Number.POSITIVE_INFINITY })

describe('a unit', () => {
  test('is not spent once its lease has ended, nor in another window', () => {
    hold()
    expect(spend(stores, 'user', START, START + 39_999)).not.toBeNull()
    expect(spend(stores, 'user', START, START + 40_000)).toBeNull()
    expect(spend(stores, 'user', START + 1, START)).toBeNull()
  })

  test('is not spent twice', () => {
    hold()
    const taken = Array.from({ length: 6 }, () => spend(stores, 'user', START, START))
    expect(taken.filter((pool) => pool !== null)).toHaveLength(4)
  })
})

describe('what was spent', () => {
  test('is settled although the next window has begun', () => {
    const old = hold()
    hold({ ...WINDOW, windowStart: START + 1 })
    expect([...stores.memory.waiting]).toEqual([old])
  })

  test('is not forgotten when its lease and its keeper have gone', async () => {
    const pool = expire(hold())
    finish(pool, 1)
    now = START + 200_000
    await upkeep(stores, now)
    expect([stores.memory.pools.has('user'), requests]).toEqual([false, 1])
  })

  test('is sent once, however many send it', async () => {
    const pool = hold()
    finish(pool, 1)
    await Promise.all([settleWaiting(stores, pool), settleWaiting(stores, pool)])
    expect(requests).toBe(1)
  })

  test.each([
    ['does not answer', () => (answer = () => Promise.reject(new Error('away')))],
    [
      'is known to be away',
      () => {
        for (let i = 0; i < 2; i += 1) failed(stores.memory.redis, START)
      },
    ],
  ])('waits while Redis %s', async (_, away) => {
    const pool = hold()
    finish(pool, 1)
    away()
    await settleWaiting(stores, pool)
    expect([...stores.memory.waiting]).toEqual([pool])
  })
})

test('a pool that holds nothing is kept for its rate, and forgotten after a minute', () => {
  const pool = hold()
  finish(pool, 0)
  expire(pool)
  pool.renewedAt = START
  for (const [at, isKept] of [
    [START + 59_000, true],
    [START + 70_000, false],
  ] as const) {
    void upkeep(stores, at)
    expect(stores.memory.pools.has('user')).toBe(isKept)
  }
})
