// Stripe-Version: which versions exist, and how an object looked before basil (2025-03-31).
import { invalid } from './errors.ts'
import { API_VERSION } from './world.ts'

/** A version that a client or an endpoint is pinned to. */
export interface Version {
  name: string
  /** Before 2025-03-31.basil: the period on the subscription, the subscription on the invoice. */
  beforeBasil: boolean
  /** Before 2025-09-30.clover: billing mode `classic` unless asked otherwise. */
  beforeClover: boolean
  /** Before 2026-09-30.endive: `billing_cycle_anchor` as a word, `payment_method_types` in Checkout. */
  beforeEndive: boolean
}

/**
 * Reads a `Stripe-Version` header or an endpoint's `api_version`.
 * @throws StripeError 400 when it is not of the form `2024-06-20` or `2025-03-31.basil`, or is to come
 */
export function parseVersion(name: string | null | undefined): Version {
  const wanted = name ?? API_VERSION
  const match = wanted.match(/^(\d{4}-\d{2}-\d{2})(\.[a-z]+)?$/)
  const day = match?.[1] ?? ''
  const isDay = !Number.isNaN(Date.parse(`${day}T00:00:00Z`))
  const isNamed = day >= '2024-09-30'
  const known = day >= '2011-01-01' && day <= API_VERSION.slice(0, 10)
  if (!match || !isDay || !known || isNamed !== (match[2] !== undefined)) {
    throw invalid(`Invalid Stripe API version: ${wanted}`, { param: 'Stripe-Version' })
  }
  return {
    name: wanted,
    beforeBasil: day < '2025-03-31',
    beforeClover: day < '2025-09-30',
    beforeEndive: day < '2026-09-30',
  }
}
