// OPTIONS: what a path of ours takes (RFC 9110, 9.3.7), and a browser's preflight for any path.
import type { AppContext } from '../context.ts'
import type { OwnPath } from './methods.ts'
import { isPreflight, preflightHeaders } from './skin.ts'

/**
 * The answer, or null where OPTIONS is somebody else's: the origin's, or nobody's. A preflight for a path that nobody
 * has is granted too: the browser then sees the 404, and its developer what is wrong.
 */
export function answerOptions(c: AppContext, own: OwnPath | null): Response | null {
  const preflight = isPreflight(c)
  if (!own && !preflight) return null
  c.set('route', own?.pattern ?? null)
  return c.body(null, 204, {
    ...(own && { Allow: own.methods.join(', ') }),
    ...(preflight && preflightHeaders(own?.methods)),
  })
}
