// What Stripe's errors mean to us.
import Stripe from 'stripe'

/**
 * Stripe did not do what was asked, and no caller of ours expected that: it is away, overloaded, busy with the same
 * request, or refuses our key, our price or our parameters. To whoever called us it is the same; the log tells us.
 */
export function isStripeFault(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeError
}

/** Stripe says that the object named by `param` does not exist (any more). */
export function isMissing(thrown: unknown, param: string): boolean {
  return (
    thrown instanceof Stripe.errors.StripeInvalidRequestError &&
    thrown.code === 'resource_missing' &&
    thrown.param === param
  )
}

/** Stripe has no such customer (any more), whether it was asked for it or for something of it. */
export function isCustomerMissing(thrown: unknown): boolean {
  return isMissing(thrown, 'id') || isMissing(thrown, 'customer')
}

/** Stripe refused the request itself. */
export function isRefused(thrown: unknown): boolean {
  return thrown instanceof Stripe.errors.StripeInvalidRequestError
}

/** Stripe does nothing for us at the moment, whatever is asked: it is away, overloaded, or refuses our key. */
export function isStripeAway(thrown: unknown): boolean {
  const { errors } = Stripe
  if (!(thrown instanceof errors.StripeError)) return false
  const { statusCode = 0 } = thrown
  return (
    thrown instanceof errors.StripeConnectionError ||
    thrown instanceof errors.StripeAuthenticationError ||
    statusCode === 429 ||
    statusCode >= 500
  )
}
