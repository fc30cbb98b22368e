// Which of an account's subscriptions counts. Pure.
import { type Tier, tierRank } from '../plans.ts'
import type { SubscriptionStatus } from './schema.ts'

/** A subscription as the snapshot carries it; instants in milliseconds since 1970. */
export interface SubscriptionState {
  id: string
  status: SubscriptionStatus
  tier: Tier
  currentPeriodStart: number
  currentPeriodEnd: number
  billingCycleAnchor: number
  cancelAtPeriodEnd: boolean
  cancelAt: number | null
  trialEnd: number | null
  pastDueSince: number | null
  /** Collection is paused without service, and the running period was not paid. */
  servicePaused: boolean
  createdAt: number
}

const STATUS_RANK: Readonly<Record<SubscriptionStatus, number>> = {
  active: 5,
  trialing: 5,
  past_due: 4,
  paused: 3,
  unpaid: 2,
  incomplete: 1,
  incomplete_expired: 0,
  canceled: 0,
}

const LIVE: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due', 'paused', 'unpaid'])

/** Whether Stripe still counts it as a subscription that can be paid, changed or resumed in the portal. */
export function isLive(status: string): boolean {
  return LIVE.has(status)
}

/** When a cancellation that is scheduled in either of Stripe's two forms takes effect, or null. */
export function scheduledEnd(subscription: SubscriptionState): number | null {
  const atPeriodEnd = subscription.cancelAtPeriodEnd ? subscription.currentPeriodEnd : null
  if (subscription.cancelAt === null) return atPeriodEnd
  return atPeriodEnd === null ? subscription.cancelAt : Math.min(atPeriodEnd, subscription.cancelAt)
}

export type AccessDenial = 'subscription_required' | 'payment_past_due' | 'subscription_paused'

/** When the grace after a failed payment is over, or null when nothing is past due. */
export function graceUntil(subscription: SubscriptionState, graceDays: number): number | null {
  return subscription.pastDueSince === null
    ? null
    : subscription.pastDueSince + graceDays * 86_400_000
}

/**
 * Until when a subscription that opens now goes on to do so if nothing changes: a scheduled end, the end of the grace.
 * Milliseconds since 1970, Infinity for no end.
 */
export function accessUntil(subscription: SubscriptionState, graceDays: number): number {
  return Math.min(
    scheduledEnd(subscription) ?? Number.POSITIVE_INFINITY,
    graceUntil(subscription, graceDays) ?? Number.POSITIVE_INFINITY,
  )
}

/** Why `subscription` opens nothing at `now`, or null when it gives access. */
export function accessDenial(
  subscription: SubscriptionState | null,
  now: Date,
  graceDays: number,
): AccessDenial | null {
  if (subscription === null) return 'subscription_required'
  const end = scheduledEnd(subscription)
  if (isLive(subscription.status) && end !== null && end <= now.getTime()) {
    return 'subscription_required'
  }
  switch (subscription.status) {
    case 'active':
    case 'trialing':
      return subscription.servicePaused ? 'subscription_paused' : null
    case 'past_due': {
      const until = graceUntil(subscription, graceDays)
      return until !== null && now.getTime() < until ? null : 'payment_past_due'
    }
    case 'unpaid':
      return 'payment_past_due'
    case 'paused':
      return 'subscription_paused'
    default:
      return 'subscription_required'
  }
}

/**
 * The one that counts at `now`: one that gives access, then the one in better standing, then the larger plan, then
 * the newer; of those that ended the newest. Null for an account that never had one.
 */
export function bestSubscription(
  all: readonly SubscriptionState[],
  now: Date,
  graceDays: number,
): SubscriptionState | null {
  const opens = (state: SubscriptionState) => Number(accessDenial(state, now, graceDays) === null)
  const [best = null] = [...all].sort(
    (a, b) =>
      opens(b) - opens(a) ||
      STATUS_RANK[b.status] - STATUS_RANK[a.status] ||
      (isLive(a.status) ? tierRank(b.tier) - tierRank(a.tier) : 0) ||
      b.createdAt - a.createdAt ||
      (a.id < b.id ? 1 : -1),
  )
  return best
}

/** What of an account's subscriptions can ever count again: the live ones, or the newest where none is. */
export function relevantSubscriptions(all: readonly SubscriptionState[]): SubscriptionState[] {
  const live = all.filter(({ status }) => isLive(status))
  if (live.length > 0) return live
  return [...all].sort((a, b) => b.createdAt - a.createdAt).slice(0, 1)
}
