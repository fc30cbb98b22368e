// What every answer of ours carries for the browser that may get it: headers that forbid what an API answer has no use
// for, and CORS. Not Hono's `secureHeaders` and `cors`: they write before the answer exists, so that Hono makes each
// answer twice; that costs a hot call more than the paywall does.
import type { AppContext } from '../context.ts'

type HeaderList = readonly (readonly [string, string])[]

const NO_SNIFFING = ['X-Content-Type-Options', 'nosniff'] as const
/** RFC 6797: of no effect over http. Without the host's subdomains, which may be somebody else's business. */
const HTTPS_ONLY = ['Strict-Transport-Security', 'max-age=31536000'] as const
const ANY_ORIGIN = ['Access-Control-Allow-Origin', '*'] as const
/** Every header: nobody's cookies are involved, and `*` means that only then. */
const ALL_HEADERS = ['Access-Control-Expose-Headers', '*'] as const

/** Data, and never a page: it loads nothing, is framed by nobody, and is kept nowhere. */
const OURS: HeaderList = [
  NO_SNIFFING,
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['Cache-Control', 'no-store'],
]

/** The origin's answers may be cached as the origin says: they carry CORS whoever asked. */
const FROM_ORIGIN: HeaderList = [NO_SNIFFING, ANY_ORIGIN, ALL_HEADERS]
/** Where the origin says nothing of these. An HTML page of its would else act as one of this host. */
const ORIGIN_DEFAULTS: HeaderList = [
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox"],
  // What somebody paid for is not for a cache that others share.
  ['Cache-Control', 'private'],
]

/** What a browser may send to us; to the seller's own API, whatever it likes (`*` leaves out Authorization). */
const SENT_TO_US =
  'Authorization, X-API-Key, Content-Type, Idempotency-Key, X-Request-Id, Tollgate-Test-Outcome'
const SENT_TO_ORIGIN = `${SENT_TO_US}, *`
const ORIGIN_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
/** A day; browsers take less. */
const PREFLIGHT_SECONDS = '86400'

/** Called by Stripe alone: no page has a reason to. */
const CLOSED_TO_BROWSERS = '/api/v1/billing/webhooks/'
/** Where no credential is needed: another's page could have its visitors guess passwords, or keep them out. */
const DOORS = '/api/v1/auth/'

/** Writes the headers into an answer that can be written to. */
export function dress(c: AppContext): void {
  const { headers } = c.res
  if (c.get('fromOrigin')) {
    write(headers, FROM_ORIGIN)
    // To a cache that may share it: not with who has no key (RFC 9110, 12.5.5).
    headers.append('Vary', 'X-API-Key')
    for (const [name, value] of ORIGIN_DEFAULTS) if (!headers.has(name)) headers.set(name, value)
  } else {
    write(headers, OURS)
    // Only to who asks: nothing of ours is cached, so that nobody else can be given this answer.
    const reader = readerOf(c)
    if (reader) write(headers, [['Access-Control-Allow-Origin', reader], ALL_HEADERS])
    if (isDoor(c)) headers.append('Vary', 'Origin')
  }
  if (c.req.url.startsWith('https:')) headers.set(...HTTPS_ONLY)
}

function write(headers: Headers, list: HeaderList): void {
  for (const [name, value] of list) headers.set(name, value)
}

const isDoor = (c: AppContext) => c.req.path.startsWith(DOORS)

/** Whose pages may read the answer: everybody's, at the doors those of the origins that redirects may go to. */
function readerOf(c: AppContext): string | undefined {
  const origin = c.req.header('Origin')
  if (origin === undefined || c.req.path.startsWith(CLOSED_TO_BROWSERS)) return undefined
  if (!isDoor(c)) return '*'
  return c.get('deps')?.config.redirectOrigins?.find((allowed) => allowed === origin)
}

/** Fetch, section 4.8: what a browser asks before it sends what a page could not send by itself. It has no key. */
export function isPreflight(c: AppContext): boolean {
  const asked = c.req.header('Access-Control-Request-Method')
  return c.req.method === 'OPTIONS' && asked !== undefined && readerOf(c) !== undefined
}

/** What the browser may send to a path of ours with these methods, or to the seller's own API. */
export function preflightHeaders(methods: readonly string[] | undefined): Record<string, string> {
  return {
    'Access-Control-Allow-Methods': methods?.join(', ') ?? ORIGIN_METHODS,
    'Access-Control-Allow-Headers': methods ? SENT_TO_US : SENT_TO_ORIGIN,
    'Access-Control-Max-Age': PREFLIGHT_SECONDS,
  }
}
