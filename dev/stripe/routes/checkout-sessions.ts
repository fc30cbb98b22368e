// /v1/checkout/sessions, in subscription mode.
import { expireSession } from '../billing/checkout.ts'
import { commonInterval } from '../billing/create-subscription.ts'
import { invalid } from '../errors.ts'
import { find, findActivePrice, findCustomer, idOrNull, productName } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { buildCheckoutSession, buildLineItem } from '../objects/checkout-session.ts'
import { createdParam, inRange, listParams, page, paginate } from '../pagination.ts'
import {
  array,
  boolean,
  integer,
  metadata,
  object,
  oneOf,
  required,
  string,
  timestamp,
} from '../params.ts'
import { type Route, route } from '../route.ts'
import { checkoutUrl } from '../urls.ts'
import { email, url } from './fields.ts'

const DAY = 86_400
const KIND = 'checkout.session'

const trialSettings = object({
  end_behavior: required(
    object({ missing_payment_method: required(oneOf(['cancel', 'create_invoice', 'pause'])) }),
  ),
})

const createParams = {
  mode: required(oneOf(['payment', 'setup', 'subscription'])),
  allow_promotion_codes: boolean(),
  automatic_tax: object({ enabled: required(boolean()) }),
  billing_address_collection: oneOf(['auto', 'required']),
  cancel_url: url,
  client_reference_id: string({ max: 200 }),
  customer: string(),
  customer_email: email,
  expires_at: timestamp(),
  line_items: array(object({ price: required(string()), quantity: integer({ min: 1 }) }), {
    max: 20,
  }),
  locale: string(),
  metadata: metadata(),
  payment_method_collection: oneOf(['always', 'if_required']),
  payment_method_types: array(oneOf(['card'])),
  submit_type: oneOf(['auto', 'subscribe']),
  subscription_data: object({
    billing_mode: object({ type: required(oneOf(['classic', 'flexible'])) }),
    description: string({ max: 500 }),
    metadata: metadata(),
    trial_end: timestamp(),
    trial_period_days: integer({ min: 1, max: 730 }),
    trial_settings: trialSettings,
  }),
  success_url: url,
  ui_mode: oneOf(['hosted_page']),
}

