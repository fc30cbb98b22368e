// Keeps other sites out: the pages and the control API have no login, and a developer's browser
// visits more than this machine.
import { createMiddleware } from 'hono/factory'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Why a request is refused, or null. Pure: the headers decide. */
export function refusedBecause(request: Request): string | null {
  const url = new URL(request.url)
  // A name of somebody else's that resolves to 127.0.0.1 would make their page "the same origin".
  if (!isLoopback(url.hostname))
    return `The simulator answers on loopback only, not as ${url.host}.`
  if (SAFE_METHODS.includes(request.method)) return null
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null) {
    return site === 'same-origin' || site === 'none' ? null : CROSS_SITE
  }
  const origin = request.headers.get('Origin')
  // Programs that are not browsers send neither header.
  return origin === null || origin === url.origin ? null : CROSS_SITE
}

const CROSS_SITE = 'This request came from a page of another site, and was refused.'

/** 403 for what `refusedBecause` refuses, with a body by `answer`. */
export function guard(answer: (message: string) => Response | Promise<Response>) {
  return createMiddleware(async function refuseOtherSites(c, next) {
    const message = refusedBecause(c.req.raw)
    if (message !== null) return answer(message)
    return next()
  })
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
