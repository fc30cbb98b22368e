// What a failure of stripe:setup means, where its account says more than any command's would.
import Stripe from 'stripe'
import { explained } from '../command-errors.ts'
import type { Account } from './account.ts'

const RIGHTS = 'Products, Prices, Webhook Endpoints and Customer Portal'

/** One message for a person, without any key. */
export function explain(thrown: unknown, account: Account): string {
  return words(thrown, account).replaceAll(account.secretKey, '…')
}

function words(thrown: unknown, { local }: Account): string {
  const { errors } = Stripe
  if (thrown instanceof errors.StripeAuthenticationError && local) {
    return 'The simulator does not know this STRIPE_SECRET_KEY: take it out of the environment and of the file, and the running stack’s own is used.'
  }
  if (thrown instanceof errors.StripePermissionError) {
    // Stripe names the right itself, such as rak_product_write.
    const [right] = /\brak_\w+/.exec(thrown.message) ?? []
    return `The restricted key may not do that${right ? `: it lacks ${right}` : ''}. Give it "Write" for ${RIGHTS} at https://dashboard.stripe.com/apikeys, or use a secret key (sk_…) for this command.`
  }
  const isPassing =
    thrown instanceof errors.StripeAPIError || thrown instanceof errors.StripeRateLimitError
  return explained(thrown) + (isPassing ? ' It goes on where it stopped.' : '')
}
