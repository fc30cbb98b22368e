// What the paid path's script does with requests that come twice, late or never, seen through its counts.
import { describe, expect, test } from 'vitest'
import { refreshAccount } from '../../src/data/accounts.ts'
import { exchange, READ } from '../../src/data/exchange.ts'
import type { Settlement, Take } from '../../src/data/lease-script.ts'
import { NO_UNITS, type Units } from '../../src/data/units.ts'
import { testApp, unique } from '../support/app.ts'
import { ahead, customer } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'

const { deps } = testApp()
const calls = (apiCalls: number): Units => ({ apiCalls, reactions: 0 })
const MINUTE_MS = 60_000
/** Longer than any lease of these tests. */
const LATER_S = 70

/** An account of a hobbyist (1,000 calls) with so many used, as this script's user. */
async function account({ used = 0 } = {}) {
  const { id, windowStart } = await customer({ used, known: true })
  const later = { ...deps, now: () => ahead(LATER_S) }
  const start = windowStart.getTime()
  const idempotencyKey = unique(`tollgate:idempotency:2:${id}`)
  return {
    fields: async () => (await redisCommand<string[]>('HKEYS', `tollgate:usage:2:${id}`)).length,
    take: (name: string, { mode = 'exact', units = calls(1), ...more }: Partial<Take> = {}) =>
      exchange(
        deps,
        id,
        { mode, id: name, units, expiresAt: Date.now() + MINUTE_MS, ...more },
        [],
        more.fingerprint ? idempotencyKey : null,
      ),
    settle: (
      how: Settlement['how'],
      name: string,
      units: Units,
      { fingerprint, at = deps }: { fingerprint?: string; at?: typeof deps } = {},
    ) =>
      exchange(
        at,
        id,
        { ...READ, ...(fingerprint && { fingerprint }) },
        [{ how, id: name, units, windowStart: start }],
        fingerprint ? idempotencyKey : null,
      ),
    /** As if a minute had passed: leases have expired, the account is known again. */
    async takeLater(name: string, units: Units, fingerprint?: string) {
      await refreshAccount(later, id)
      const expiresAt = ahead(LATER_S).getTime() + MINUTE_MS
      const take: Take = { mode: 'exact', id: name, units, expiresAt }
      return exchange(
        later,
        id,
        { ...take, ...(fingerprint && { fingerprint }) },
        [],
        fingerprint ? idempotencyKey : null,
      )
    },
    later,
    async counts() {
      const { used, taken } = await exchange(deps, id, READ)
      return [used.apiCalls, taken.apiCalls]
    },
  }
}

describe('a request for units', () => {
  test.each(['pool', 'exact'] as const)('(%s) that arrives twice holds them once', async (mode) => {
    const { take, settle, counts } = await account()
    const [first, second] = [
      await take('once', { mode, units: calls(5) }),
      await take('once', { mode, units: calls(5) }),
    ]
    expect([first.status, second.status, second.got]).toEqual(['leased', 'leased', first.got])
    expect(second.windowStart).toBe(first.windowStart)
    await settle('settle', 'once', NO_UNITS)
    expect(await counts()).toEqual([0, 0])
  })

  test.each(['pool', 'exact'] as const)(
    '(%s) that arrives once more after it was settled holds nothing, and is not settled again',
    async (mode) => {
      const { take, settle, counts } = await account()
      await take('again', { mode, units: calls(5) })
      await settle('settle', 'again', calls(2))
      expect((await take('again', { mode, units: calls(5) })).got).toEqual(NO_UNITS)
      await settle('settle', 'again', calls(2))
      expect(await counts()).toEqual([2, 2])
    },
  )

  test('that arrives after nobody wants it any more holds nothing', async () => {
    const { take, settle, counts } = await account()
    await settle('void', 'late', NO_UNITS)
    expect((await take('late', { units: calls(5) })).got).toEqual(NO_UNITS)
    expect(await counts()).toEqual([0, 0])
  })

  test.each([
    ['ahead of calls takes a share of what is left', 1, 40, 2],
    ['that calls wait for takes what they need', 30, 40, 30],
    ['that more calls wait for than there are units takes all of them', 60, 40, 40],
    ['takes one at least', 1, 3, 1],
  ])('%s', async (_, keep, left, got) => {
    const { take } = await account({ used: 1000 - left })
    const answer = await take('pool', { mode: 'pool', units: calls(Math.max(10, keep)), keep })
    expect([answer.status, answer.got.apiCalls]).toEqual(['leased', got])
  })
})

