// The closed catalogue of errors, and the only writer of an error response (RFC 9457, application/problem+json).
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

interface CatalogueEntry {
  status: ContentfulStatusCode
  title: string
  /** What the reader can do next. */
  detail: string
}

export const CATALOGUE = {
  malformed_json: {
    status: 400,
    title: 'Malformed JSON',
    detail: 'The request body is not valid JSON. Check quotes, commas and encoding (UTF-8).',
  },
  broken_body: {
    status: 400,
    title: 'Broken body',
    detail: 'The request body ended before it was whole, or its chunks are wrong. Send it again.',
  },
  malformed_event: {
    status: 400,
    title: 'Malformed event',
    detail: 'The body is signed but is not a Stripe event.',
  },
  invalid_signature: {
    status: 400,
    title: 'Invalid signature',
    detail:
      'The Stripe-Signature header does not match the body, or is older than five minutes. Check that STRIPE_WEBHOOK_SECRET is the secret of this endpoint, and the clock.',
  },
  missing_credentials: {
    status: 401,
    title: 'Missing credentials',
    detail: 'Send "Authorization: Bearer <token>" from login or register, or "X-API-Key: <key>".',
  },
  invalid_token: {
    status: 401,
    title: 'Invalid token',
    detail: 'The access token is not valid or has expired. Log in again for a new one.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Invalid credentials',
    detail: 'Email and password do not match an account.',
  },
  missing_api_key: {
    status: 401,
    title: 'Missing API key',
    detail: 'Send your API key in the X-API-Key header. Register or log in to get one.',
  },
  invalid_api_key: {
    status: 401,
    title: 'Invalid API key',
    detail: 'The API key is not valid. Log in to see your current key.',
  },
  subscription_required: {
    status: 402,
    title: 'Subscription required',
    detail: 'This API is for subscribers. Buy a plan through the checkout call given here.',
  },
  payment_past_due: {
    status: 402,
    title: 'Payment past due',
    detail:
      'The last payment failed and the time to mend it is over. Update the card in the portal.',
  },
  subscription_paused: {
    status: 402,
    title: 'Subscription paused',
    detail: 'The subscription is paused. Resume it in the portal.',
  },
  incorrect_password: {
    status: 403,
    title: 'Incorrect password',
    detail: 'The password is not that of this account. Nothing was changed.',
  },
  live_key_required: {
    status: 403,
    title: 'Live key required',
    detail: 'A test key opens the paid API only. Send a live key, or a token from login.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    detail: 'There is nothing at this path. Check its spelling; the API lives under /api/v1.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'This path does not take that method; the Allow header lists those it takes.',
  },
  email_taken: {
    status: 409,
    title: 'Email taken',
    detail: 'An account with this email exists already. Log in instead.',
  },
  already_subscribed: {
    status: 409,
    title: 'Already subscribed',
    detail: 'This account has a subscription. Change its plan or card in the portal.',
  },
  too_many_keys: {
    status: 409,
    title: 'Too many keys',
    detail: 'This account has as many API keys as it may have. Revoke one that is not used.',
  },
  no_customer: {
    status: 409,
    title: 'No customer yet',
    detail:
      'The portal opens after the first checkout. Start one with POST /api/v1/billing/checkout/session.',
  },
  idempotency_key_in_use: {
    status: 409,
    title: 'Idempotency key in use',
    detail:
      'A call with this Idempotency-Key is still running. Wait for it, or repeat this one after Retry-After seconds.',
  },
  payload_too_large: {
    status: 413,
    title: 'Payload too large',
    detail: 'The request body is larger than this call accepts.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'Send the body as application/json.',
  },
  invalid_request: {
    status: 422,
    title: 'Invalid request',
    detail: 'Some fields are missing or wrong; "errors" lists each of them.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency key reused',
    detail:
      'This Idempotency-Key was sent with another request within 24 hours. Make a new key for each request.',
  },
  idempotency_key_used_up: {
    status: 422,
    title: 'Idempotency key used up',
    detail: 'This Idempotency-Key was repeated too often. Make a new key for a new call.',
  },
  quota_exceeded: {
    status: 429,
    title: 'Quota exceeded',
    detail:
      "This month's quota does not hold this call. Wait until resets_at, or choose a larger plan in the portal.",
  },
  rate_limited: {
    status: 429,
    title: 'Too many calls a second',
    detail: 'Slow down: wait for Retry-After seconds, then go on below the rate of your plan.',
  },
  too_many_attempts: {
    status: 429,
    title: 'Too many attempts',
    detail:
      'Too many attempts from this address or for this account. Wait for Retry-After seconds.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail:
      'Something failed on our side and has been logged. Try again; if it stays, report the request_id.',
  },
  misconfigured: {
    status: 500,
    title: 'Misconfigured',
    detail:
      'This deployment is not configured: "errors" names each variable. See .dev.vars.example.',
  },
  stripe_unavailable: {
    status: 502,
    title: 'Stripe unavailable',
    detail: 'The payment service did not answer. Nothing was changed; try again in a moment.',
  },
  origin_unavailable: {
    status: 502,
    title: 'API unavailable',
    detail:
      'The API behind this path did not answer. The call is not charged; try again in a moment.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    detail: 'A service behind this call is not answering. Try again after Retry-After seconds.',
  },
  origin_timeout: {
    status: 504,
    title: 'API timed out',
    detail:
      'The API behind this path took too long. The call is not charged, but it may have taken effect: look before you repeat it.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Stable, snake_case; clients switch on it. */
export type ProblemCode = keyof typeof CATALOGUE

export interface ProblemExtras {
  /** Replaces the catalogue's text where the case can be told more precisely. */
  detail?: string
  headers?: Record<string, string>
  /** More members of the body, as the contract's table says. */
  members?: Record<string, unknown>
}

/** An expected refusal: thrown anywhere below the routes, written once by `respondWithProblem`. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: ProblemCode
  readonly extras: ProblemExtras
  constructor(code: ProblemCode, extras: ProblemExtras = {}) {
    super(code)
    this.code = code
    this.extras = extras
  }
}

/** What `work` gives, or the Problem that it throws, as a value. */
export async function attempt<T>(
  work: () => Promise<T>,
): Promise<{ value?: T; problem?: Problem }> {
  try {
    return { value: await work() }
  } catch (problem) {
    if (problem instanceof Problem) return { problem }
    throw problem
  }
}

/** Writes the problem as the answer of `c`. */
export function respondWithProblem(
  c: Context,
  code: ProblemCode,
  extras: ProblemExtras = {},
): Response {
  const { status, title, detail } = CATALOGUE[code]
  c.set('problem', code)
  const requestId: string | undefined = c.get('requestId')
  const body = {
    type: `urn:tollgate:problem:${code}`,
    title,
    status,
    detail: extras.detail ?? detail,
    code,
    request_id: requestId,
    ...extras.members,
  }
  return c.body(JSON.stringify(body), status, {
    'Content-Type': 'application/problem+json',
    ...extras.headers,
  })
}
