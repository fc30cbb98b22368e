// The customer portal: sessions and configurations.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'

type Configuration = Stripe.BillingPortal.Configuration

export interface NewConfiguration {
  isDefault: boolean
  features: Stripe.BillingPortal.Configuration.Features
  business_profile: Stripe.BillingPortal.Configuration.BusinessProfile
  default_return_url: string | null
  metadata: Record<string, string>
  name: string | null
  created: number
}

export function buildPortalConfiguration(fields: NewConfiguration): Configuration {
  const id = newId('bpc')
  return {
    id,
    object: 'billing_portal.configuration',
    active: true,
    application: null,
    business_profile: fields.business_profile,
    created: fields.created,
    default_return_url: fields.default_return_url,
    features: fields.features,
    is_default: fields.isDefault,
    livemode: false,
    login_page: { enabled: false, url: null },
    metadata: fields.metadata,
    name: fields.name,
    updated: fields.created,
  }
}

/** Everything off: what a configuration that names no feature allows. */
export function noFeatures(): Stripe.BillingPortal.Configuration.Features {
  return {
    customer_update: { allowed_updates: [], enabled: false },
    invoice_history: { enabled: false },
    payment_method_update: { enabled: false, payment_method_configuration: null },
    subscription_cancel: {
      cancellation_reason: { enabled: false, feedback_options: null, options: [] },
      enabled: false,
      mode: 'at_period_end',
      proration_behavior: 'none',
    },
    subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
    subscription_update: {
      billing_cycle_anchor: 'unchanged',
      default_allowed_updates: [],
      enabled: false,
      products: [],
      proration_behavior: 'none',
      schedule_at_period_end: { conditions: [] },
      trial_update_behavior: 'end_trial',
    },
  }
}

/**
 * What the simulated account's default configuration allows: everything that needs no product. Which
 * plans may be changed to is for whoever makes them to say, as in Stripe's dashboard.
 */
export function defaultFeatures(): Stripe.BillingPortal.Configuration.Features {
  const none = noFeatures()
  return {
    ...none,
    customer_update: { allowed_updates: ['email', 'name'], enabled: true },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true, payment_method_configuration: null },
    subscription_cancel: { ...none.subscription_cancel, enabled: true },
  }
}

export interface NewPortalSession {
  customer: string
  configuration: string
  return_url: string | null
  locale: string | null
  created: number
  urlOf: (id: string) => string
}

export function buildPortalSession(fields: NewPortalSession): Stripe.BillingPortal.Session {
  const id = newId('bps')
  return {
    id,
    object: 'billing_portal.session',
    configuration: fields.configuration,
    created: fields.created,
    customer: fields.customer,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: fields.locale,
    on_behalf_of: null,
    return_url: fields.return_url,
    url: fields.urlOf(id),
  }
}