describe('a settlement', () => {
  test('above its lease counts as far as the quota reaches, once', async () => {
    const { take, settle, counts } = await account({ used: 990 })
    await take('one', { units: calls(3) })
    await take('other', { units: calls(2) })
    for (let i = 0; i < 2; i += 1) await settle('settle', 'one', calls(9))
    expect(await counts()).toEqual([998, 1000])
  })

  test('is remembered for a minute, and then nothing of it is left', async () => {
    const { take, settle, fields, later } = await account()
    for (const name of ['a', 'b', 'c']) {
      await take(name, { units: calls(1) })
      await settle('settle', name, calls(9))
    }
    const before = await fields()
    await settle('settle', 'unknown', calls(1), { at: later })
    expect(before - (await fields())).toBe(3)
  })

  test('of others does not hide when the first lease ends', async () => {
    const { take, settle } = await account({ used: 998 })
    for (let i = 0; i < 250; i += 1) {
      await take(`done ${i}`, { units: calls(1) })
      await settle('settle', `done ${i}`, NO_UNITS)
    }
    const expiresAt = Date.now() + 15 * MINUTE_MS
    await take('held', { units: calls(2), expiresAt })
    const refused = await take('refused', { units: calls(1) })
    expect([refused.status, refused.heldUntil]).toEqual(['full', expiresAt])
  })

  test('after its lease has expired counts what others have left of the quota', async () => {
    const { take, settle, takeLater, counts, later } = await account({ used: 990 })
    await take('late', { units: calls(10) })
    expect((await takeLater('other', calls(7))).status).toBe('leased')
    await settle('settle', 'late', calls(10), { at: later })
    expect(await counts()).toEqual([993, 1000])
  })

  test('of a charge above a lease counts as far as the quota reaches', async () => {
    const { settle, counts } = await account({ used: 995 })
    await settle('charge', 'above', calls(9))
    await settle('charge', 'above', calls(9))
    expect(await counts()).toEqual([1000, 1000])
  })
})

describe('under an idempotency key', () => {
  const fingerprint = 'abc123'

  test('a lease that expired and whose key another call has taken is charged by that one alone', async () => {
    const { take, settle, takeLater, counts, later } = await account()
    await take('first', { units: calls(3), fingerprint })
    expect((await takeLater('second', calls(3), fingerprint)).status).toBe('leased')
    await settle('settle', 'first', calls(3), { fingerprint, at: later })
    expect(await counts()).toEqual([0, 3])
    await settle('settle', 'second', calls(3), { fingerprint, at: later })
    expect(await counts()).toEqual([3, 3])
  })

  test('what was lent for a call that is charged already is not booked', async () => {
    const { take, settle, counts } = await account()
    await take('charged', { units: calls(3), fingerprint })
    await settle('settle', 'charged', calls(3), { fingerprint })
    await settle('book', 'lent', calls(3), { fingerprint })
    expect(await counts()).toEqual([3, 3])
  })

  test('what was lent and booked is charged: a repetition is free', async () => {
    const { take, settle, counts } = await account()
    await settle('book', 'lent', calls(3), { fingerprint })
    expect((await take('repetition', { units: calls(3), fingerprint })).status).toBe('repeat')
    expect(await counts()).toEqual([3, 3])
  })

  test('a void lease leaves the key to the next call', async () => {
    const { take, settle } = await account()
    await take('void', { units: calls(1), fingerprint })
    expect((await take('next', { fingerprint })).status).toBe('running')
    await settle('void', 'void', NO_UNITS, { fingerprint })
    // Whatever it asks for.
    expect((await take('next', { fingerprint: 'def456' })).status).toBe('leased')
  })
})
