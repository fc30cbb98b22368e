// What a person reads when a command cannot do its work: what is wrong, and what to do. Never a secret.
import Stripe from 'stripe'
import { databaseFault } from '../src/data/db.ts'
import { ConfigError } from '../src/env.ts'
import { errorFields } from '../src/log.ts'

/** A command that was called wrongly, or at a wrong time: its message says all. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export function explained(error: unknown): string {
  if (error instanceof UsageError || isOwn(error)) return error.message
  if (error instanceof ConfigError) {
    return [
      'The configuration is incomplete:',
      ...error.problems.map((problem) => `  ${problem}`),
      'Start `npm run dev` (it serves everything on this machine), or put your own into .dev.vars: .dev.vars.example lists them. `npm run doctor` checks each.',
    ].join('\n')
  }
  if (isArgumentError(error)) return `${error.message}\nTry --help.`
  if (databaseFault(error)?.unavailable) {
    return 'The database does not answer: check DATABASE_URL, and that `npm run dev` or the server runs.'
  }
  const { error: name, message } = errorFields(error)
  if (error instanceof Stripe.errors.StripeError) return refusal(error, String(message))
  return `${name}: ${message}`
}

function refusal(error: Stripe.errors.StripeError, message: string): string {
  const { errors } = Stripe
  if (error instanceof errors.StripeAuthenticationError) {
    return 'Stripe does not know this STRIPE_SECRET_KEY: it may have been rolled or cut short. Copy it again from https://dashboard.stripe.com/apikeys.'
  }
  if (error instanceof errors.StripePermissionError) {
    return `Stripe refuses this to a restricted key: ${message}`
  }
  if (error instanceof errors.StripeConnectionError) {
    return 'Stripe does not answer: check the network and https://status.stripe.com. Where STRIPE_API_BASE is the local simulator’s, start `npm run dev`, or take it out to use Stripe itself.'
  }
  if (error instanceof errors.StripeRateLimitError) {
    return 'Stripe is asked too much at the moment. Run this again in a minute.'
  }
  return `Stripe refused: ${message}${error.requestId ? ` (request ${error.requestId})` : ''}`
}

/** Thrown by a command in words for a person; libraries throw classes of their own, or wrap a cause. */
function isOwn(error: unknown): error is Error {
  return error instanceof Error && error.constructor === Error && error.cause === undefined
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^ERR_PARSE_ARGS/.test(String(error.code))
}
