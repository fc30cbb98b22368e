// Products, prices, and the plan that a price still shows on a subscription item.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'
import { decimal } from '../money.ts'

export interface NewProduct {
  id?: string
  name: string
  active?: boolean
  description?: string | null
  images?: string[]
  metadata: Record<string, string>
  statement_descriptor?: string
  unit_label?: string
  url?: string
  created: number
}

export function buildProduct(fields: NewProduct): Stripe.Product {
  return {
    id: fields.id ?? newId('prod'),
    object: 'product',
    active: fields.active ?? true,
    created: fields.created,
    default_price: null,
    description: fields.description ?? null,
    images: fields.images ?? [],
    livemode: false,
    marketing_features: [],
    metadata: fields.metadata,
    name: fields.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: fields.statement_descriptor ?? null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: fields.unit_label ?? null,
    updated: fields.created,
    url: fields.url ?? null,
  }
}

export interface NewPrice {
  active?: boolean
  currency: string
  lookup_key?: string | null
  metadata: Record<string, string>
  nickname?: string | null
  product: string
  recurring: { interval: Stripe.Price.Recurring.Interval; interval_count: number } | null
  tax_behavior?: Stripe.Price.TaxBehavior
  unit_amount: number
  created: number
}

export function buildPrice(fields: NewPrice): Stripe.Price {
  return {
    id: newId('price'),
    object: 'price',
    active: fields.active ?? true,
    billing_scheme: 'per_unit',
    created: fields.created,
    currency: fields.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: fields.lookup_key ?? null,
    metadata: fields.metadata,
    nickname: fields.nickname ?? null,
    product: fields.product,
    recurring: fields.recurring && {
      ...fields.recurring,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed',
    },
    tax_behavior: fields.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: fields.recurring ? 'recurring' : 'one_time',
    unit_amount: fields.unit_amount,
    unit_amount_decimal: decimal(fields.unit_amount),
  }
}

/** The same price in the shape of the older Plan. */
export function planOf(price: Stripe.Price): Stripe.Plan {
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? 'month',
    interval_count: price.recurring?.interval_count ?? 1,
    livemode: false,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: typeof price.product === 'string' ? price.product : price.product.id,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  }
}
