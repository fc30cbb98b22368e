// Where to move a customer's clock: to the next renewal, past the period's end, by days, to a time.
import type { Simulator } from '../simulator.ts'
import { subscriptionsOf } from './queries.ts'

export type ClockTarget = 'renewal' | 'period_end' | number | { days: number }

const DAY_SECONDS = 86_400
/** Stripe finalizes a renewal's invoice, and charges it, about an hour after the period began. */
const PAST_THE_CHARGE_SECONDS = 3600 + 300

/** Unix seconds, or null when there is no renewal or no period to go to. */
export function resolveClockTarget(
  sim: Simulator,
  customerId: string,
  target: ClockTarget,
): number | null {
  if (typeof target === 'number') return target
  const now = sim.customerNow(customerId)
  if (typeof target === 'object') return now + Math.round(target.days * DAY_SECONDS)
  if (target === 'renewal') {
    const renewal = sim.nextRenewal(customerId)
    return renewal === null ? null : renewal + PAST_THE_CHARGE_SECONDS
  }
  const end = currentPeriodEnd(sim, customerId, now)
  return end === null ? null : end + 1
}

/** The earliest period end ahead of the customer's subscriptions that still run. */
function currentPeriodEnd(sim: Simulator, customerId: string, now: number): number | null {
  const ends = subscriptionsOf(sim, customerId)
    .filter(({ status }) => status !== 'canceled' && status !== 'incomplete_expired')
    .flatMap((subscription) => subscription.items.data.map((item) => item.current_period_end))
    .filter((end) => end >= now)
  return ends.length === 0 ? null : Math.min(...ends)
}
