// What Stripe shows of an account, read with Stripe's client after the life, and what must follow from it. Nothing
// here comes from src: the rules stand in the contract and are written down a second time.
import type Stripe from 'stripe'
import { stack } from '../stripe.ts'
import { isPaying, type Life } from './life.ts'

const GRACE_MS = 3 * 86_400_000
/** Smallest first. */
const PLANS = ['hobby', 'research', 'pro'] as const
const RANK: Readonly<Record<string, number>> = { hobby: 0, research: 1, pro: 2 }

/** A subscription as Stripe shows it; instants in milliseconds since 1970. */
export interface Shown {
  id: string
  status: string
  /** Null for a price that no plan has. */
  tier: string | null
  priceId: string
  periodStart: number
  periodEnd: number
  cancelAt: number | null
  cancelAtPeriodEnd: boolean
  trialEnd: number | null
  pastDueSince: number | null
  servicePaused: boolean
  createdAt: number
  /** What ended it, as Stripe has it on record. */
  comment: string | null
}

/** All subscriptions of the account's customers, other products' with them. */
export async function whatStripeShows(stripe: Stripe, life: Life): Promise<Shown[]> {
  const all: Shown[] = []
  for (const customer of life.customers) {
    const { data } = await stripe.subscriptions.list({ customer, status: 'all', limit: 100 })
    for (const subscription of data) {
      const { data: invoices } = await stripe.invoices.list({
        subscription: subscription.id,
        limit: 100,
      })
      all.push(shown(subscription, invoices))
    }
  }
  return all
}

function shown(subscription: Stripe.Subscription, invoices: readonly Stripe.Invoice[]): Shown {
  const { id, status, pause_collection: pause } = subscription
  const [item] = subscription.items.data
  if (!item) throw new Error(`${id} has no item`)
  const ofPeriod = invoices.find(({ billing_reason: reason }) =>
    ['subscription_create', 'subscription_cycle'].includes(String(reason)),
  )
  return {
    id,
    status,
    tier: tierOf(item.price.id),
    priceId: item.price.id,
    periodStart: item.current_period_start * 1000,
    periodEnd: item.current_period_end * 1000,
    cancelAt: milliseconds(subscription.cancel_at),
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    trialEnd: milliseconds(subscription.trial_end),
    pastDueSince:
      status === 'past_due' ? (debtSince(invoices) ?? item.current_period_start * 1000) : null,
    servicePaused:
      ['active', 'trialing'].includes(status) &&
      pause?.behavior === 'void' &&
      ofPeriod !== undefined &&
      ofPeriod.status !== 'paid',
    createdAt: subscription.created * 1000,
    comment: subscription.cancellation_details?.comment ?? null,
  }
}

/** The start of the unbroken run of unpaid invoices. `invoices` are the newest first. */
function debtSince(invoices: readonly Stripe.Invoice[]): number | null {
  const paid = invoices.findIndex(({ status }) => status === 'paid')
  const run = paid === -1 ? invoices : invoices.slice(0, paid)
  // What was written off before anybody tried to collect it was a gift.
  const oldest = run.findLast(
    ({ status, attempted }) => status === 'open' || (status === 'uncollectible' && attempted),
  )
  return milliseconds(oldest?.due_date ?? oldest?.status_transitions.finalized_at ?? null)
}

/** Why it opens nothing at `now`, or null. */
export function denialOf(one: Shown, now: number): string | null {
  const ends = [one.cancelAt, one.cancelAtPeriodEnd ? one.periodEnd : null]
  const isOver = ends.some((end) => end !== null && end <= now)
  if (!isPaying(one.status) || isOver) return 'subscription_required'
  if (one.status === 'paused') return 'subscription_paused'
  if (one.status === 'unpaid') return 'payment_past_due'
  if (one.status === 'past_due') {
    return now < (one.pastDueSince ?? 0) + GRACE_MS ? null : 'payment_past_due'
  }
  return one.servicePaused ? 'subscription_paused' : null
}

const STANDING = ['unpaid', 'paused', 'past_due', 'active']

/**
 * Those of which one may count for the account: one that opens, then the better standing, then the larger plan, then
 * the newer; of those that are over the newest. Several where nothing tells them apart.
 */
export function bestOf(all: readonly Shown[], now: number): Shown[] {
  const paying = all.filter(({ status }) => isPaying(status))
  const rank = (one: Shown) =>
    paying.length === 0
      ? [one.createdAt]
      : [
          denialOf(one, now) === null ? 1 : 0,
          STANDING.indexOf(one.status === 'trialing' ? 'active' : one.status),
          RANK[one.tier ?? ''] ?? -1,
          one.createdAt,
        ]
  const candidates = paying.length > 0 ? paying : all
  const sorted = [...candidates].sort((a, b) => compare(rank(b), rank(a)))
  return sorted.filter((one) => sorted[0] && compare(rank(one), rank(sorted[0])) === 0)
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * Subscriptions that still run although what was paid for the running period went back in full.
 * @returns their ids
 */
export async function refundedButRunning(stripe: Stripe, all: readonly Shown[]): Promise<string[]> {
  const found: string[] = []
  for (const { id, status, periodStart } of all) {
    if (!isPaying(status)) continue
    const { data } = await stripe.invoices.list({
      subscription: id,
      status: 'paid',
      created: { gte: periodStart / 1000 - 60 },
      expand: ['data.payments'],
    })
    // What was paid by credit has not gone back.
    if (data.some(({ total, payments }) => total > 0 && payments?.data.length === 0)) continue
    const charges: Stripe.Charge[] = []
    for (const { payment } of data.flatMap(({ payments }) => payments?.data ?? [])) {
      const intent = await stripe.paymentIntents.retrieve(String(payment.payment_intent), {
        expand: ['latest_charge'],
      })
      if (intent.latest_charge !== null && typeof intent.latest_charge === 'object') {
        charges.push(intent.latest_charge)
      }
    }
    if (charges.length > 0 && charges.every(({ refunded }) => refunded)) found.push(id)
  }
  return found
}

/** The plan of a price, or null where it is none of ours. */
export function tierOf(priceId: string): string | null {
  return PLANS.find((plan) => stack.prices[plan] === priceId) ?? null
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000
}
