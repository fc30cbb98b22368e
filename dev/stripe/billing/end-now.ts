// Cancelling at once: what was paid for and not used, and what was still to be billed.
import type { Stripe } from 'stripe'
import { idOf } from '../lookup.ts'
import type { World } from '../world.ts'
import { billNow } from './bill-now.ts'
import { periodEnd, periodStart } from './cancellations.ts'
import { credits } from './debits.ts'
import { addPending } from './plan-change.ts'
import { endSubscription } from './subscription-state.ts'

export interface EndOptions {
  /** Credit what is left of the period. */
  prorate: boolean
  /** Bill what is pending now, as no renewal will. */
  invoiceNow: boolean
}

export function endNow(
  world: World,
  subscription: Stripe.Subscription,
  { prorate, invoiceNow }: EndOptions,
): void {
  const now = world.now(idOf(subscription.customer))
  const period = { start: periodStart(subscription), end: periodEnd(subscription) }
  if (prorate && subscription.status !== 'trialing') {
    const { data } = subscription.items
    addPending(world, subscription, credits(world, subscription, data, period, now))
  }
  if (invoiceNow) {
    const lookingBack = { start: period.start, end: now }
    billNow(world, subscription, { period: null, lookingBack, collect: true })
  }
  if (!prorate && !invoiceNow) dropPendingProrations(world, subscription)
  if (subscription.ended_at === null) {
    endSubscription(world, subscription, 'cancellation_requested')
  }
}

/** Nothing of this subscription is billed any more. */
function dropPendingProrations(world: World, subscription: Stripe.Subscription): void {
  for (const item of [...world.store.invoiceItems.values()]) {
    const of = item.parent?.subscription_details?.subscription
    if (item.invoice !== null || !item.proration || of !== subscription.id) continue
    world.store.invoiceItems.delete(item.id)
    world.emit('invoiceitem.deleted', item)
  }
}
