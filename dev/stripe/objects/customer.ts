// Customers.
import type { Stripe } from 'stripe'
import { base62, newId } from '../ids.ts'

export interface NewCustomer {
  address?: Stripe.Address | null
  balance?: number
  description?: string | null
  email?: string | null
  metadata: Record<string, string>
  name?: string | null
  phone?: string | null
  preferred_locales?: string[]
  test_clock?: string
  created: number
}

export function buildCustomer(fields: NewCustomer): Stripe.Customer {
  return {
    id: newId('cus'),
    object: 'customer',
    address: fields.address ?? null,
    balance: fields.balance ?? 0,
    created: fields.created,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: fields.description ?? null,
    discount: null,
    email: fields.email ?? null,
    invoice_prefix: base62(8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: fields.metadata,
    name: fields.name ?? null,
    next_invoice_sequence: 1,
    phone: fields.phone ?? null,
    preferred_locales: fields.preferred_locales ?? [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: fields.test_clock ?? null,
  }
}
