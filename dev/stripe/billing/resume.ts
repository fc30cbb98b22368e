// From status `paused` back to active: by an invoice, unless time that was paid for is left.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { idOf } from '../lookup.ts'
import { addIntervals, periodAt } from '../periods.ts'
import { remaining } from '../prorate.ts'
import type { World } from '../world.ts'
import { billNow } from './bill-now.ts'
import { periodEnd } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import type { PaymentResult } from './payments.ts'
import { addPending, billed } from './plan-change.ts'
import { markResumed } from './subscription-state.ts'

export interface ResumeOptions {
  billingCycleAnchor: 'now' | 'unchanged'
  prorationBehavior: 'create_prorations' | 'always_invoice' | 'none'
}

/**
 * Begins a new cycle now, or goes on in the old one. The subscription is `active` once the invoice
 * is paid; until then it stays `paused`.
 * @throws StripeError 400 when it is not paused
 */
export function resumePaused(
  world: World,
  subscription: Stripe.Subscription,
  options: ResumeOptions = { billingCycleAnchor: 'now', prorationBehavior: 'create_prorations' },
): PaymentResult | null {
  if (subscription.status !== 'paused') {
    throw invalid(`Only paused subscriptions can be resumed; this one is ${subscription.status}.`, {
      code: 'subscription_not_paused',
    })
  }
  const now = world.now(idOf(subscription.customer))
  const interval = commonInterval(subscription.items.data)
  const paidUntil = periodEnd(subscription)
  const goesOn = options.billingCycleAnchor === 'unchanged'
  if (goesOn && now < paidUntil) {
    markResumed(world, subscription)
    return null
  }
  const period = goesOn
    ? periodAt(subscription.billing_cycle_anchor, interval, now)
    : { start: now, end: addIntervals(now, interval, 1) }
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    if (!goesOn) changed.billing_cycle_anchor = now
    changed.trial_end = changed.trial_end === null ? null : Math.min(changed.trial_end, now)
    for (const item of changed.items.data) {
      item.current_period_start = period.start
      item.current_period_end = period.end
    }
  })
  if (goesOn && options.prorationBehavior === 'none') {
    markResumed(world, subscription)
    return null
  }
  // In the old cycle only what is left of the running period is billed.
  if (goesOn) {
    addPending(world, subscription, remaining(billed(subscription.items.data), period, now))
  }
  return billNow(world, subscription, {
    period: goesOn ? null : period,
    lookingBack: { start: now, end: now },
    collect: true,
  })
}
