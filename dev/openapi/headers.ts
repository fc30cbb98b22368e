// Headers of answers and of requests, and the credentials.
import type { Door } from './operation.ts'

const text = (
  description: string,
  { pattern = '^[ -~]*$', maxLength = 255, required = true } = {},
) => ({
  description,
  required,
  schema: { type: 'string', pattern, maxLength },
})
const integer = (description: string, maximum: number) => ({
  description,
  required: true,
  schema: { type: 'integer', format: maximum < 2 ** 31 ? 'int32' : 'int64', minimum: 0, maximum },
})

/** By the name on the wire. */
export const HEADERS = {
  'X-Request-Id': text(
    "The request's own, if it has one of at most 255 letters, digits, _, - and =; else one of ours.",
    {
      pattern: '^[\\w=-]{1,255}$',
    },
  ),
  'Access-Control-Allow-Origin': text(
    'Where the request has an Origin: pages of any origin may read the answer; those of register and login, pages of allowed origins.',
    { required: false },
  ),
  RateLimit: text(
    'What is left of the monthly quotas (draft-ietf-httpapi-ratelimit-headers-10): "api-calls";r=999;t=2591999, "reactions";r=9900;t=2591999.',
    {
      pattern: '^"api-calls";r=\\d+;t=\\d+, "reactions";r=\\d+;t=\\d+$',
    },
  ),
  'RateLimit-Policy': text(
    'The monthly quotas: "api-calls";q=1000;w=2592000, "reactions";q=10000;w=2592000.',
    {
      pattern: '^"api-calls";q=\\d+;w=\\d+, "reactions";q=\\d+;w=\\d+$',
    },
  ),
  'Retry-After': integer('Seconds to wait.', 31_622_400),
  'Server-Timing': text(
    'What the paywall took, in milliseconds, and which layer knew the account.',
    {
      pattern: '^paywall;dur=[\\d.]+;desc="[a-z]+"$',
    },
  ),
  'X-Dataset-Seed': integer('Asked for again, it gives the same bytes.', Number.MAX_SAFE_INTEGER),
  'X-Dataset-Algorithm': text('Names all that a seed stands for.', { pattern: '^[\\w.-]+$' }),
  'Content-Disposition': text('A name for the file: attachment; filename="…".'),
  'Tollgate-Mode': text('test, where a test key was sent.', { pattern: '^test$', required: false }),
  'WWW-Authenticate': text('What the door takes (RFC 9110, 11.6.1).'),
  Accept: text('What a body may be.'),
  'Accept-Encoding': text('Where a Content-Encoding was sent: none is taken.', {
    pattern: '^identity$',
    required: false,
  }),
  Location: text('Of the new key.', { pattern: '^/api/v1/keys/[0-9a-f]{16}$' }),
  Vary: text('What the answer depends on.'),
} as const

/** Headers of an answer with a problem; those that end in ? are there at times. */
export function headersOfProblem(status: number, door: Door): readonly string[] {
  const own = BY_STATUS[status] ?? []
  return door === 'paid' ? [...own, ...(status === 409 ? ['Retry-After'] : []), ...PAID] : own
}

const BY_STATUS: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  415: ['Accept', 'Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** What was let in has them, though it is refused for another reason. */
const PAID = ['RateLimit?', 'RateLimit-Policy?', 'Server-Timing?', 'Tollgate-Mode'] as const

/** All of them by the name under components/headers. */
export function headerComponents(): Record<string, object> {
  const optional = PAID.filter((name) => name.endsWith('?')).map((name) => {
    const header = HEADERS[name.slice(0, -1) as keyof typeof HEADERS]
    return [componentName(name), { ...header, required: false }]
  })
  return { ...HEADERS, ...Object.fromEntries(optional) }
}

export function componentName(header: string): string {
  return header.replace('?', '-If-Let-In')
}

const parameter = (
  name: string,
  place: 'path' | 'header',
  description: string,
  schema: Readonly<Record<string, unknown>>,
  example?: string,
) => ({
  name,
  in: place,
  required: place === 'path',
  description,
  schema: { type: 'string', ...schema },
  ...(example && { example }),
})

/** By the name under components/parameters. */
export const PARAMETERS = {
  KeyId: parameter(
    'id',
    'path',
    'The id of a key, as the list shows it.',
    {
      pattern: '^[0-9a-f]{16}$',
      maxLength: 16,
    },
    '3e0d41bb1ffc7c15',
  ),
  IdempotencyKey: parameter(
    'Idempotency-Key',
    'header',
    'The same request under the same key is charged once in 24 hours, and gives the same bytes. A UUID does.',
    { pattern: '^[ -~]{1,255}$', maxLength: 255 },
    'e2f9f6f0-6c1c-4a53-9d1f-0d6f4b1c2a33',
  ),
  TestOutcome: parameter(
    'Tollgate-Test-Outcome',
    'header',
    'With a test key: the refusal to act out.',
    { enum: ['past_due', 'quota_exceeded', 'rate_limited'] },
  ),
  AcceptFormat: parameter(
    'Accept',
    'header',
    'Chooses the format where the body names none.',
    { pattern: '^[ -~]*$', maxLength: 255 },
    'text/csv',
  ),
} as const

export const SECURITY_SCHEMES = {
  ApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description:
      'A key of the account: tg_live_… or, for samples of the paid API alone, tg_test_….',
  },
  StripeSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'Stripe-Signature',
    description: 'No key: Stripe signs the body, byte for byte (docs.stripe.com/webhooks).',
  },
  Bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The access_token of register or login, for 24 hours. HS256; algorithm, issuer and audience are pinned (RFC8725). Where both are sent the token decides.',
  },
} as const

/** What opens each door. */
export const SECURITY: Readonly<Record<Door, readonly Record<string, string[]>[]>> = {
  public: [],
  account: [{ Bearer: [] }, { ApiKey: [] }],
  person: [{ Bearer: [] }],
  paid: [{ ApiKey: [] }],
  stripe: [{ StripeSignature: [] }],
}
