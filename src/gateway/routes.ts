// Every path that is not ours, when an origin is set: the seller's own API behind the paywall.
// A path is ours if a route of ours has it, or if it lies in a section of ours (/api/v1/auth/…): see own-paths.ts.
import { Hono } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import type { AppContext, AppEnv, Guard } from '../context.ts'
import type { Units } from '../data/leases.ts'
import { Problem } from '../problem.ts'
import { forward } from './forward.ts'
import { forwardableResponseHeaders } from './headers.ts'
import { decoded } from './percent.ts'
import { originTarget } from './target.ts'

const ONE_CALL: Units = { apiCalls: 1, reactions: 0 }
/** TRACE sends back what it was sent, our signature too; CONNECT asks for a tunnel. */
const UNPASSABLE = new Set(['TRACE', 'TRACK', 'CONNECT'])
const COST_HEADER = 'Tollgate-Cost'
const MOST_CALLS = 1_000_000
const LEAK = 'Holds your API key, which is for us alone. Send it in the X-API-Key header only.'
/** Fetch, section 2.2.4: such an answer has no body, not even an empty one. */
const BODILESS = new Set([204, 205, 304])

/** Says nothing of the origin: whoever tests has not paid for it. */
const SAMPLE = {
  sample: true,
  detail:
    'A sample, the same for every call with a test key: the API behind this path was not asked. Call with a live key for its answer.',
}

export interface GatewayOptions {
  /** Makes a guard that takes what `costOf` says. */
  paywall: (costOf: (c: AppContext) => Units) => Guard
  isOurs: (path: string) => boolean
}

export function gatewayRoutes({ paywall, isOurs }: GatewayOptions): Hono<AppEnv> {
  const guard = paywall((c) => {
    assertForwardable(c)
    return ONE_CALL
  })
  // A path of ours first: one of them is answered without `deps`.
  const isTheirs = (c: AppContext) =>
    !isOurs(new URL(c.req.url).pathname) && c.get('deps').config.origin !== undefined
  return new Hono<AppEnv>().all(
    '*',
    async function gatewayPaywall(c, next) {
      if (!isTheirs(c)) return next()
      c.set('route', 'gateway')
      return guard(c, next)
    },
    async function gateway(c, next) {
      if (!isTheirs(c)) return next()
      if (isSpared(c)) return c.json(SAMPLE, 200, { 'Cache-Control': 'no-store' })
      const response = await forward(c, targetOf(c))
      // Nobody reads this; the origin did the work, so below 500 it is charged.
      if (!response) return c.body(null, 499 as 400)
      c.set('fromOrigin', true)
      chargeWhatItCost(c, response.headers.get(COST_HEADER))
      return answer(c, response)
    },
  )
}

/** The origin hears nothing of test calls unless its seller wants it to. */
function isSpared(c: AppContext): boolean {
  return c.var.paid.mode === 'test' && c.var.deps.config.originTestCalls === 'sample'
}

/** @throws Problem for what would never reach the origin, before it costs anything */
function assertForwardable(c: AppContext): void {
  if (UNPASSABLE.has(c.req.method)) {
    const headers = { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' }
    throw new Problem('method_not_allowed', { headers })
  }
  const places = {
    url: decoded(targetOf(c).href),
    'X-Request-Id': c.req.header('X-Request-Id') ?? '',
  }
  const key = c.req.header('X-API-Key') ?? ''
  const errors = Object.entries(places).flatMap(([path, text]) =>
    key && text.includes(key) ? [{ path, message: LEAK }] : [],
  )
  if (errors.length > 0) throw new Problem('invalid_request', { members: { errors } })
}

function targetOf(c: AppContext): URL {
  const { origin } = c.var.deps.config
  const target = origin && originTarget(origin.url, new URL(c.req.url))
  if (!target) throw new Problem('not_found')
  return target
}

function chargeWhatItCost(c: AppContext, text: string | null): void {
  if (text === null) return
  const { deps, paid, requestId } = c.var
  const apiCalls = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (apiCalls <= MOST_CALLS) paid.costs({ apiCalls, reactions: 0 })
  else deps.log('error', 'origin_cost_malformed', { request_id: requestId })
}

function answer(c: AppContext, { status, body, headers, webSocket }: Response): Response {
  const shown = forwardableResponseHeaders(headers)
  if (!webSocket) {
    const init = { status: status as StatusCode, headers: shown }
    return c.newResponse(BODILESS.has(status) ? null : body, init)
  }
  // Hono's own responses know nothing of sockets.
  return new Response(null, { status, headers: shown, webSocket })
}
