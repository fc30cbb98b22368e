// Stripe-Version: which versions exist, and how an object looked before basil (2025-03-31).
import { invalid } from './errors.ts'
import { VERSION_NAMES } from './version-names.ts'
import { API_VERSION } from './world.ts'

/** A version that a client or an endpoint is pinned to. */
export interface Version {
  name: string
  /** Before 2022-11-15: a charge lists its refunds unasked. */
  listsRefunds: boolean
  /** Before 2025-03-31.basil: the period on the subscription, the subscription on the invoice. */
  beforeBasil: boolean
  /** Before 2025-09-30.clover: billing mode `classic` unless asked otherwise. */
  beforeClover: boolean
  /** Before 2026-09-30.endive: `billing_cycle_anchor` as a word, `payment_method_types` in Checkout. */
  beforeEndive: boolean
}

/**
 * Reads a `Stripe-Version` header or an endpoint's `api_version`.
 * @throws StripeError 400 when there is no version of that name
 */
export function parseVersion(name: string | null | undefined): Version {
  const wanted = name ?? API_VERSION
  if (!VERSION_NAMES.includes(wanted)) {
    throw invalid(`Invalid Stripe API version: ${wanted}`, { param: 'Stripe-Version' })
  }
  const day = wanted.slice(0, 10)
  return {
    name: wanted,
    listsRefunds: day < '2022-11-15',
    beforeBasil: day < '2025-03-31',
    beforeClover: day < '2025-09-30',
    beforeEndive: day < '2026-09-30',
  }
}
