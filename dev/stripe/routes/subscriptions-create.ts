// POST /v1/subscriptions
import type { Stripe } from 'stripe'
import {
  commonInterval,
  createSubscription,
  requireOneCurrency,
} from '../billing/create-subscription.ts'
import { foresee } from '../billing/payments.ts'
import { declineError } from '../cards.ts'
import { invalid } from '../errors.ts'
import { findActivePrice, findCustomer, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { array, integer, object, oneOf, required, string, timestamp } from '../params.ts'
import { addIntervals } from '../periods.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import {
  itemFields,
  requireFuture,
  subscriptionFields,
  supportedBehavior,
  theirCard,
} from './subscription-fields.ts'

const DAY = 86_400

export const subscriptionCreateRoutes: Route[] = [
  route(
    'POST /v1/subscriptions',
    'subscription',
    {
      ...subscriptionFields,
      billing_cycle_anchor: timestamp(),
      billing_mode: object({ type: required(oneOf(['classic', 'flexible'])) }),
      collection_method: oneOf(['charge_automatically', 'send_invoice']),
      customer: required(string()),
      days_until_due: integer({ min: 0, max: 365 }),
      items: required(array(object({ ...itemFields, price: required(string()) }), { max: 20 })),
      trial_period_days: integer({ min: 0, max: 730 }),
    },
    ({ world, params, version }) => {
      const customer = findCustomer(world, params.customer, 'customer')
      const now = world.now(customer.id)
      if (params.trial_end !== undefined && params.trial_period_days !== undefined) {
        throw invalid(
          'You may only specify one of these parameters: trial_end, trial_period_days.',
          { code: 'parameters_exclusive', param: 'trial_end' },
        )
      }
      const trialEnd = trialEndOf(params.trial_end, params.trial_period_days, now)
      const items = params.items.map((item, index) => ({
        price: findActivePrice(world, item.price, `items[${index}][price]`),
        quantity: item.quantity ?? 1,
        metadata: mergeMetadata({}, item.metadata),
      }))
      const { billing_cycle_anchor: anchor = null, cancel_at: cancelAt = null } = params
      const stub = anchor === null || trialEnd !== null ? null : stubTo(anchor, items, now)
      if (typeof cancelAt === 'number') requireFuture(cancelAt, now, 'cancel_at')
      const free = stub !== null && params.proration_behavior === 'none'
      requireOneCurrency(world, customer.id, items[0]?.price.currency ?? 'usd')
      const daysUntilDue = dueDaysOf(params)
      const behavior = supportedBehavior(params.payment_behavior)
      const card = params.default_payment_method
        ? theirCard(world, params.default_payment_method, customer)
        : null
      const sendInvoice = params.collection_method === 'send_invoice'
      const charges =
        trialEnd === null &&
        !sendInvoice &&
        !free &&
        items.some(({ price, quantity }) => (price.unit_amount ?? 0) * quantity > 0)
      const onFile = card ?? idOrNull(customer.invoice_settings.default_payment_method)
      if (charges && behavior !== 'default_incomplete') {
        requireCardOnFile(onFile)
        if (behavior === 'error_if_incomplete') requirePayment(world, onFile ?? '', customer.id)
      }
      const { subscription } = createSubscription(world, {
        customer,
        items,
        metadata: mergeMetadata({}, params.metadata),
        billingMode: params.billing_mode?.type ?? (version.beforeClover ? 'classic' : 'flexible'),
        description: params.description ?? null,
        defaultPaymentMethod: card,
        trialEnd,
        anchor,
        freeStub: free,
        missingPaymentMethod:
          params.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
        daysUntilDue,
        collectionMethod: params.collection_method ?? 'charge_automatically',
        saveDefaultPaymentMethod: params.payment_settings?.save_default_payment_method ?? 'off',
        cancelAtPeriodEnd: params.cancel_at_period_end ?? false,
        cancelAt: typeof cancelAt === 'string' ? 'period_end' : cancelAt,
        payment: { kind: behavior === 'default_incomplete' ? 'wait' : 'charge' },
      })
      return subscription
    },
  ),
]

function trialEndOf(
  end: number | 'now' | undefined,
  days: number | undefined,
  now: number,
): number | null {
  if (days !== undefined) return days === 0 ? null : now + days * DAY
  if (typeof end !== 'number') return null
  requireFuture(end, now, 'trial_end')
  return end
}

/** The anchor lies ahead, and no later than the first renewal would. @throws StripeError 400 */
function stubTo(anchor: number, items: { price: Stripe.Price }[], now: number): number {
  requireFuture(anchor, now, 'billing_cycle_anchor')
  const renewal = addIntervals(now, commonInterval(items), 1)
  if (anchor <= renewal) return anchor
  throw invalid(
    `billing_cycle_anchor cannot be later than the next natural billing date (${renewal}) for the plan.`,
    { param: 'billing_cycle_anchor' },
  )
}

/** Invoices that are sent say when they are due; those that are charged do not. */
function dueDaysOf(params: {
  collection_method?: 'charge_automatically' | 'send_invoice'
  days_until_due?: number
}): number | null {
  const { collection_method: method, days_until_due: days } = params
  const sent = method === 'send_invoice'
  if (sent === (days !== undefined)) return days ?? null
  throw invalid(
    sent
      ? 'If you use collection_method=send_invoice, you must say in days_until_due when its invoices are due.'
      : 'You can only set days_until_due with collection_method=send_invoice.',
    { ...(sent && { code: 'parameter_missing' }), param: 'days_until_due' },
  )
}

function requireCardOnFile(card: string | null): void {
  if (card !== null) return
  throw invalid(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
    { code: 'resource_missing' },
  )
}

function requirePayment(world: World, card: string, customerId: string): void {
  const outcome = foresee(world, card, customerId)
  if (outcome.kind === 'declined') throw declineError(outcome.decline)
  if (outcome.kind === 'needs_authentication') {
    throw invalid('Payment for this subscription requires additional user action.', {
      code: 'subscription_payment_intent_requires_action',
    })
  }
}
