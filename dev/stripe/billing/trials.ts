// Moving a trial's end: longer, shorter, or over now.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { idOf } from '../lookup.ts'
import { addIntervals } from '../periods.ts'
import type { World } from '../world.ts'
import { billNow } from './bill-now.ts'
import { periodEnd, periodStart } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import { credits } from './debits.ts'
import type { PaymentResult } from './payments.ts'
import { addPending } from './plan-change.ts'

/** Ends a running trial: a paid period begins now, and is invoiced now. */
export function endTrialNow(world: World, subscription: Stripe.Subscription): PaymentResult | null {
  if (subscription.status !== 'trialing') return null
  const now = world.now(idOf(subscription.customer))
  const period = {
    start: now,
    end: addIntervals(now, commonInterval(subscription.items.data), 1),
  }
  const trialStart = subscription.trial_start ?? now
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = 'active'
    changed.trial_end = now
    changed.billing_cycle_anchor = now
    for (const item of changed.items.data) {
      item.current_period_start = period.start
      item.current_period_end = period.end
    }
  })
  return billNow(world, subscription, {
    period,
    lookingBack: { start: trialStart, end: now },
    collect: true,
  })
}

/**
 * Sets the trial's end to a moment ahead, beginning one when there was none; the billing cycle
 * follows it. Time that was paid for is credited when prorations are wanted.
 * @throws StripeError 400 when the moment is not ahead
 */
export function moveTrialEnd(
  world: World,
  subscription: Stripe.Subscription,
  trialEnd: number,
  prorations: boolean,
): void {
  const now = world.now(idOf(subscription.customer))
  if (trialEnd <= now) {
    throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', {
      param: 'trial_end',
    })
  }
  const wasTrial = subscription.status === 'trialing'
  const period = { start: periodStart(subscription), end: periodEnd(subscription) }
  if (!wasTrial && prorations) {
    addPending(
      world,
      subscription,
      credits(world, subscription, subscription.items.data, period, now),
    )
  }
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = 'trialing'
    changed.trial_start = wasTrial ? changed.trial_start : now
    changed.trial_end = trialEnd
    changed.billing_cycle_anchor = trialEnd
    for (const item of changed.items.data) {
      item.current_period_start = wasTrial ? item.current_period_start : now
      item.current_period_end = trialEnd
    }
    if (changed.cancel_at_period_end) changed.cancel_at = trialEnd
  })
}
