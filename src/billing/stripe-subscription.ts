// Stripe's subscription as our row: pure, both API shapes, loud where it cannot be read.
import type Stripe from 'stripe'
import {
  SUBSCRIPTION_STATUSES,
  type SubscriptionStatus,
  type subscriptions,
} from '../data/schema.ts'
import { type PriceIds, type Tier, tierOfPrice, tierRank } from '../plans.ts'
import { UnknownShapeError } from './event-subject.ts'

/** What Stripe shows, without whose it is, since when it owes, and the ticket. `tier` is null for a price that is not ours. */
export type SubscriptionReading = Omit<
  typeof subscriptions.$inferInsert,
  'userId' | 'ticket' | 'syncedAt' | 'tier' | 'pastDueSince' | 'servicePaused'
> & { tier: Tier | null; customerId: string; servicePaused: boolean }

// Before basil (2025-03-31) the period stood on the subscription, since then on its items.
type AnyShape = Stripe.Subscription & Partial<Period>
interface Period {
  current_period_start: number
  current_period_end: number
}

/**
 * @param subscription with its latest invoice expanded: see `LiveSubscription`
 * @throws UnknownShapeError when the period, the price or the status cannot be read
 */
export function readingOf(subscription: AnyShape, prices: PriceIds): SubscriptionReading {
  const item = itemThatCounts(subscription.items.data, prices)
  if (!item) throw new UnknownShapeError(`Subscription ${subscription.id} has no items`)
  const period = periodOf(subscription.id, item, subscription)
  return {
    id: subscription.id,
    customerId:
      typeof subscription.customer === 'string' ? subscription.customer : subscription.customer.id,
    status: statusOf(subscription),
    tier: tierOfPrice(prices, item.price.id),
    priceId: item.price.id,
    currentPeriodStart: instant(period.current_period_start),
    currentPeriodEnd: instant(period.current_period_end),
    billingCycleAnchor: instant(subscription.billing_cycle_anchor),
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    cancelAt: optionalInstant(subscription.cancel_at),
    canceledAt: optionalInstant(subscription.canceled_at),
    endedAt: optionalInstant(subscription.ended_at),
    trialEnd: optionalInstant(subscription.trial_end),
    collectionPaused: subscription.pause_collection !== null,
    servicePaused: isServicePaused(subscription),
    createdAt: instant(subscription.created),
  }
}

/** Of several items the largest plan that is paid for, as of several subscriptions; else whatever it sells. */
function itemThatCounts(
  items: readonly Stripe.SubscriptionItem[],
  prices: PriceIds,
): Stripe.SubscriptionItem | undefined {
  const rank = ({ price, quantity = 1 }: Stripe.SubscriptionItem) => {
    const tier = tierOfPrice(prices, price.id)
    return tier === null ? -2 : quantity === 0 ? -1 : tierRank(tier)
  }
  return [...items].sort((a, b) => rank(b) - rank(a))[0]
}

function periodOf(id: string, ...candidates: readonly Partial<Period>[]): Period {
  for (const { current_period_start: start, current_period_end: end } of candidates) {
    if (typeof start === 'number' && typeof end === 'number') {
      return { current_period_start: start, current_period_end: end }
    }
  }
  throw new UnknownShapeError(`Subscription ${id} shows no period, neither on its items nor itself`)
}

const PERIOD_INVOICES: ReadonlySet<string> = new Set(['subscription_create', 'subscription_cycle'])

/** Whether it is one that a period begins with; one for a change of plan says nothing of the period. */
export function isOfPeriod({ billing_reason: reason }: Stripe.Invoice): boolean {
  return PERIOD_INVOICES.has(reason ?? '')
}

/**
 * Stripe's `void` means that no service is given while collection is paused; its other two give it for nothing, or
 * for payment later (https://docs.stripe.com/billing/subscriptions/pause-payment). What was paid stays paid: the
 * service ends with the first period of which the invoice is not.
 */
function isServicePaused(subscription: AnyShape): boolean {
  const { id, status, pause_collection, latest_invoice: invoice } = subscription
  // Of any other status the status alone decides.
  const isServed = status === 'active' || status === 'trialing'
  if (!isServed || pause_collection?.behavior !== 'void' || invoice === null) return false
  if (typeof invoice === 'object') return isOfPeriod(invoice) && invoice.status !== 'paid'
  throw new UnknownShapeError(`Subscription ${id} was read without its latest invoice`)
}

function statusOf({ id, status }: Stripe.Subscription): SubscriptionStatus {
  const known = SUBSCRIPTION_STATUSES.find((each) => each === status)
  if (known) return known
  throw new UnknownShapeError(`Subscription ${id} has the unknown status ${status}`)
}

function instant(epochSeconds: number): Date {
  return new Date(epochSeconds * 1000)
}

function optionalInstant(epochSeconds: number | null): Date | null {
  return epochSeconds === null ? null : instant(epochSeconds)
}
