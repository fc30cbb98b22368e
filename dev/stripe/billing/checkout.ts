// Paying a Checkout session: the card first, and only then the subscription and its invoice.
import type { Stripe } from 'stripe'
import { type CardNumbers, declineError } from '../cards.ts'
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

/**
 * Pays an open session by card. Nothing remains of a declined try but the failed payment.
 * @returns the success URL with the session's id in it
 * @throws StripeError 402 for the card, 400 when the session is not open, 404 when there is none
 */
export function payCheckoutSession(
  world: World,
  sessionId: string,
  card: CardNumbers,
  buyer: Buyer,
): string {
  const session = find(world.store.checkoutSessions, 'checkout.session', sessionId, 'id')
  if (session.status !== 'open') {
    throw invalid(`This Checkout Session is ${session.status}; only an open one can be paid.`, {
      code: 'checkout_session_not_open',
    })
  }
  const known = idOrNull(session.customer)
  if (known !== null && world.store.deletedCustomers.has(known)) {
    throw invalid('The customer of this Checkout Session has been deleted.', {
      code: 'customer_deleted',
    })
  }
  const plan = find(world.store.checkoutPlans, 'checkout.session', sessionId, 'id')
  const email = session.customer_details?.email ?? buyer.email ?? null
  const method = cardFromNumbers(world, card, { email, name: buyer.name ?? null }, known)
  const customer =
    known === null ? newCustomer(world, email, buyer) : findCustomer(world, known, 'customer')
  const intent = collectFirstPayment(
    world,
    session,
    plan,
    customer,
    method,
    buyer.authenticated ?? false,
  )
  if (intent === null) requireAttachable(world, method)
  if (known === null) {
    world.store.customers.set(customer.id, customer)
    world.emit('customer.created', customer)
  }
  attachCard(world, method, customer.id)
  rememberAuthentication(world, method)
  const trialEnd = plan.trialEnd ?? trialOf(plan, world.now(customer.id))
  const { subscription } = createSubscription(world, {
    customer,
    items: plan.lineItems.flatMap(({ price, quantity }) =>
      price ? [{ price, quantity: quantity ?? 1, metadata: {} }] : [],
    ),
    metadata: plan.subscriptionMetadata,
    billingMode: plan.billingMode,
    description: plan.description,
    defaultPaymentMethod: method.id,
    trialEnd,
    anchor: null,
    missingPaymentMethod: plan.missingPaymentMethod,
    collectionMethod: 'charge_automatically',
    saveDefaultPaymentMethod: 'off',
    cancelAtPeriodEnd: false,
    cancelAt: null,
    payment: { kind: 'collected', intent },
  })
  Object.assign(session, {
    customer: customer.id,
    customer_details: customerDetails(email, buyer.name ?? customer.name ?? null),
    invoice: idOrNull(subscription.latest_invoice),
    payment_status: intent || trialEnd === null ? 'paid' : 'no_payment_required',
    status: 'complete',
    subscription: subscription.id,
    url: null,
  })
  world.emit('checkout.session.completed', session)
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id)
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

/** @returns null when the first period costs nothing (a trial, a free price) */
function collectFirstPayment(
  world: World,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  customer: Stripe.Customer,
  method: Stripe.PaymentMethod,
  authenticated: boolean,
): Stripe.PaymentIntent | null {
  const isTrial = plan.trialEnd !== null || plan.trialPeriodDays !== null
  const amount = settleBalance(session.amount_total ?? 0, customer.balance).amountDue
  if (isTrial || amount === 0) return null
  const intent = intentOf(world, session, plan, customer, amount)
  const result = confirmIntent(world, intent, method, { inCheckout: true, authenticated })
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
  return intent
}

function intentOf(
  world: World,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  customer: Stripe.Customer,
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

/** The trial's end, counted from now. */
export function trialOf(
  { trialPeriodDays }: { trialPeriodDays: number | null },
  now: number,
): number | null {
  return trialPeriodDays === null ? null : now + trialPeriodDays * DAY
}
