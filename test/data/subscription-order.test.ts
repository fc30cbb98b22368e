// Which subscription counts where standing, plan and age are near each other. Pure.
import { expect, test } from 'vitest'
import { bestSubscription, type SubscriptionState } from '../../src/data/entitlement.ts'

const now = new Date('2026-11-23T10:00:00Z')
const day = 86_400_000

const state = (changes: Partial<SubscriptionState>): SubscriptionState => ({
  id: 'sub_a',
  status: 'active',
  tier: 'hobby',
  currentPeriodStart: now.getTime() - day,
  currentPeriodEnd: now.getTime() + 29 * day,
  billingCycleAnchor: now.getTime() - day,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  trialEnd: null,
  pastDueSince: null,
  servicePaused: false,
  createdAt: now.getTime() - day,
  ...changes,
})
const idOfBest = (...all: SubscriptionState[]) => bestSubscription(all, now, 3)?.id

test.each(['canceled', 'incomplete_expired'] as const)(
  'one whose first payment is open counts before a newer one that is %s',
  (status) => {
    const open = state({ id: 'sub_open', status: 'incomplete', createdAt: 1 })
    const ended = state({ id: 'sub_ended', status, createdAt: 2 })
    expect([idOfBest(open, ended), idOfBest(ended, open)]).toEqual(['sub_open', 'sub_open'])
  },
)

test('of two alike it is always the same one, in whatever order the database gives them', () => {
  const [one, other] = [state({ id: 'sub_1' }), state({ id: 'sub_2' })]
  expect(idOfBest(one, other)).toBe(idOfBest(other, one))
})
