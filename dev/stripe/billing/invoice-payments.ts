// The payment intent of an invoice, and the link between the two.
import type { Stripe } from 'stripe'
import { customerOf, find, idOf } from '../lookup.ts'
import { buildInvoicePayment, buildPaymentIntent } from '../objects/payment.ts'
import type { World } from '../world.ts'

/** The invoice's payment intent; made at the first need. */
export function paymentIntentOf(world: World, invoice: Stripe.Invoice): Stripe.PaymentIntent {
  const existing = invoicePaymentOf(world, invoice)?.payment.payment_intent
  if (existing) return find(world.store.paymentIntents, 'payment_intent', idOf(existing), 'id')
  const customer = customerOf(world, invoice)
  const intent = buildPaymentIntent({
    amount: invoice.amount_due,
    currency: invoice.currency,
    customer: customer.id,
    description: paymentDescription(invoice.billing_reason),
    created: world.now(customer.id),
  })
  world.store.paymentIntents.set(intent.id, intent)
  world.emit('payment_intent.created', intent)
  linkPayment(world, invoice, intent)
  return intent
}

/** Joins an intent that may already be paid (by Checkout) to its invoice. */
export function linkPayment(
  world: World,
  invoice: Stripe.Invoice,
  intent: Stripe.PaymentIntent,
): void {
  const payment = buildInvoicePayment(invoice, intent, world.now(idOf(invoice.customer ?? '')))
  world.store.invoicePayments.set(payment.id, payment)
}

export function paymentDescription(reason: Stripe.Invoice.BillingReason | null): string {
  return reason === 'subscription_create' ? 'Subscription creation' : 'Subscription update'
}

export function invoicePaymentOf(
  world: World,
  invoice: Stripe.Invoice,
): Stripe.InvoicePayment | null {
  for (const payment of world.store.invoicePayments.values()) {
    if (payment.invoice === invoice.id) return payment
  }
  return null
}

/** Nobody can pay it any more. */
export function cancelIntent(world: World, invoice: Stripe.Invoice, reason: 'void_invoice'): void {
  const payment = invoicePaymentOf(world, invoice)
  const intentId = payment?.payment.payment_intent
  const intent = intentId ? world.store.paymentIntents.get(idOf(intentId)) : undefined
  if (!payment || !intent || intent.status === 'succeeded') return
  const now = world.now(idOf(invoice.customer ?? ''))
  intent.status = 'canceled'
  intent.canceled_at = now
  intent.cancellation_reason = reason
  payment.status = 'canceled'
  payment.status_transitions.canceled_at = now
  world.emit('payment_intent.canceled', intent)
}
