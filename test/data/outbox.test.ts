// What waits for a Redis that was away: it is charged once, and where nobody can know any more whether it was, not again.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failed } from '../../src/data/breaker.ts'
import { exchange, READ, send } from '../../src/data/exchange.ts'
import type { Settlement } from '../../src/data/lease-script.ts'
import { createMemory } from '../../src/data/memory.ts'
import { NO_UNITS, type Units } from '../../src/data/units.ts'
import { upkeep } from '../../src/data/upkeep.ts'
import type { LogFields } from '../../src/log.ts'
import { testApp } from '../support/app.ts'
import { counted, forget, type PayingAccount, payingAccount } from '../support/books-account.ts'
import { Isolates, type PaidTestCall } from '../support/isolates.ts'
import { type Fate, UnreliableRedis } from '../support/unreliable-redis.ts'
import { of } from '../support/usage-books.ts'

const { deps } = testApp()
const WINDOW = { start: new Date('2026-12-01T00:00:00Z'), end: new Date('2027-01-01T00:00:00Z') }
const START = WINDOW.start.getTime()
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const LONG_MS = 25 * HOUR_MS

let account: PayingAccount
beforeEach(async () => {
  account = await payingAccount(deps, { tier: 'hobby', window: WINDOW, used: NO_UNITS })
})
afterEach(() => forget(deps, account.id))

const used = async (): Promise<Units> => of((await counted(account.id)).used, START)

describe('a loan', () => {
  const UNITS = { apiCalls: 3, reactions: 40 }

  /** An isolate that lent, and books it with the next requests' fates; its clock is the test's. */
  async function lender(fates: Fate[], { isKnownToBeAway = false } = {}) {
    let now = START + HOUR_MS
    const lost: LogFields[] = []
    const line = new UnreliableRedis(
      deps.redis,
      () => {},
      () => now,
    )
    const stores = {
      ...deps,
      redis: line.client('lender'),
      memory: createMemory(),
      now: () => new Date(now),
      log: (_: string, event: string, fields: LogFields = {}) => {
        if (event === 'usage_settlement_lost') lost.push(fields)
      },
    }
    const others = { ...deps, memory: createMemory(), now: () => new Date(now) }
    line.fates = fates
    if (isKnownToBeAway) for (let i = 0; i < 2; i += 1) failed(stores.memory.redis, now)
    const settlement: Settlement = {
      how: 'book',
      id: crypto.randomUUID(),
      units: UNITS,
      windowStart: START,
    }
    await send(stores, {
      userId: account.id,
      settlements: [settlement],
      repetition: null,
      refusals: 0,
    })
    expect(stores.memory.outbox.size).toBe(1)
    return {
      lost,
      /** Redis hears of the account meanwhile, and forgets what is over. */
      async pass(milliseconds: number) {
        now += milliseconds
        await exchange(others, account.id, READ)
        await upkeep(stores, now)
        expect(stores.memory.outbox.size).toBe(0)
      },
    }
  }

  test('whose booking lost its answer is charged once when it is sent again within a day', async () => {
    const { pass, lost } = await lender(['loses its answer', 'is lost'])
    expect(await used()).toEqual(UNITS)
    await pass(23 * HOUR_MS)
    expect([await used(), lost]).toEqual([UNITS, []])
  })

  test('whose booking lost its answer is not charged again after Redis has forgotten it', async () => {
    const { pass, lost } = await lender(['loses its answer', 'is lost'])
    await pass(LONG_MS)
    expect(await used()).toEqual(UNITS)
    expect(lost).toEqual([
      {
        user_id: account.id,
        api_calls: 3,
        reactions: 40,
        window_start: '2026-12-01T00:00:00.000Z',
      },
    ])
  })

  test('that Redis was never asked to book is booked however late', async () => {
    const { pass, lost } = await lender([], { isKnownToBeAway: true })
    expect(await used()).toEqual(NO_UNITS)
    await pass(LONG_MS)
    expect([await used(), lost]).toEqual([UNITS, []])
  })
})

describe('what calls cost above their units', () => {
  /** An isolate whose call cost two units more, told to a Redis whose answer is lost. */
  async function spender() {
    const lost: LogFields[] = []
    const world = new Isolates(deps, { count: 2, now: START + HOUR_MS }, () => {})
    world.lost = (fields) => lost.push(fields)
    const call: PaidTestCall = world.begin(world.at(0), account.key, {
      units: { apiCalls: 1, reactions: 0 },
      isPlain: true,
    })
    await world.rest()
    expect(call.state).toBe('handled')
    return { world, call, lost }
  }

  test('is not charged again after Redis has forgotten that it was', async () => {
    const { world, call, lost } = await spender()
    // Its lease ends before it does, and its isolate hears of that: all of it is charged without one.
    await world.pass(10 * MINUTE_MS)
    await exchange(world.at(1).deps, account.id, READ)
    for (let i = 0; i < 2; i += 1) await world.upkeep()
    call.end(200, { apiCalls: 3, reactions: 0 })
    await world.rest()
    world.line.fates = ['loses its answer']
    await world.pass(2_000)
    expect((await used()).apiCalls).toBe(3)
    world.line.isDown = true
    await world.pass(LONG_MS)
    world.line.isDown = false
    await exchange(world.at(1).deps, account.id, READ)
    for (let i = 0; i < 2; i += 1) {
      await world.pass(MINUTE_MS)
      await world.upkeep()
    }
    expect((await used()).apiCalls).toBe(3)
    expect(lost).toEqual([expect.objectContaining({ user_id: account.id, api_calls: 3 })])
  })
})
