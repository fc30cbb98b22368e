// Charging a card for an invoice, and what the bank's answer does to the payment and the invoice.
import type { Stripe } from 'stripe'
import {
  ABSENT,
  AUTHENTICATION_REQUIRED,
  type ChargeOutcome,
  chargeOutcome,
  type Decline,
  type Presence,
} from '../cards.ts'
import { customerOf, idOf, idOrNull, subscriptionOf } from '../lookup.ts'
import { buildCharge } from '../objects/payment.ts'
import type { World } from '../world.ts'
import { openDispute } from './disputes.ts'
import { paymentIntentOf } from './invoice-payments.ts'
import { markPaid } from './invoices.ts'

export type PaymentResult =
  | { kind: 'paid' }
  | { kind: 'declined'; decline: Decline; charge: string | null }
  | { kind: 'needs_authentication' }
  | { kind: 'no_payment_method' }

/** Days from a failed attempt to the next, as Stripe's retry schedule is commonly set. */
const RETRY_DAYS = [3, 5, 7]

/** The card that an invoice would be charged to: its own, its subscription's, its customer's. */
export function paymentMethodFor(world: World, invoice: Stripe.Invoice): string | null {
  return (
    idOrNull(invoice.default_payment_method) ??
    paymentMethodOf(subscriptionOf(world, invoice), customerOf(world, invoice))
  )
}

export function paymentMethodOf(
  subscription: Stripe.Subscription | null,
  customer: Stripe.Customer,
): string | null {
  return (
    idOrNull(subscription?.default_payment_method) ??
    idOrNull(customer.invoice_settings.default_payment_method)
  )
}

/** What the bank would say, without asking: for `error_if_incomplete`, which must change nothing. */
export function foresee(world: World, paymentMethod: string, customerId: string): ChargeOutcome {
  if (world.store.failNextPayment.has(customerId)) return chargeOutcome('generic_decline', ABSENT)
  return chargeOutcome(world.store.cardBehaviours.get(paymentMethod) ?? 'pays', ABSENT)
}

/**
 * Confirms a payment intent with a card, and writes the charge and the events of both.
 */
export function confirmIntent(
  world: World,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
  buyer: Presence,
): PaymentResult {
  const customerId = idOrNull(intent.customer) ?? ''
  const outcome = askBank(world, paymentMethod, customerId, buyer)
  intent.payment_method = paymentMethod.id
  if (outcome.kind === 'needs_authentication') {
    intent.status = 'requires_action'
    intent.next_action = { type: 'use_stripe_sdk', use_stripe_sdk: {} }
    world.emit('payment_intent.requires_action', intent)
    return { kind: 'needs_authentication' }
  }
  const decline = outcome.kind === 'declined' ? outcome.decline : null
  const charge = writeCharge(world, intent, paymentMethod, decline)
  intent.next_action = null
  if (decline) return fail(world, intent, paymentMethod, charge, decline)
  intent.status = 'succeeded'
  intent.amount_received = intent.amount
  intent.last_payment_error = null
  world.emit('charge.succeeded', charge)
  world.emit('payment_intent.succeeded', intent)
  if (world.store.cardBehaviours.get(paymentMethod.id) === 'disputed') {
    world.afterwards(() => openDispute(world, charge))
  }
  return { kind: 'paid' }
}

function askBank(
  world: World,
  paymentMethod: Stripe.PaymentMethod,
  customerId: string,
  buyer: Presence,
): ChargeOutcome {
  if (world.store.failNextPayment.delete(customerId))
    return chargeOutcome('generic_decline', ABSENT)
  return chargeOutcome(world.store.cardBehaviours.get(paymentMethod.id) ?? 'pays', buyer)
}

function writeCharge(
  world: World,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
  failure: Decline | null,
): Stripe.Charge {
  const charge = buildCharge({
    intent,
    paymentMethod,
    failure,
    created: world.now(idOrNull(intent.customer)),
  })
  world.store.charges.set(charge.id, charge)
  intent.latest_charge = charge.id
  return charge
}

function fail(
  world: World,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
  charge: Stripe.Charge,
  decline: Decline,
): PaymentResult {
  intent.status = 'requires_payment_method'
  intent.payment_method = null
  intent.last_payment_error = {
    charge: charge.id,
    code: decline.code,
    decline_code: decline.declineCode,
    doc_url: `https://stripe.com/docs/error-codes/${decline.code.replaceAll('_', '-')}`,
    message: decline.message,
    payment_method: paymentMethod,
    type: 'card_error',
  }
  world.emit('charge.failed', charge)
  world.emit('payment_intent.payment_failed', intent)
  return { kind: 'declined', decline, charge: charge.id }
}

/**
 * Tries to collect an open invoice.
 * @param options.automatic the schedule's own attempt: it counts, and a failure plans the next one
 */
export function attemptPayment(
  world: World,
  invoice: Stripe.Invoice,
  options: { paymentMethod?: string | null; automatic: boolean },
): PaymentResult {
  const methodId = options.paymentMethod ?? paymentMethodFor(world, invoice)
  const method = methodId === null ? undefined : world.store.paymentMethods.get(methodId)
  const intent = paymentIntentOf(world, invoice)
  const result: PaymentResult = method
    ? confirmIntent(world, intent, method, ABSENT)
    : { kind: 'no_payment_method' }
  if (result.kind === 'paid') {
    if (counts(invoice, options.automatic)) invoice.attempt_count += 1
    markPaid(world, invoice)
    setDelinquent(world, invoice, false)
    return result
  }
  recordFailure(world, invoice, options.automatic)
  if (result.kind === 'needs_authentication') {
    world.emit('invoice.payment_action_required', invoice)
  }
  world.emit('invoice.payment_failed', invoice)
  setDelinquent(world, invoice, true)
  return result
}

function recordFailure(world: World, invoice: Stripe.Invoice, automatic: boolean): void {
  const retried =
    invoice.billing_reason !== 'subscription_create' &&
    invoice.collection_method === 'charge_automatically'
  world.update(invoice, 'invoice.updated', (changed) => {
    changed.attempted = true
    if (!counts(changed, automatic)) return
    changed.attempt_count += 1
    const days = retried ? RETRY_DAYS[changed.attempt_count - 1] : undefined
    changed.next_payment_attempt =
      days === undefined ? null : world.now(idOf(invoice.customer ?? '')) + days * 86_400
  })
}

/** Whoever makes the first attempt, it counts; after that only the schedule's do. */
function counts(invoice: Stripe.Invoice, automatic: boolean): boolean {
  return automatic || invoice.attempt_count === 0
}

function setDelinquent(world: World, invoice: Stripe.Invoice, delinquent: boolean): void {
  world.update(customerOf(world, invoice), 'customer.updated', (customer) => {
    customer.delinquent = delinquent
  })
}

/** How the API words a result that is not a payment. */
export function declineOf(result: PaymentResult): Decline | null {
  if (result.kind === 'declined') return result.decline
  if (result.kind === 'needs_authentication') return AUTHENTICATION_REQUIRED
  return null
}
