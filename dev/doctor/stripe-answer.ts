// How Stripe's refusals read in a finding.
import Stripe from 'stripe'
import type { Finding } from './finding.ts'
import { LIMIT_MS } from './patient.ts'

/** One attempt, and no longer than a check may take. */
export const ONCE: Stripe.RequestOptions = { timeout: LIMIT_MS, maxNetworkRetries: 0 }

/** What could not be read. A key that may not is a warning: the Worker itself has no need to. */
export function unread(item: string, what: string, error: unknown): Finding {
  if (error instanceof Stripe.errors.StripePermissionError) {
    const todo = `look in the dashboard, or give the restricted key Read on ${what}`
    return { level: 'warn', item, says: `not checked: the key may not read ${what}`, todo }
  }
  return {
    level: 'fail',
    item,
    says: `${what} cannot be read: ${reasonOf(error)}`,
    todo: 'try again',
  }
}

export function reasonOf(error: unknown): string {
  if (error instanceof Stripe.errors.StripeConnectionError) return 'Stripe did not answer'
  return error instanceof Error ? error.message.slice(0, 160) : String(error)
}
