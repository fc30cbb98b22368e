// Cards on file: made from what was typed or from a test id, attached to a customer, made the default.
import type { Stripe } from 'stripe'
import { type CardNumbers, checkCard } from '../card-numbers.ts'
import {
  behaviourOf,
  type CardBehaviour,
  declineError,
  refusalToAttach,
  testCardById,
} from '../cards.ts'
import { findCustomer, idOrNull } from '../lookup.ts'
import { buildCardPaymentMethod } from '../objects/payment-method.ts'
import type { World } from '../world.ts'

/**
 * A payment method of a typed card, not yet attached.
 * @throws StripeError 402 when the numbers cannot be right
 */
export function cardFromNumbers(
  world: World,
  card: CardNumbers,
  billing: { email: string | null; name: string | null },
  owner: string | null,
): Stripe.PaymentMethod {
  const { number, expYear } = checkCard(card, world.now(owner))
  return keep(world, behaviourOf(number), {
    number,
    expMonth: card.expMonth,
    expYear,
    billing,
    created: world.now(owner),
  })
}

/**
 * The payment method behind an id. `pm_card_visa` and its like make a new one at each use.
 * @returns undefined when there is none
 */
export function paymentMethodById(
  world: World,
  id: string,
  owner: string | null,
): Stripe.PaymentMethod | undefined {
  const test = testCardById(id)
  if (!test) return world.store.paymentMethods.get(id)
  const created = world.now(owner)
  const expYear = new Date(created * 1000).getUTCFullYear() + 1
  return keep(world, test.behaviour, { number: test.number, expMonth: 11, expYear, created })
}

function keep(
  world: World,
  behaviour: CardBehaviour,
  card: Parameters<typeof buildCardPaymentMethod>[0],
): Stripe.PaymentMethod {
  const method = buildCardPaymentMethod(card)
  world.store.paymentMethods.set(method.id, method)
  world.store.cardBehaviours.set(method.id, behaviour)
  return method
}

/**
 * Stripe asks the bank before it saves a card: one that is always declined is refused.
 * @throws StripeError 402
 */
export function requireAttachable(world: World, method: Stripe.PaymentMethod): void {
  const refusal = refusalToAttach(world.store.cardBehaviours.get(method.id) ?? 'pays')
  if (refusal) throw declineError(refusal)
}

/**
 * Attaches a card to a customer.
 * @throws StripeError 402
 */
export function attachCard(world: World, method: Stripe.PaymentMethod, customerId: string): void {
  if (idOrNull(method.customer) === customerId) return
  requireAttachable(world, method)
  method.customer = customerId
  world.emit('payment_method.attached', method)
}

/**
 * The buyer saved the card on one of Stripe's pages, which see to 3-D Secure: a card that asks for it
 * once is charged without the buyer from then on.
 */
export function rememberAuthentication(world: World, method: Stripe.PaymentMethod): void {
  const { cardBehaviours } = world.store
  if (cardBehaviours.get(method.id) === 'needs_authentication_once') {
    cardBehaviours.set(method.id, 'pays')
  }
}

/** Detaches a card, and forgets it wherever it was the default. */
export function detachCard(world: World, method: Stripe.PaymentMethod): void {
  const customerId = idOrNull(method.customer)
  if (customerId === null) return
  const customer = findCustomer(world, customerId, 'customer')
  if (idOrNull(customer.invoice_settings.default_payment_method) === method.id) {
    setDefaultCard(world, customer, null)
  }
  for (const subscription of world.store.subscriptions.values()) {
    if (idOrNull(subscription.default_payment_method) !== method.id) continue
    if (subscription.ended_at !== null) continue
    world.update(subscription, 'customer.subscription.updated', (changed) => {
      changed.default_payment_method = null
    })
  }
  world.update(method, 'payment_method.detached', (changed) => {
    changed.customer = null
  })
}

export function setDefaultCard(
  world: World,
  customer: Stripe.Customer,
  methodId: string | null,
): void {
  world.update(customer, 'customer.updated', (changed) => {
    changed.invoice_settings.default_payment_method = methodId
  })
}
