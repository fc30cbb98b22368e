// What time brings: the next period, the hour after it, the retries, the trial's end.
import type { Stripe } from 'stripe'
import { customerOf, idOf, subscriptionOf } from '../lookup.ts'
import { periodAt } from '../periods.ts'
import type { World } from '../world.ts'
import { periodEnd, periodStart } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import { draftInvoice, finalizeInvoice, markUncollectible, voidInvoice } from './invoices.ts'
import { notesOf } from './notes.ts'
import { paymentMethodOf } from './payments.ts'
import { collect, endSubscription, settleSubscription } from './subscription-state.ts'

/** Begins the next period: the subscription moves at once, its invoice stays a draft for an hour. */
export function renew(world: World, subscription: Stripe.Subscription): void {
  beginNextPeriod(world, subscription, subscription.status)
}

function beginNextPeriod(
  world: World,
  subscription: Stripe.Subscription,
  status: Stripe.Subscription.Status,
): void {
  const before = structuredClone(subscription)
  const lookingBack = { start: periodStart(subscription), end: periodEnd(subscription) }
  const interval = commonInterval(subscription.items.data)
  const next = periodAt(subscription.billing_cycle_anchor, interval, lookingBack.end)
  subscription.status = status
  if (subscription.cancel_at_period_end) subscription.cancel_at = next.end
  for (const item of subscription.items.data) {
    item.current_period_start = next.start
    item.current_period_end = next.end
  }
  const paused = subscription.pause_collection?.behavior === 'keep_as_draft'
  // An unpaid subscription still gets its invoices, but nobody tries to collect them.
  const dormant = status === 'unpaid'
  draftInvoice(world, {
    customer: customerOf(world, subscription),
    subscription,
    reason: 'subscription_cycle',
    period: lookingBack,
    items: subscription.items.data.map((item) => ({ item, period: next, trial: false })),
    finalizes: paused || dormant ? 'never' : 'later',
    announce: () => world.announce(subscription, 'customer.subscription.updated', before),
  })
}

/** The hour is over: the draft becomes an open invoice, and the card is charged. */
export function finalizeAndCollect(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice)
  finalizeInvoice(world, invoice)
  const pause = subscription?.pause_collection?.behavior
  if (invoice.status === 'open' && pause === 'void') voidInvoice(world, invoice)
  if (invoice.status === 'open' && pause === 'mark_uncollectible') {
    markUncollectible(world, invoice, 'subscription_paused')
  }
  if (invoice.status === 'open' && invoice.collection_method === 'charge_automatically') {
    collect(world, invoice, { automatic: true })
  } else settleSubscription(world, invoice)
}

/** Three days before the end, or at once when the trial is shorter. */
export function sendTrialWillEnd(world: World, subscription: Stripe.Subscription): void {
  notesOf(world, subscription).trialWillEndSentFor = subscription.trial_end
  world.emit('customer.subscription.trial_will_end', subscription)
}

/** The trial is over: the first paid period begins, or what the trial's settings say without a card. */
export function endTrial(world: World, subscription: Stripe.Subscription): void {
  const missing = subscription.trial_settings?.end_behavior.missing_payment_method
  const card = paymentMethodOf(subscription, customerOf(world, subscription))
  if (card === null && missing !== 'create_invoice') {
    if (missing === 'cancel') endSubscription(world, subscription, 'cancellation_requested')
    else pauseSubscription(world, subscription, 'trial_end_without_payment_method')
    return
  }
  beginNextPeriod(world, subscription, 'active')
}

/** Status `paused`: no periods, no invoices, until it is resumed. */
export function pauseSubscription(
  world: World,
  subscription: Stripe.Subscription,
  why: 'pause_requested' | 'trial_end_without_payment_method',
): void {
  const now = world.now(idOf(subscription.customer))
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = 'paused'
    changed.status_details = {
      paused: { subscription: { type: why }, transitioned_at: now, type: 'subscription' },
    }
  })
  world.emit('customer.subscription.paused', subscription)
}

/** `pause_collection` has run its time. */
export function resumeCollection(world: World, subscription: Stripe.Subscription): void {
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.pause_collection = null
  })
}
