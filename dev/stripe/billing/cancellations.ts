// Cancelling: at once, at the end of the period, at a moment; and taking it back.
import type { Stripe } from 'stripe'
import { idOf } from '../lookup.ts'
import type { World } from '../world.ts'

/** The end of the running period. All items share it. */
export function periodEnd(subscription: Stripe.Subscription): number {
  return Math.max(...subscription.items.data.map((item) => item.current_period_end))
}

export function periodStart(subscription: Stripe.Subscription): number {
  return Math.min(...subscription.items.data.map((item) => item.current_period_start))
}

/**
 * Schedules the end.
 * @param how `period_end` sets `cancel_at_period_end`; a moment sets `cancel_at` alone, as the
 *   portal does under flexible billing
 */
export function scheduleCancellation(
  world: World,
  subscription: Stripe.Subscription,
  how: 'period_end' | { at: number },
): void {
  const now = world.now(idOf(subscription.customer))
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.cancel_at_period_end = how === 'period_end'
    changed.cancel_at = how === 'period_end' ? periodEnd(changed) : how.at
    changed.canceled_at = now
    if (changed.cancellation_details) {
      changed.cancellation_details.reason = 'cancellation_requested'
    }
  })
}

export function takeCancellationBack(world: World, subscription: Stripe.Subscription): void {
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.cancel_at_period_end = false
    changed.cancel_at = null
    changed.canceled_at = null
    changed.cancellation_details = {
      comment: null,
      feedback: null,
      feedback_option: null,
      reason: null,
    }
  })
}
