// Which subscription counts, and what it opens: pure.
import { describe, expect, test } from 'vitest'
import {
  accessDenial,
  bestSubscription,
  type SubscriptionState,
} from '../../src/data/entitlement.ts'

const day = 86_400_000
const now = new Date('2026-11-23T12:00:00Z')
const state = (changes: Partial<SubscriptionState> = {}): SubscriptionState => ({
  id: 'sub_a',
  status: 'active',
  tier: 'hobby',
  currentPeriodStart: now.getTime() - 10 * day,
  currentPeriodEnd: now.getTime() + 20 * day,
  billingCycleAnchor: now.getTime() - 10 * day,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  trialEnd: null,
  pastDueSince: null,
  servicePaused: false,
  createdAt: now.getTime() - 10 * day,
  ...changes,
})

describe('bestSubscription', () => {
  test.each([
    ['none of none', [], undefined],
    [
      'active before canceled, however new',
      [state({ id: 'sub_b', status: 'canceled', createdAt: now.getTime() }), state()],
      'sub_a',
    ],
    [
      'active before past due, however large',
      [state({ id: 'sub_b', status: 'past_due', tier: 'pro' }), state()],
      'sub_a',
    ],
    ['the larger of two active ones', [state(), state({ id: 'sub_b', tier: 'pro' })], 'sub_b'],
    [
      'a trial is as good as active',
      [state({ id: 'sub_b', tier: 'pro', status: 'trialing' }), state()],
      'sub_b',
    ],
    [
      'the newer of two equal ones',
      [state({ id: 'sub_b', createdAt: now.getTime() }), state()],
      'sub_b',
    ],
    [
      'past due before paused before unpaid',
      [
        state({ id: 'sub_u', status: 'unpaid' }),
        state({ id: 'sub_p', status: 'paused' }),
        state({ id: 'sub_d', status: 'past_due' }),
      ],
      'sub_d',
    ],
    [
      'the newest of those that ended, not the largest',
      [
        state({ id: 'sub_b', status: 'canceled', tier: 'pro' }),
        state({ status: 'canceled', createdAt: now.getTime() }),
      ],
      'sub_a',
    ],
  ])('%s', (_, all, expected) => {
    expect(bestSubscription(all, now, 3)?.id).toBe(expected)
    expect(bestSubscription([...all].reverse(), now, 3)?.id).toBe(expected)
  })
})

describe('accessDenial', () => {
  const at = (time: number) => new Date(time)

  test('ends with the earlier of two scheduled ends, to the millisecond', () => {
    const both = state({ cancelAtPeriodEnd: true, cancelAt: now.getTime() + day })
    expect(accessDenial(both, at(now.getTime() + day - 1), 3)).toBeNull()
    expect(accessDenial(both, at(now.getTime() + day), 3)).toBe('subscription_required')
    const atPeriodEnd = state({ cancelAtPeriodEnd: true })
    expect(accessDenial(atPeriodEnd, at(atPeriodEnd.currentPeriodEnd - 1), 3)).toBeNull()
    expect(accessDenial(atPeriodEnd, at(atPeriodEnd.currentPeriodEnd), 3)).toBe(
      'subscription_required',
    )
  })

  test('a period that is over is no end: the renewal’s event may be late', () => {
    expect(accessDenial(state(), at(now.getTime() + 25 * day), 3)).toBeNull()
  })

  test('grace counts from the failure; none at all is a setting too', () => {
    const late = state({ status: 'past_due', pastDueSince: now.getTime() })
    expect(accessDenial(late, at(now.getTime() + 3 * day - 1), 3)).toBeNull()
    expect(accessDenial(late, at(now.getTime() + 3 * day), 3)).toBe('payment_past_due')
    expect(accessDenial(late, now, 0)).toBe('payment_past_due')
  })
})
