// Paying a Checkout session: the card first, and only then the subscription and its invoice.
import type { Stripe } from 'stripe'
import type { CardNumbers } from '../card-numbers.ts'
import { declineError, type Presence } from '../cards.ts'
import { invalid, StripeError } from '../errors.ts'
import { find, findCustomer, idOrNull } from '../lookup.ts'
import { customerDetails } from '../objects/checkout-session.ts'
import { buildCustomer } from '../objects/customer.ts'
import { buildPaymentIntent } from '../objects/payment.ts'
import type { CheckoutPlan } from '../store.ts'
import type { World } from '../world.ts'
import {
  attachCard,
  cardFromNumbers,
  rememberAuthentication,
  requireAttachable,
} from './cards-on-file.ts'
import { createSubscription } from './create-subscription.ts'
import { settleBalance } from './invoices.ts'
import { confirmIntent } from './payments.ts'

const DAY = 86_400

export interface Buyer {
  email?: string
  name?: string
  /** The buyer has been through 3-D Secure for this card. */
  authenticated?: boolean
}

/** Whether Checkout asks for no card: nothing is due now, and one was only wanted if needed. */
export function needsNoCard(session: Stripe.Checkout.Session): boolean {
  return session.payment_method_collection === 'if_required' && session.amount_total === 0
}

/**
 * Pays an open session by card, or by none where it needs none. Nothing remains of a declined try but the failed payment.
 * @returns the success URL with the session's id in it
 * @throws StripeError 402 for the card, 400 when the session is not open, 404 when there is none
 */
export function payCheckoutSession(
  world: World,
  sessionId: string,
  card: CardNumbers | null,
  buyer: Buyer,
): string {
  const session = openSession(world, sessionId)
  const plan = find(world.store.checkoutPlans, 'checkout.session', sessionId, 'id')
  const known = idOrNull(session.customer)
  const email = session.customer_details?.email ?? buyer.email ?? null
  if (card === null && !needsNoCard(session)) {
    throw invalid('This Checkout Session asks for a card.', {
      code: 'parameter_missing',
      param: 'card',
    })
  }
  const billing = { email, name: buyer.name ?? null }
  const method = card && cardFromNumbers(world, card, billing, known)
  const customer =
    known === null ? newCustomer(world, email, buyer) : findCustomer(world, known, 'customer')
  const presence = { inCheckout: true, authenticated: buyer.authenticated ?? false }
  const intent = method && collectFirstPayment(world, { session, plan, customer, method, presence })
  if (method && intent === null) requireAttachable(world, method)
  if (known === null) {
    world.store.customers.set(customer.id, customer)
    world.emit('customer.created', customer)
  }
  if (method) {
    attachCard(world, method, customer.id)
    rememberAuthentication(world, method)
  }
  const subscription = subscribe(world, plan, customer, method, intent)
  Object.assign(session, {
    customer: customer.id,
    customer_details: customerDetails(email, buyer.name ?? customer.name ?? null),
    invoice: idOrNull(subscription.latest_invoice),
    payment_status: session.amount_total === 0 ? 'no_payment_required' : 'paid',
    status: 'complete',
    subscription: subscription.id,
    url: null,
  })
  world.emit('checkout.session.completed', session)
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id)
}

function openSession(world: World, id: string): Stripe.Checkout.Session {
  const session = find(world.store.checkoutSessions, 'checkout.session', id, 'id')
  if (session.status !== 'open') {
    throw invalid(`This Checkout Session is ${session.status}; only an open one can be paid.`, {
      code: 'checkout_session_not_open',
    })
  }
  if (world.store.deletedCustomers.has(idOrNull(session.customer) ?? '')) {
    throw invalid('The customer of this Checkout Session has been deleted.', {
      code: 'customer_deleted',
    })
  }
  return session
}

function subscribe(
  world: World,
  plan: CheckoutPlan,
  customer: Stripe.Customer,
  method: Stripe.PaymentMethod | null,
  intent: Stripe.PaymentIntent | null,
): Stripe.Subscription {
  const days = plan.trialPeriodDays
  const { subscription } = createSubscription(world, {
    customer,
    items: plan.lineItems.flatMap(({ price, quantity }) =>
      price ? [{ price, quantity: quantity ?? 1, metadata: {} }] : [],
    ),
    metadata: plan.subscriptionMetadata,
    billingMode: plan.billingMode,
    description: plan.description,
    defaultPaymentMethod: method?.id ?? null,
    trialEnd: plan.trialEnd ?? (days === null ? null : world.now(customer.id) + days * DAY),
    anchor: null,
    missingPaymentMethod: plan.missingPaymentMethod,
    collectionMethod: 'charge_automatically',
    saveDefaultPaymentMethod: 'off',
    cancelAtPeriodEnd: false,
    cancelAt: null,
    payment: { kind: 'collected', intent },
  })
  return subscription
}

export function expireSession(world: World, session: Stripe.Checkout.Session): void {
  session.status = 'expired'
  session.url = null
  world.touch(session.id)
  world.emit('checkout.session.expired', session)
}

/** Not in the store yet: a declined card leaves no customer behind. */
function newCustomer(world: World, email: string | null, buyer: Buyer): Stripe.Customer {
  if (email === null) {
    throw invalid('An email address is needed.', { code: 'email_invalid', param: 'email' })
  }
  return buildCustomer({
    email,
    name: buyer.name ?? null,
    metadata: {},
    created: world.wallSeconds(),
  })
}

interface FirstPayment {
  session: Stripe.Checkout.Session
  plan: CheckoutPlan
  customer: Stripe.Customer
  method: Stripe.PaymentMethod
  presence: Presence
}

/** @returns null when the first period costs nothing (a trial, a free price, a credit) */
function collectFirstPayment(world: World, first: FirstPayment): Stripe.PaymentIntent | null {
  const { session, customer } = first
  const amount = settleBalance(session.amount_total ?? 0, customer.balance).amountDue
  if (amount === 0) return null
  const intent = intentOf(world, first, amount)
  const result = confirmIntent(world, intent, first.method, first.presence)
  if (result.kind === 'declined') {
    throw declineError(result.decline, { ...(result.charge && { charge: result.charge }) })
  }
  if (result.kind === 'needs_authentication') {
    throw new StripeError(402, 'This card asks for 3-D Secure: authenticate the payment.', {
      type: 'card_error',
      code: 'authentication_required',
      declineCode: 'authentication_required',
    })
  }
  intent.customer = customer.id
  const charge = world.store.charges.get(idOrNull(intent.latest_charge) ?? '')
  if (charge) charge.customer = customer.id
  return intent
}

function intentOf(
  world: World,
  { session, plan, customer }: FirstPayment,
  amount: number,
): Stripe.PaymentIntent {
  const earlier = plan.paymentIntent && world.store.paymentIntents.get(plan.paymentIntent)
  if (earlier) return earlier
  const intent = buildPaymentIntent({
    amount,
    currency: session.currency ?? 'usd',
    customer: customer.id,
    description: 'Subscription creation',
    created: world.now(idOrNull(session.customer)),
  })
  if (session.customer === null) intent.customer = null
  world.store.paymentIntents.set(intent.id, intent)
  plan.paymentIntent = intent.id
  world.emit('payment_intent.created', intent)
  return intent
}
