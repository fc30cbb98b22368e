// Payment methods: cards alone.
import { createHash } from 'node:crypto'
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'

export interface NewCard {
  number: string
  expMonth: number
  expYear: number
  billing?: { email: string | null; name: string | null }
  metadata?: Record<string, string>
  created: number
}

export function buildCardPaymentMethod(fields: NewCard): Stripe.PaymentMethod {
  const brand = brandOf(fields.number)
  return {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: {
      address: {
        city: null,
        country: null,
        line1: null,
        line2: null,
        postal_code: null,
        state: null,
      },
      email: fields.billing?.email ?? null,
      name: fields.billing?.name ?? null,
      phone: null,
      tax_id: null,
    },
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: brand,
      exp_month: fields.expMonth,
      exp_year: fields.expYear,
      fingerprint: createHash('sha256').update(fields.number).digest('base64url').slice(0, 16),
      funding: 'credit',
      generated_from: null,
      last4: fields.number.slice(-4),
      networks: { available: [brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: fields.created,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: fields.metadata ?? {},
    type: 'card',
  }
}

function brandOf(number: string): string {
  if (number.startsWith('4')) return 'visa'
  if (/^3[47]/.test(number)) return 'amex'
  if (/^(5[1-5]|2[2-7])/.test(number)) return 'mastercard'
  if (/^6/.test(number)) return 'discover'
  return 'unknown'
}
