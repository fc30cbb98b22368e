// A subscription that somebody makes in the dashboard: no Checkout, no metadata of the app's.
import type { Stripe } from 'stripe'
import { cardError } from '../card-numbers.ts'
import { idOrNull } from '../lookup.ts'
import type { World } from '../world.ts'
import { createSubscription, requireOneCurrency } from './create-subscription.ts'

const DAY = 86_400

export interface ByHand {
  /** Sends invoices that are due after so many days; without it the card on file is charged. */
  daysUntilDue?: number
  trialDays?: number
}

/**
 * The subscription is `incomplete` when the card was refused.
 * @throws StripeError 402 `no_payment_method`, 400 when the price cannot be subscribed to
 */
export function subscribeByHand(
  world: World,
  customer: Stripe.Customer,
  price: Stripe.Price,
  { daysUntilDue, trialDays }: ByHand,
): Stripe.Subscription {
  requireOneCurrency(world, customer.id, price.currency)
  const sent = daysUntilDue !== undefined
  const trialEnd = trialDays === undefined ? null : world.now(customer.id) + trialDays * DAY
  const card = sent ? null : cardOnFile(world, customer)
  if (!sent && card === null && trialEnd === null && price.unit_amount !== 0) {
    throw cardError('There is no card on file.', 'no_payment_method')
  }
  const { subscription } = createSubscription(world, {
    customer,
    items: [{ price, quantity: 1, metadata: {} }],
    metadata: {},
    billingMode: 'flexible',
    description: null,
    defaultPaymentMethod: card,
    trialEnd,
    anchor: null,
    daysUntilDue: daysUntilDue ?? null,
    missingPaymentMethod: 'create_invoice',
    collectionMethod: sent ? 'send_invoice' : 'charge_automatically',
    saveDefaultPaymentMethod: 'off',
    cancelAtPeriodEnd: false,
    cancelAt: null,
    payment: { kind: 'charge' },
  })
  return subscription
}

/** The customer's default, else the card that was attached last. */
function cardOnFile({ store }: World, customer: Stripe.Customer): string | null {
  const preferred = idOrNull(customer.invoice_settings.default_payment_method)
  const theirs = [...store.paymentMethods.values()].filter(
    (method) => idOrNull(method.customer) === customer.id,
  )
  return preferred ?? theirs.at(-1)?.id ?? null
}
