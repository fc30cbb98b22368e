// What a failure means, and what to do next.
import Stripe from 'stripe'
import type { Account } from './account.ts'
import { dashboardOf } from './plan.ts'

const RIGHTS = 'Products, Prices, Webhook Endpoints and Customer Portal'

/** One message for a person, without any key. */
export function explain(thrown: unknown, account: Account): string {
  return words(thrown, account).replaceAll(account.secretKey, '…')
}

function words(thrown: unknown, { apiBase, live, local }: Account): string {
  const { errors } = Stripe
  const keys = `${dashboardOf(live)}/apikeys`
  if (thrown instanceof errors.StripeConnectionError) {
    if (!apiBase)
      return 'Stripe does not answer. Check this machine’s network and https://status.stripe.com, and run this again.'
    return local
      ? `No Stripe simulator answers at ${apiBase.origin}. Start \`npm run dev\` or \`npm run stack\` first, or take STRIPE_API_BASE out to use Stripe itself.`
      : `${apiBase.origin} does not answer. Check STRIPE_API_BASE.`
  }
  if (thrown instanceof errors.StripeAuthenticationError) {
    return local
      ? 'The simulator does not know this STRIPE_SECRET_KEY: take it out of the environment and of the file, and the running stack’s own is used.'
      : `Stripe does not know this STRIPE_SECRET_KEY: it may have been rolled or cut short. Copy it again from ${keys}.`
  }
  if (thrown instanceof errors.StripePermissionError) {
    // Stripe names the right itself, such as rak_product_write.
    const [right] = /\brak_\w+/.exec(thrown.message) ?? []
    return `The restricted key may not do that${right ? `: it lacks ${right}` : ''}. Give it "Write" for ${RIGHTS} at ${keys}, or use a secret key (sk_…) for this command.`
  }
  if (thrown instanceof errors.StripeRateLimitError) {
    return 'Stripe is asked too much at the moment. Run this again in a minute: it goes on where it stopped.'
  }
  if (thrown instanceof errors.StripeError) {
    const request = thrown.requestId
      ? ` (request ${thrown.requestId}, see ${dashboardOf(live)}/logs)`
      : ''
    const advice =
      thrown instanceof errors.StripeAPIError ? ' Run this again: it goes on where it stopped.' : ''
    return `Stripe refused: ${thrown.message}${request}.${advice}`
  }
  return thrown instanceof Error ? thrown.message : String(thrown)
}
