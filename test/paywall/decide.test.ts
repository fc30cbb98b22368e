// `decide` against a model that is written as a table: every status, every end, every grace, to the millisecond. Pure.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountSnapshot } from '../../src/data/account-snapshot.ts'
import type { SubscriptionState } from '../../src/data/entitlement.ts'
import { SUBSCRIPTION_STATUSES } from '../../src/data/schema.ts'
import { decide } from '../../src/paywall/decide.ts'
import { TIERS } from '../../src/plans.ts'
import { windowAt } from '../../src/window.ts'

const NOW = Date.parse('2026-12-10T12:00:00Z')
const DAY = 86_400_000
const KEY = '0123456789abcdef'

/** Instants around now, and around now less a grace of some days. */
const near = fc
  .tuple(fc.integer({ min: -9, max: 9 }), fc.constantFrom(-1, 0, 1))
  .map(([days, ms]) => NOW + days * DAY + ms)

const subscription: fc.Arbitrary<SubscriptionState> = fc
  .record({
    id: fc.uuid().map((id) => `sub_${id}`),
    status: fc.constantFrom(...SUBSCRIPTION_STATUSES),
    tier: fc.constantFrom(...TIERS),
    currentPeriodEnd: near,
    billingCycleAnchor: fc.integer({ min: NOW - 400 * DAY, max: NOW + 20 * DAY }),
    cancelAtPeriodEnd: fc.boolean(),
    cancelAt: fc.option(near),
    since: near,
    servicePaused: fc.boolean(),
    createdAt: fc.integer({ min: NOW - 400 * DAY, max: NOW }),
  })
  .map(({ since, ...rest }) => ({
    ...rest,
    currentPeriodStart: rest.currentPeriodEnd - 30 * DAY,
    trialEnd: null,
    pastDueSince: rest.status === 'past_due' ? since : null,
  }))

const account: fc.Arbitrary<AccountSnapshot> = fc.record({
  userId: fc.uuid(),
  version: fc.nat(),
  intendedTier: fc.constantFrom(...TIERS),
  createdAt: fc.constant(NOW - 100 * DAY),
  keys: fc.array(
    fc.record({ id: fc.constantFrom(KEY, 'fedcba9876543210'), expiresAt: fc.option(near) }),
    { maxLength: 3 },
  ),
  subscriptions: fc.array(subscription, { maxLength: 3 }),
})

/** Until when a subscription opens if nothing changes, or 0 where it does not. */
function opensUntil(
  {
    status,
    cancelAt,
    cancelAtPeriodEnd,
    currentPeriodEnd,
    pastDueSince,
    servicePaused,
  }: SubscriptionState,
  graceDays: number,
): number {
  const ends = [cancelAt, cancelAtPeriodEnd ? currentPeriodEnd : null]
  if (status === 'past_due') ends.push(pastDueSince === null ? 0 : pastDueSince + graceDays * DAY)
  else if ((status !== 'active' && status !== 'trialing') || servicePaused) return 0
  const until = Math.min(...ends.map((end) => end ?? Number.POSITIVE_INFINITY))
  return until > NOW ? until : 0
}

test('opens to an active key of an account with a subscription that opens, until it ends', () => {
  const agrees = fc.property(account, fc.integer({ min: 0, max: 7 }), (snapshot, graceDays) => {
    const decision = decide(snapshot, KEY, new Date(NOW), graceDays)
    const hasKey = snapshot.keys.some(
      ({ id, expiresAt }) => id === KEY && (expiresAt === null || expiresAt > NOW),
    )
    if (!hasKey) {
      expect(decision).toEqual({ allowed: false, code: 'invalid_api_key' })
      return
    }
    const open = snapshot.subscriptions.filter((each) => opensUntil(each, graceDays) > 0)
    expect(decision.allowed, 'whether it opens').toBe(open.length > 0)
    if (!decision.allowed) {
      const statuses = new Set<string>(snapshot.subscriptions.map(({ status }) => status))
      const wanted = {
        subscription_required: true,
        payment_past_due: statuses.has('past_due') || statuses.has('unpaid'),
        subscription_paused:
          statuses.has('paused') ||
          snapshot.subscriptions.some(({ servicePaused }) => servicePaused),
        invalid_api_key: false,
      }
      expect(wanted[decision.code], decision.code).toBe(true)
      return
    }
    // Its plan, its window and its end are those of one that opens: a paid one before one in its grace.
    const paid = open.filter(({ status }) => status !== 'past_due')
    const candidates = (paid.length > 0 ? paid : open).map((each) => {
      const window = windowAt(new Date(each.billingCycleAnchor), new Date(NOW))
      const until = Math.min(window.end.getTime(), opensUntil(each, graceDays))
      return { tier: each.tier, window, until }
    })
    const best = Math.max(...candidates.map(({ tier }) => TIERS.indexOf(tier)))
    const { tier, window, until } = decision
    expect(candidates).toContainEqual({ tier, window, until })
    expect(TIERS.indexOf(tier)).toBe(best)
    expect(window.start.getTime()).toBeLessThanOrEqual(NOW)
    expect(window.end.getTime()).toBeGreaterThan(NOW)
    expect(until).toBeGreaterThan(NOW)
  })
  fc.assert(agrees, { numRuns: 3_000 })
})

test('tells nobody more of a user that does not exist than of a key that is none', () => {
  expect(decide(null, KEY, new Date(NOW), 7)).toEqual({ allowed: false, code: 'invalid_api_key' })
})
