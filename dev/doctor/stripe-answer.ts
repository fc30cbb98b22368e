// How Stripe's refusals read in a finding.
import Stripe from 'stripe'
import type { Finding } from './finding.ts'
import { LIMIT_MS } from './patient.ts'

/** One attempt, and no longer than a check may take. */
export const ONCE: Stripe.RequestOptions = { timeout: LIMIT_MS, maxNetworkRetries: 0 }

/**
 * What could not be read.
 * @param needed whether the Worker itself reads it: to a key that may not, a warning is enough for all else
 */
export function unread(item: string, what: string, error: unknown, needed = false): Finding {
  if (error instanceof Stripe.errors.StripePermissionError) {
    const todo = needed
      ? `give the restricted key Read on ${what}: the reconciliation needs it`
      : `look in the dashboard, or give the restricted key Read on ${what}`
    return {
      level: needed ? 'fail' : 'warn',
      item,
      says: `not checked: the key may not read ${what}`,
      todo,
    }
  }
  return {
    level: 'fail',
    item,
    says: `${what} cannot be read: ${reasonOf(error)}`,
    todo: 'try again',
  }
}

/** What is wrong with an id that the account does not have; undefined for any other failure. */
export function absenceOf(id: string, error: unknown): string | undefined {
  if (!(error instanceof Stripe.errors.StripeError) || error.code !== 'resource_missing') return
  // Stripe's own words: "a similar object exists in live mode, but a test mode key was used".
  const other = /exists in (live|test) mode/.exec(error.message)?.[1]
  if (!other) return `${id} does not exist in this account`
  return `${id} exists in ${other} mode, which is not the key's`
}

export function reasonOf(error: unknown): string {
  if (error instanceof Stripe.errors.StripeConnectionError) return 'Stripe did not answer'
  return error instanceof Error ? error.message.slice(0, 160) : String(error)
}
