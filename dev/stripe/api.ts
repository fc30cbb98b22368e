// The API over HTTP: who calls, what was sent, whether it was sent before, what is answered.
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { authenticate } from './auth.ts'
import { invalid, StripeError } from './errors.ts'
import { applyExpand, parseExpand } from './expand.ts'
import { decodeForm, type FormValue } from './form.ts'
import { replayOf, storeAnswer } from './idempotency.ts'
import { newId } from './ids.ts'
import { array, readParams, string } from './params.ts'
import { render } from './render.ts'
import type { Route } from './route.ts'
import { parseVersion } from './versions.ts'
import type { World } from './world.ts'

/** Bodies larger than this are refused before they are decoded. */
const MAX_BODY = 1_000_000

interface Reply {
  status: number
  body: string
  headers?: Record<string, string>
}

/**
 * Serves the routes under `/v1`.
 * @param around runs each request: what is due is done before it, events leave after it
 */
export function createApi(world: World, routes: Route[], around: <T>(work: () => T) => T): Hono {
  const app = new Hono()
  for (const route of routes) {
    app.on(route.method, route.path, async (c) => {
      const sent = route.method === 'POST' ? await c.req.text() : queryOf(c.req.url)
      return answer(c, (requestId) =>
        around(() => serveRoute(world, route, { c, sent, requestId })),
      )
    })
  }
  app.all('*', (c) =>
    answer(c, () => {
      authenticate(c.req.header('Authorization'), world.settings)
      throw new StripeError(
        404,
        `Unrecognized request URL (${c.req.method}: ${c.req.path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
      )
    }),
  )
  return app
}

/** Runs the work and writes its reply, or Stripe's error body. */
function answer(c: Context, work: (requestId: string) => Reply): Response {
  const requestId = newId('req')
  const reply = attempt(() => work(requestId), requestId)
  const key = c.req.header('Idempotency-Key')
  return c.body(reply.body, reply.status as ContentfulStatusCode, {
    'Content-Type': 'application/json',
    'Request-Id': requestId,
    ...(key !== undefined && { 'Idempotency-Key': key }),
    ...reply.headers,
  })
}

function attempt(work: () => Reply, requestId: string): Reply {
  try {
    return work()
  } catch (error) {
    if (error instanceof StripeError) return errorReply(error, requestId)
    console.error(`The Stripe simulator failed on request ${requestId}:`, error)
    return errorReply(
      new StripeError(500, 'An unknown error occurred', { type: 'api_error' }),
      requestId,
    )
  }
}

function errorReply(error: StripeError, requestId: string): Reply {
  return {
    status: error.status,
    body: JSON.stringify(error.body(requestId), null, 2),
    headers: { 'Stripe-Should-Retry': 'false' },
  }
}

interface Incoming {
  c: Context
  sent: string
  requestId: string
}

function serveRoute(world: World, route: Route, { c, sent, requestId }: Incoming): Reply {
  authenticate(c.req.header('Authorization'), world.settings)
  const version = parseVersion(c.req.header('Stripe-Version'))
  const headers = { 'Stripe-Version': version.name }
  if (sent.length > MAX_BODY) throw new StripeError(413, 'The request is too large.')
  if (route.method === 'POST') requireForm(c.req.header('Content-Type'), sent)
  const key = route.method === 'POST' ? c.req.header('Idempotency-Key') : undefined
  const form = decodeForm(sent)
  const fingerprint = `${c.req.path} ${canonical(form)}`
  const replay = key === undefined ? undefined : replayOf(world, key, fingerprint)
  if (replay) {
    return {
      status: replay.status,
      body: replay.body,
      headers: { ...headers, 'Idempotent-Replayed': 'true', 'Original-Request': replay.requestId },
    }
  }
  const params = readParams(form, { ...route.shape, expand: array(string()) })
  const paths = parseExpand(params.expand ?? [], route.answers, version)
  const before = world.changes
  const run = () =>
    world.causedBy({ id: requestId, idempotency_key: key ?? null }, () => {
      const result = route.run({ world, params, path: c.req.param(), version })
      const rendered = render(world, result, version)
      applyExpand(world, rendered, route.answers, paths, version)
      return { status: 200, body: JSON.stringify(rendered, null, 2) }
    })
  const reply = attempt(run, requestId)
  // A refusal that changed nothing never began: Stripe does not keep it, and the key stays free.
  if (key !== undefined && (reply.status === 200 || world.changes !== before)) {
    storeAnswer(world, key, { fingerprint, status: reply.status, body: reply.body, requestId })
  }
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

function requireForm(contentType: string | undefined, sent: string): void {
  if (sent === '' || contentType?.startsWith('application/x-www-form-urlencoded')) return
  throw invalid(
    'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have questions, we can help at https://support.stripe.com/.',
  )
}

/** The same text for the same parameters, in whatever order they were sent. */
function canonical(value: FormValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join()}}`
}

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}
