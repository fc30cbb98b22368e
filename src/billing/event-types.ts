// Which of Stripe's events a Tollgate endpoint asks for. The webhook uses these and no others.

/** `stripe:setup` gives its endpoint exactly these, `doctor` compares, and the local stack delivers them. */
export const EVENT_TYPES = [
  'checkout.session.completed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'invoice.payment_succeeded',
  'invoice.payment_failed',
  // What a person does to an invoice by hand: it moves the start of a debt.
  'invoice.paid',
  'invoice.voided',
  'invoice.marked_uncollectible',
  'charge.refunded',
  'charge.dispute.closed',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

/** Those of money that went back: they may end a subscription at Stripe. */
export const REVERSAL_TYPES: readonly EventType[] = ['charge.refunded', 'charge.dispute.closed']
