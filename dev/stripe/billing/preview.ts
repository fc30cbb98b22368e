// The invoice that the next renewal would bring, without making it.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { base62 } from '../ids.ts'
import { customerOf, idOf } from '../lookup.ts'
import { periodAt } from '../periods.ts'
import type { World } from '../world.ts'
import { periodEnd, periodStart } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import { composeInvoice } from './invoices.ts'

/**
 * @param subscription when absent, the customer's one that renews first
 * @throws StripeError 404 `invoice_upcoming_none` when nothing is going to be billed
 */
export function composePreview(
  world: World,
  customerId: string | undefined,
  subscription: Stripe.Subscription | undefined,
): Stripe.Invoice {
  const next = subscription ?? firstToRenew(world, customerId ?? '')
  if (!next || next.ended_at !== null || renewsNoMore(next)) {
    throw invalid(
      `No upcoming invoices for customer: '${customerId ?? (next && idOf(next.customer)) ?? ''}'`,
      { code: 'invoice_upcoming_none' },
    )
  }
  const end = periodEnd(next)
  const interval = commonInterval(next.items.data)
  const period = periodAt(next.billing_cycle_anchor, interval, end)
  const invoice = composeInvoice(world, {
    customer: customerOf(world, next),
    subscription: next,
    reason: 'upcoming',
    period: { start: periodStart(next), end },
    items: next.items.data.map((item) => ({ item, period, trial: false })),
    finalizes: 'later',
  })
  invoice.id = `upcoming_in_1${base62(23)}`
  invoice.created = end
  invoice.next_payment_attempt = end + 3600
  return invoice
}

function firstToRenew(world: World, customerId: string): Stripe.Subscription | undefined {
  return [...world.store.subscriptions.values()]
    .filter(({ customer, ended_at }) => idOf(customer) === customerId && ended_at === null)
    .filter((subscription) => !renewsNoMore(subscription))
    .sort((a, b) => periodEnd(a) - periodEnd(b))[0]
}

function renewsNoMore(subscription: Stripe.Subscription): boolean {
  const { cancel_at: cancelAt, status } = subscription
  const ends = cancelAt !== null && cancelAt <= periodEnd(subscription)
  return ends || status === 'paused' || status === 'incomplete'
}