export const checkoutSessionRoutes: Route[] = [
  route('POST /v1/checkout/sessions', KIND, createParams, ({ world, params, version }) => {
    const { subscription_data: data } = params
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
    if (params.success_url === undefined) {
      throw invalid('Missing required param: success_url.', {
        code: 'parameter_missing',
        param: 'success_url',
      })
    }
    if (params.customer !== undefined && params.customer_email !== undefined) {
      throw invalid('You may only specify one of these parameters: customer, customer_email.', {
        code: 'parameters_exclusive',
        param: 'customer_email',
      })
    }
    if (data?.trial_end !== undefined && data.trial_period_days !== undefined) {
      throw invalid(
        'You may only specify one of these parameters: subscription_data[trial_end], subscription_data[trial_period_days].',
        { code: 'parameters_exclusive', param: 'subscription_data[trial_end]' },
      )
    }
    const customer =
      params.customer === undefined ? null : findCustomer(world, params.customer, 'customer')
    const now = world.now(customer?.id ?? null)
    if (data?.trial_end !== undefined && data.trial_end < now + 2 * DAY) {
      throw invalid('The `trial_end` date has to be at least 2 days in the future.', {
        param: 'subscription_data[trial_end]',
      })
    }
    const expiresAt = params.expires_at ?? now + DAY
    if (expiresAt < now + 1800 || expiresAt > now + DAY) {
      throw invalid(
        'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
        { param: 'expires_at' },
      )
    }
    if (!params.line_items?.length) {
      throw invalid('Missing required param: line_items.', {
        code: 'parameter_missing',
        param: 'line_items',
      })
    }
    const items = params.line_items.map(({ price: id, quantity = 1 }, index) => {
      const price = findActivePrice(world, id, `line_items[${index}][price]`)
      return buildLineItem(price, quantity, productName(world, price))
    })
    if (!items.some(({ price }) => price?.recurring)) {
      throw invalid(
        'You must provide at least one recurring price in `subscription` mode when using prices.',
        { param: 'mode' },
      )
    }
    commonInterval(items.flatMap(({ price }) => (price ? [{ price }] : [])))
    const session = buildCheckoutSession({
      mode: params.mode,
      customer,
      customer_email: params.customer_email ?? null,
      client_reference_id: params.client_reference_id ?? null,
      metadata: mergeMetadata({}, params.metadata),
      success_url: params.success_url,
      cancel_url: params.cancel_url ?? null,
      expires_at: expiresAt,
      locale: params.locale ?? null,
      allow_promotion_codes: params.allow_promotion_codes ?? null,
      billing_address_collection: params.billing_address_collection ?? null,
      payment_method_collection: params.payment_method_collection ?? 'always',
      submit_type: params.submit_type ?? null,
      amount: items.reduce((sum, item) => sum + item.amount_total, 0),
      currency: items[0]?.currency ?? 'usd',
      created: now,
      urlOf: (id) => checkoutUrl(world.settings.baseUrl(), id),
    })
    if (data?.trial_end !== undefined || data?.trial_period_days !== undefined) {
      session.amount_subtotal = 0
      session.amount_total = 0
    }
    world.store.checkoutPlans.set(session.id, {
      lineItems: items,
      subscriptionMetadata: mergeMetadata({}, data?.metadata),
      trialEnd: data?.trial_end ?? null,
      trialPeriodDays: data?.trial_period_days ?? null,
      missingPaymentMethod:
        data?.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
      billingMode: data?.billing_mode?.type ?? (version.beforeClover ? 'classic' : 'flexible'),
      description: data?.description ?? null,
      paymentIntent: null,
    })
    world.add('checkoutSessions', session)
    return session
  }),
  route('GET /v1/checkout/sessions/:id', KIND, {}, ({ world, id }) =>
    find(world.store.checkoutSessions, KIND, id, 'id'),
  ),
  route(
    'GET /v1/checkout/sessions',
    'list of checkout.session',
    {
      ...listParams,
      created: createdParam,
      customer: string(),
      payment_intent: string(),
      status: oneOf(['complete', 'expired', 'open']),
      subscription: string(),
    },
    ({ world, params }) => {
      const found = [...world.store.checkoutSessions.values()].filter(
        (session) =>
          (params.customer === undefined || idOrNull(session.customer) === params.customer) &&
          (params.status === undefined || session.status === params.status) &&
          (params.subscription === undefined ||
            idOrNull(session.subscription) === params.subscription) &&
          (params.payment_intent === undefined ||
            idOrNull(session.payment_intent) === params.payment_intent) &&
          inRange(session.created, params.created),
      )
      return paginate(found, params, '/v1/checkout/sessions', KIND)
    },
  ),
  route(
    'POST /v1/checkout/sessions/:id',
    KIND,
    { metadata: metadata() },
    ({ world, id, params }) => {
      const session = find(world.store.checkoutSessions, KIND, id, 'id')
      session.metadata = mergeMetadata(session.metadata ?? {}, params.metadata)
      world.touch(id)
      return session
    },
  ),
  route('POST /v1/checkout/sessions/:id/expire', KIND, {}, ({ world, id }) => {
    const session = find(world.store.checkoutSessions, KIND, id, 'session')
    if (session.status !== 'open') {
      throw invalid(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status}.`,
        { param: 'session' },
      )
    }
    expireSession(world, session)
    return session
  }),
  route(
    'GET /v1/checkout/sessions/:id/line_items',
    'list of item',
    listParams,
    ({ world, id, params }) => {
      const { lineItems } = find(world.store.checkoutPlans, KIND, id, 'session')
      return page(lineItems, params, `/v1/checkout/sessions/${id}/line_items`, 'item')
    },
  ),
]
