// One call to the seller's origin: sent once, streamed both ways, never followed elsewhere.
import type { AppContext } from '../context.ts'
import { uuid } from '../crypto.ts'
import { NO_UNITS } from '../data/units.ts'
import { errorFields } from '../log.ts'
import { Problem } from '../problem.ts'
import { forwardableRequestHeaders } from './headers.ts'
import { IDENTITY_HEADER, signIdentity } from './identity.ts'

/** Until the origin's response headers, the upload included; what it then streams may last. */
const HEADERS_TIMEOUT_MS = 30_000

/** The origin's answer, or null when the caller has left. @throws Problem `origin_unavailable`, `origin_timeout` */
export async function forward(c: AppContext, target: URL): Promise<Response | null> {
  const { deps, paid, requestId } = c.var
  const { method, body, signal: left } = c.req.raw
  const headers = await requestHeaders(c)
  if (left.aborted) {
    // The origin has heard nothing of it.
    paid.costs(NO_UNITS)
    return null
  }
  const tooLate = deps.signalAfter(HEADERS_TIMEOUT_MS)
  // Not the limit's own signal: that would also end what is streamed after the headers.
  const timeIsUp = new AbortController()
  const abort = () => timeIsUp.abort()
  tooLate.addEventListener('abort', abort)
  try {
    const response = await fetch(target, {
      method,
      headers,
      body,
      redirect: 'manual',
      // Answers are one customer's: never from a cache that many share.
      cache: 'no-store',
      signal: AbortSignal.any([left, timeIsUp.signal]),
    })
    // No Response can be made of another status.
    if (response.webSocket || (response.status >= 200 && response.status <= 599)) return response
    throw new Error(`The origin answered with status ${response.status}`)
  } catch (error) {
    abort()
    if (left.aborted) return null
    const code = tooLate.aborted ? 'origin_timeout' : 'origin_unavailable'
    deps.log('error', code, { request_id: requestId, method, ...errorFields(error) })
    throw new Problem(code)
  } finally {
    tooLate.removeEventListener('abort', abort)
  }
}

async function requestHeaders(c: AppContext): Promise<Headers> {
  const { deps, paid, requestId } = c.var
  const { origin } = deps.config
  if (!origin) throw new Error('There is no origin to call')
  const key = c.req.header('X-API-Key') ?? ''
  const headers = forwardableRequestHeaders(c.req.raw.headers, key)
  const identity = {
    userId: paid.account.userId,
    tier: paid.tier,
    mode: paid.mode,
    requestId,
    tokenId: uuid(deps.randomBytes),
  }
  headers.set(IDENTITY_HEADER, await signIdentity(origin, identity, deps.now()))
  if (paid.mode === 'test') headers.set('Tollgate-Mode', 'test')
  headers.set('X-Request-Id', requestId)
  const { protocol, host } = new URL(c.req.url)
  headers.set('X-Forwarded-Proto', protocol.slice(0, -1))
  headers.set('X-Forwarded-Host', host)
  const address = c.req.header('CF-Connecting-IP')
  if (address) headers.set('X-Forwarded-For', address)
  if (isWebSocket(c)) headers.set('Upgrade', 'websocket')
  return headers
}

function isWebSocket(c: AppContext): boolean {
  return c.req.method === 'GET' && c.req.header('Upgrade')?.toLowerCase() === 'websocket'
}
