// Who may call the API: the secret key, as a bearer token or as the user name of Basic.
import { StripeError } from './errors.ts'

/** @throws StripeError 401, in Stripe's words; 403 for the publishable key */
export function authenticate(
  authorization: string | undefined,
  keys: { secretKey: string; publishableKey: string },
): void {
  const key = keyOf(authorization)
  if (key === null || key === '') {
    throw new StripeError(
      401,
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
    )
  }
  if (key === keys.secretKey) return
  if (key === keys.publishableKey) {
    throw new StripeError(
      403,
      'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.',
      { code: 'secret_key_required' },
    )
  }
  throw new StripeError(401, `Invalid API Key provided: ${masked(key)}`)
}

function keyOf(authorization: string | undefined): string | null {
  const [, scheme = '', credentials = ''] = authorization?.match(/^(\S+)\s+(.*)$/) ?? []
  if (scheme.toLowerCase() === 'bearer') return credentials.trim()
  if (scheme.toLowerCase() !== 'basic') return null
  return Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? null
}

/** `sk_test_************1234`: enough to recognise a key, too little to use it. */
function masked(key: string): string {
  const prefix = key.match(/^[a-z]+_(test|live)_/)?.[0] ?? ''
  const tail = key.length > prefix.length + 4 ? key.slice(-4) : ''
  return prefix + '*'.repeat(key.length - prefix.length - tail.length) + tail
}
