// An invoice for a running subscription that does not wait for the next renewal.
import type { Stripe } from 'stripe'
import { customerOf } from '../lookup.ts'
import type { Period } from '../periods.ts'
import type { World } from '../world.ts'
import { draftInvoice, finalizeInvoice } from './invoices.ts'
import type { PaymentResult } from './payments.ts'
import { collect, setStatus, settleSubscription } from './subscription-state.ts'

export interface BillNow {
  /** The whole period to bill for, beside the pending items; null for the pending items alone. */
  period: Period | null
  lookingBack: Period
  /** Whether the card is charged now, or somebody else will see to the payment. */
  collect: boolean
  /** Called with the draft, before it is finalised. */
  drafted?: (invoice: Stripe.Invoice) => void
}

/** Drafts, finalises and collects at once. @returns null when nothing was to be paid */
export function billNow(
  world: World,
  subscription: Stripe.Subscription,
  { period, lookingBack, collect: charge, drafted }: BillNow,
): PaymentResult | null {
  const invoice = draftInvoice(world, {
    customer: customerOf(world, subscription),
    subscription,
    reason: 'subscription_update',
    period: lookingBack,
    items: period ? subscription.items.data.map((item) => ({ item, period, trial: false })) : [],
    finalizes: 'now',
  })
  drafted?.(invoice)
  finalizeInvoice(world, invoice)
  if (invoice.status !== 'open') {
    settleSubscription(world, invoice)
    return null
  }
  if (!charge) {
    if (subscription.status === 'active') setStatus(world, subscription, 'past_due')
    return null
  }
  return collect(world, invoice, { automatic: true })
}
