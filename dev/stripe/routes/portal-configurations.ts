// /v1/billing_portal/configurations
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, findActivePrice, idOf } from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { buildPortalConfiguration, noFeatures } from '../objects/portal.ts'
import { listParams, paginate } from '../pagination.ts'
import {
  array,
  boolean,
  emptyable,
  metadata,
  notSimulated,
  object,
  oneOf,
  required,
  string,
  type Values,
} from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import { url } from './fields.ts'

type Configuration = Stripe.BillingPortal.Configuration

const KIND = 'billing_portal.configuration'

const prorationBehavior = oneOf(['always_invoice', 'create_prorations', 'none'])

const featureShape = {
  customer_update: object({
    allowed_updates: emptyable(
      array(oneOf(['address', 'email', 'name', 'phone', 'shipping', 'tax_id'])),
    ),
    enabled: boolean(),
  }),
  invoice_history: object({ enabled: required(boolean()) }),
  payment_method_update: object({ enabled: required(boolean()) }),
  subscription_cancel: object({
    cancellation_reason: object({
      enabled: required(boolean()),
      options: emptyable(
        array(
          oneOf([
            'customer_service',
            'low_quality',
            'missing_features',
            'other',
            'switched_service',
            'too_complex',
            'too_expensive',
            'unused',
          ]),
        ),
      ),
    }),
    enabled: boolean(),
    mode: oneOf(['at_period_end', 'immediately']),
    proration_behavior: prorationBehavior,
  }),
  subscription_update: object({
    default_allowed_updates: emptyable(array(oneOf(['price', 'promotion_code', 'quantity']))),
    enabled: boolean(),
    products: emptyable(
      array(
        object({
          adjustable_quantity: notSimulated(),
          prices: required(array(string())),
          product: required(string()),
        }),
        { max: 10 },
      ),
    ),
    billing_cycle_anchor: notSimulated(),
    schedule_at_period_end: notSimulated(),
    trial_update_behavior: notSimulated(),
    proration_behavior: prorationBehavior,
  }),
}

const fields = {
  business_profile: object({
    headline: emptyable(string({ max: 60 })),
    privacy_policy_url: url,
    terms_of_service_url: url,
  }),
  default_return_url: emptyable(url),
  login_page: notSimulated(),
  metadata: metadata(),
  name: emptyable(string()),
}

export const portalConfigurationRoutes: Route[] = [
  route(
    'POST /v1/billing_portal/configurations',
    KIND,
    { ...fields, features: required(object(featureShape)) },
    ({ world, params }) => {
      const configuration = buildPortalConfiguration({
        isDefault: false,
        features: mergeFeatures(world, noFeatures(), params.features),
        business_profile: {
          headline: params.business_profile?.headline ?? null,
          privacy_policy_url: params.business_profile?.privacy_policy_url ?? null,
          terms_of_service_url: params.business_profile?.terms_of_service_url ?? null,
        },
        default_return_url: params.default_return_url ?? null,
        metadata: mergeMetadata({}, params.metadata),
        name: params.name ?? null,
        created: world.wallSeconds(),
      })
      world.store.portalConfigurations.set(configuration.id, configuration)
      world.emit('billing_portal.configuration.created', configuration)
      return configuration
    },
  ),
  route('GET /v1/billing_portal/configurations/:id', KIND, {}, ({ world, id }) =>
    find(world.store.portalConfigurations, 'configuration', id, 'id'),
  ),
  route(
    'POST /v1/billing_portal/configurations/:id',
    KIND,
    { ...fields, active: boolean(), features: object(featureShape) },
    ({ world, id, params }) => {
      const configuration = find(world.store.portalConfigurations, 'configuration', id, 'id')
      if (params.active === false && configuration.is_default) {
        throw invalid('You cannot deactivate the default configuration.', { param: 'active' })
      }
      const features = mergeFeatures(world, configuration.features, params.features ?? {})
      world.update(configuration, 'billing_portal.configuration.updated', (changed) => {
        assignGiven(changed, params, ['active', 'default_return_url', 'name'])
        changed.metadata = mergeMetadata(changed.metadata ?? {}, params.metadata)
        assignGiven(changed.business_profile, params.business_profile ?? {}, [
          'headline',
          'privacy_policy_url',
          'terms_of_service_url',
        ])
        changed.features = features
        changed.updated = world.wallSeconds()
      })
      return configuration
    },
  ),
  route(
    'GET /v1/billing_portal/configurations',
    `list of ${KIND}`,
    { ...listParams, active: boolean(), is_default: boolean() },
    ({ world, params }) => {
      const found = [...world.store.portalConfigurations.values()].filter(
        ({ active, is_default }) =>
          (params.active === undefined || active === params.active) &&
          (params.is_default === undefined || is_default === params.is_default),
      )
      return paginate(
        found,
        params,
        '/v1/billing_portal/configurations',
        'configuration',
        world.store.portalConfigurations.values(),
      )
    },
  ),
]

/**
 * The features that were named take their new values; the rest stays.
 * @throws StripeError 400 when plans could be changed to nothing, or to what does not exist
 */
function mergeFeatures(
  world: World,
  current: Configuration['features'],
  wanted: Values<typeof featureShape>,
): Configuration['features'] {
  const features = structuredClone(current)
  const { customer_update: customer, subscription_cancel: cancel } = wanted
  const { subscription_update: update } = wanted
  assignGiven(features.customer_update, customer ?? {}, ['enabled'])
  if (customer?.allowed_updates !== undefined) {
    features.customer_update.allowed_updates = customer.allowed_updates ?? []
  }
  assignGiven(features.invoice_history, wanted.invoice_history ?? {}, ['enabled'])
  assignGiven(features.payment_method_update, wanted.payment_method_update ?? {}, ['enabled'])
  assignGiven(features.subscription_cancel, cancel ?? {}, ['enabled', 'mode', 'proration_behavior'])
  if (cancel?.cancellation_reason) {
    features.subscription_cancel.cancellation_reason = {
      enabled: cancel.cancellation_reason.enabled,
      feedback_options: null,
      options: cancel.cancellation_reason.options ?? [],
    }
  }
  assignGiven(features.subscription_update, update ?? {}, ['enabled', 'proration_behavior'])
  if (update?.default_allowed_updates !== undefined) {
    features.subscription_update.default_allowed_updates = update.default_allowed_updates ?? []
  }
  if (update?.products !== undefined) {
    features.subscription_update.products = (update.products ?? []).map((product) => ({
      ...product,
      adjustable_quantity: { enabled: false, maximum: null, minimum: 1 },
    }))
  }
  if (features.subscription_update.enabled) requireProducts(world, features, update?.products ?? [])
  return features
}

const PRODUCTS = 'features[subscription_update][products]'

function requireProducts(
  world: World,
  features: Configuration['features'],
  wanted: { product: string; prices: string[] }[],
): void {
  const { products } = features.subscription_update
  if (!products || products.length === 0) {
    throw invalid(`Missing required param: ${PRODUCTS}.`, {
      code: 'parameter_missing',
      param: PRODUCTS,
    })
  }
  for (const [index, { product, prices }] of wanted.entries()) {
    find(world.store.products, 'product', product, `${PRODUCTS}[${index}][product]`)
    for (const [place, id] of prices.entries()) {
      const param = `${PRODUCTS}[${index}][prices][${place}]`
      const price = findActivePrice(world, id, param)
      if (idOf(price.product) === product && price.recurring) continue
      throw invalid(`The price ${id} is not a recurring price of the product ${product}.`, {
        param,
      })
    }
  }
}
