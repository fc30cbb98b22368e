// The line that each request has in the log. Every field is safe by what it is: an id, a pattern, a number, a word of
// ours; never the path, the query or a header as the caller sent it.
import { routePath } from 'hono/route'
import type { AppContext } from '../context.ts'
import { consoleLog, type LogFields, REQUEST_EVENT } from '../log.ts'

/** Writes it once the answer's headers are known: what streams may go on for long. */
export function logRequest(c: AppContext, tookMs: number): void {
  const { status } = c.res
  const log = c.get('deps')?.log ?? consoleLog
  log(status >= 500 ? 'error' : 'info', REQUEST_EVENT, requestFields(c, status, tookMs))
}

function requestFields(c: AppContext, status: number, tookMs: number): LogFields {
  const caller = c.get('caller')
  const paid = c.get('paid')
  const paywallMs = c.get('paywallMs')
  return {
    request_id: c.get('requestId'),
    method: c.req.method,
    route: routeOf(c),
    status,
    code: c.get('problem'),
    account_id: caller?.userId ?? c.get('account')?.userId ?? c.get('signedIn'),
    key_id: caller?.keyId,
    mode: caller?.mode === 'test' ? 'test' : undefined,
    layer: c.get('layer') ?? (paid ? 'memory' : 'none'),
    origin: c.get('fromOrigin'),
    ms: tookMs,
    ms_auth: c.get('authMs'),
    ms_paywall: paywallMs,
    ms_handler: paywallMs === undefined ? undefined : tookMs - paywallMs,
  }
}

/** The pattern of the route that answered, `gateway` for the seller's own API, null where no route has the path. */
export function routeOf(c: AppContext): string | null {
  const named = c.get('route')
  if (named !== undefined) return named
  const pattern = routePath(c)
  return pattern.endsWith('*') ? null : pattern
}
