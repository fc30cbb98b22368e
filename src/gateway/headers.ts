// What passes between the caller and the origin, and what does not.
import { decoded } from './percent.ts'

/** RFC 9110, section 7.6.1, and what else is between two neighbours; `Connection` may name more. */
const HOP_BY_HOP = pattern([
  'connection',
  'keep-alive',
  'proxy-.*',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Each side of a WebSocket has a handshake of its own; only the subprotocol passes.
  'sec-websocket-(accept|extensions|key|version)',
])

/** The request's frame, which the platform makes anew: it knows the target and the body, and has answered 100-continue. */
const FRAME = pattern(['host', 'content-length', 'expect'])

/**
 * What opens the paywall, and what would be somebody else to an origin that believes headers. Cookies are of the
 * host that people see, which is ours: the origin has no part in them.
 */
const CREDENTIALS = pattern([
  'x-api-key',
  'authorization',
  'cookie2?',
  '(x-)?tollgate(-.*)?',
  'x-request-id',
  // Where the caller comes from, as proxies tell it.
  '(x-)?forwarded(-.*)?',
  'x-(real|client|cluster-client)-ip',
  '(true|fastly)-client-ip',
  'cf-.*',
  'x-envoy-.*',
  // What the caller asked for, as some frameworks believe it against the request itself.
  'x-(original|rewrite)-.*',
  'x-(http-)?host(-override)?',
  // Who the caller is, as authenticating proxies tell it.
  '(x-)?remote-.*',
  'x-(user|userid|username|auth|authenticated|account|consumer|credential|email|groups?|roles?|tenant|tier)(-.*)?',
  'x-(jwt|id-token|access-token)(-.*)?',
  'x-(amzn-oidc|goog-authenticated-user|goog-iap|ms-client-principal|ms-token)(-.*)?',
  '(x-)?(ssl-)?client-(cert|verify|dn)(-.*)?',
  'x-webauth-.*',
  'x-hasura-.*',
  'impersonate-.*',
  'x-(customer|organization|org|scope|api-user|admin|token|subject|principal)(-.*)?',
  'x-(http-)?method(-override)?',
])

/** What the origin may not say in our name: about our quota, to us alone, or to browsers about our host. */
const OURS_TO_SAY = pattern([
  '(x-)?tollgate(-.*)?',
  'ratelimit(-policy)?',
  'server-timing',
  'x-request-id',
  'set-cookie2?',
  'alt-svc',
  'clear-site-data',
  'strict-transport-security',
  // Every origin may call with a key, and none with a cookie: that is the same for all paths.
  'access-control-.*',
  'x-content-type-options',
])

/**
 * The caller's headers as they may go on. A header that holds `secret`, the caller's API key, stays here whatever
 * its name, and however often it is percent-encoded.
 */
export function forwardableRequestHeaders(headers: Headers, secret: string): Headers {
  return without(
    headers,
    (name, value) => FRAME.test(name) || CREDENTIALS.test(name) || decoded(value).includes(secret),
  )
}

/** The origin's headers as the caller may see them. */
export function forwardableResponseHeaders(headers: Headers): Headers {
  return without(headers, (name) => OURS_TO_SAY.test(name))
}

function without(headers: Headers, unwanted: (name: string, value: string) => boolean): Headers {
  const named = new Set(
    (headers.get('Connection') ?? '').split(',').map((name) => canonical(name.trim())),
  )
  const kept = new Headers()
  for (const [name, value] of headers) {
    const known = canonical(name)
    if (HOP_BY_HOP.test(known) || named.has(known) || unwanted(known, value)) continue
    kept.append(name, value)
  }
  return kept
}

/** CGI, and what descends from it, reads `X_User_Id` and `X-User-Id` as one. */
function canonical(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

function pattern(names: readonly string[]): RegExp {
  return new RegExp(`^(${names.join('|')})$`)
}
