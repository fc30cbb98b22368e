// POST /v1/checkout/sessions, in subscription mode.
import type { Stripe } from 'stripe'
import { commonInterval, requireOneCurrency } from '../billing/create-subscription.ts'
import { invalid } from '../errors.ts'
import { findActivePrice, findCustomer, idOf, productName } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { buildCheckoutSession, buildLineItem } from '../objects/checkout-session.ts'
import type { Values } from '../params.ts'
import { route } from '../route.ts'
import type { CheckoutPlan } from '../store.ts'
import { checkoutUrl } from '../urls.ts'
import type { Version } from '../versions.ts'
import type { World } from '../world.ts'
import { shape } from './checkout-session-shape.ts'

const DAY = 86_400
const HALF_HOUR = 1800

type Params = Values<typeof shape>

export const checkoutSessionCreate = route(
  'POST /v1/checkout/sessions',
  'checkout.session',
  shape,
  ({ world, params, version }) => {
    requireSupported(params, version)
    requireOneOf(params, 'customer', 'customer_email')
    const customer =
      params.customer === undefined ? null : findCustomer(world, params.customer, 'customer')
    const now = world.now(customer?.id ?? null)
    const lineItems = lineItemsOf(world, params)
    if (customer) requireOneCurrency(world, customer.id, lineItems[0]?.currency ?? 'usd')
    const plan = planOf(params, lineItems, version, now)
    const trial = plan.trialEnd !== null || plan.trialPeriodDays !== null
    const session = buildCheckoutSession({
      mode: params.mode,
      customer,
      customer_email: params.customer_email ?? null,
      client_reference_id: params.client_reference_id ?? null,
      metadata: mergeMetadata({}, params.metadata),
      success_url: params.success_url,
      cancel_url: params.cancel_url ?? null,
      expires_at: expiryOf(params, now),
      locale: params.locale ?? null,
      allow_promotion_codes: params.allow_promotion_codes ?? null,
      billing_address_collection: params.billing_address_collection ?? null,
      payment_method_collection: params.payment_method_collection ?? 'always',
      submit_type: params.submit_type ?? null,
      amount: trial ? 0 : lineItems.reduce((sum, item) => sum + item.amount_total, 0),
      currency: lineItems[0]?.currency ?? 'usd',
      created: now,
      urlOf: (id) => checkoutUrl(world.settings.baseUrl(), id),
    })
    world.store.checkoutPlans.set(session.id, plan)
    world.add('checkoutSessions', session)
    return session
  },
)

function requireSupported(params: Params, version: Version): void {
  if (params.mode !== 'subscription') {
    throw invalid(
      `The simulator sells subscriptions: mode=${params.mode} is not one of its modes.`,
      { param: 'mode' },
    )
  }
  if (params.payment_method_types && !version.beforeEndive) {
    throw invalid('Received unknown parameter: payment_method_types', {
      code: 'parameter_unknown',
      param: 'payment_method_types',
    })
  }
  if (params.automatic_tax?.enabled) {
    throw invalid('Stripe Tax is not set up for this account.', {
      code: 'stripe_tax_inactive',
      param: 'automatic_tax[enabled]',
    })
  }
}

function requireOneOf(params: object, first: string, second: string): void {
  if (!(first in params && second in params)) return
  throw invalid(`You may only specify one of these parameters: ${first}, ${second}.`, {
    code: 'parameters_exclusive',
    param: second,
  })
}

function lineItemsOf(world: World, params: Params): Stripe.LineItem[] {
  if (params.line_items.length === 0) {
    throw invalid('Missing required param: line_items.', {
      code: 'parameter_missing',
      param: 'line_items',
    })
  }
  const chosen = params.line_items.map(({ price, quantity }, index) => ({
    price: purchasable(world, price, `line_items[${index}][price]`),
    quantity: requireQuantity(quantity, index),
  }))
  if (!chosen.some(({ price }) => price.recurring)) {
    throw invalid(
      'You must provide at least one recurring price in `subscription` mode when using prices.',
      { param: 'mode' },
    )
  }
  commonInterval(chosen)
  return chosen.map(({ price, quantity }) =>
    buildLineItem(price, quantity, productName(world, price)),
  )
}

function purchasable(world: World, id: string, param: string): Stripe.Price {
  const price = findActivePrice(world, id, param)
  if (world.store.products.get(idOf(price.product))?.active !== false) return price
  throw invalid(
    `Price \`${id}\` is not available to be purchased because its product is not active.`,
    { param },
  )
}

function requireQuantity(quantity: number | undefined, index: number): number {
  if (quantity !== undefined) return quantity
  throw invalid(`Quantity is required. Add \`quantity\` to \`line_items[${index}]\``, {
    code: 'parameter_missing',
    param: `line_items[${index}][quantity]`,
  })
}

function planOf(
  params: Params,
  lineItems: Stripe.LineItem[],
  version: Version,
  now: number,
): CheckoutPlan {
  const data = params.subscription_data ?? {}
  requireOneOf(data, 'trial_period_days', 'trial_end')
  if (data.trial_end !== undefined && data.trial_end < now + 2 * DAY) {
    throw invalid('The `trial_end` date has to be at least 2 days in the future.', {
      param: 'subscription_data[trial_end]',
    })
  }
  return {
    lineItems,
    subscriptionMetadata: mergeMetadata({}, data.metadata),
    trialEnd: data.trial_end ?? null,
    trialPeriodDays: data.trial_period_days ?? null,
    missingPaymentMethod:
      data.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
    billingMode: data.billing_mode?.type ?? (version.beforeClover ? 'classic' : 'flexible'),
    description: data.description ?? null,
    paymentIntent: null,
  }
}

function expiryOf(params: Params, now: number): number {
  const expiresAt = params.expires_at ?? now + DAY
  if (expiresAt >= now + HALF_HOUR && expiresAt <= now + DAY) return expiresAt
  throw invalid(
    'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
    { param: 'expires_at' },
  )
}
