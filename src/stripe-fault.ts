// What Stripe's errors mean to us.
import Stripe from 'stripe'

// 409: another request with the same idempotency key is still at work. 429: too many requests, or a lock.
const PASSING_STATUSES: readonly (number | undefined)[] = [409, 429]

/**
 * Stripe did not do what was asked for a reason outside of the request: away, overloaded, busy with the same
 * request, or not letting our key in. The last is ours to mend and is logged, but to the caller it is the same.
 */
export function isStripeUnavailable(thrown: unknown): boolean {
  return (
    thrown instanceof Stripe.errors.StripeConnectionError ||
    thrown instanceof Stripe.errors.StripeAPIError ||
    thrown instanceof Stripe.errors.StripeAuthenticationError ||
    thrown instanceof Stripe.errors.StripePermissionError ||
    (thrown instanceof Stripe.errors.StripeError && PASSING_STATUSES.includes(thrown.statusCode))
  )
}

/** Stripe says that the object named by `param` does not exist (any more). */
export function isMissing(thrown: unknown, param: string): boolean {
  return (
    thrown instanceof Stripe.errors.StripeInvalidRequestError &&
    thrown.code === 'resource_missing' &&
    thrown.param === param
  )
}

/** Stripe refused the request itself. */
export function isRefused(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError
}
