// What a person reads when a command cannot do its work: what is wrong, and what to do. Never a secret.
import Stripe from 'stripe'
import { databaseFault } from '../src/data/db.ts'
import { ConfigError } from '../src/env.ts'
import { errorFields } from '../src/log.ts'

/** Its message says all. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export function explained(error: unknown): string {
  if (error instanceof UsageError) return error.message
  if (error instanceof ConfigError) {
    return [
      'The configuration is incomplete:',
      ...error.problems.map((problem) => `  ${problem}`),
      'Start `npm run dev` (it serves everything on this machine), or put your own into .dev.vars: .dev.vars.example lists them. `npm run doctor` checks each.',
    ].join('\n')
  }
  if (isArgumentError(error)) return `${error.message}\nTry --help.`
  const { error: name, message } = errorFields(error)
  if (error instanceof Stripe.errors.StripeAuthenticationError) {
    return 'Stripe refuses the key: check STRIPE_SECRET_KEY (https://dashboard.stripe.com/apikeys).'
  }
  if (error instanceof Stripe.errors.StripePermissionError) {
    return `Stripe refuses this to a restricted key: ${message}`
  }
  if (error instanceof Stripe.errors.StripeConnectionError) {
    return `Stripe does not answer: ${message} Where STRIPE_API_BASE is the local simulator's, start \`npm run dev\`.`
  }
  if (databaseFault(error)?.unavailable) {
    return 'The database does not answer: check DATABASE_URL, and that `npm run dev` or the server runs.'
  }
  return `${name}: ${message}`
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^ERR_PARSE_ARGS/.test(String(error.code))
}
