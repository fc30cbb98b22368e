// The API over HTTP: who calls, what was sent, whether it was sent before, what is answered.
import { type Context, Hono, type HonoRequest } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { authenticate } from './auth.ts'
import { invalid, StripeError } from './errors.ts'
import { applyExpand, parseExpand } from './expand.ts'
import { decodeForm, type FormValue } from './form.ts'
import { replayOf, storeAnswer } from './idempotency.ts'
import { newId } from './ids.ts'
import { array, readParams, string } from './params.ts'
import { render } from './render.ts'
import { type NextError, orderedError, type RequestsInProgress } from './requests-in-progress.ts'
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
export function createApi(
  world: World,
  routes: Route[],
  inProgress: RequestsInProgress,
  around: <T>(work: () => T) => T,
): Hono {
  const app = new Hono()
  for (const route of routes) {
    app.on(route.method, route.path, async (c) => {
      const sent = await sentWith(c.req, route.method)
      const key = route.method === 'POST' ? c.req.header('Idempotency-Key') : undefined
      const arrival = { path: c.req.path, sent, key }
      return answer(c, world, (requestId) => {
        authenticate(c.req.header('Authorization'), world.settings)
        return inProgress.during(arrival, () => {
          const takeError = () => inProgress.takeError(arrival)
          return around(() => serveRoute(world, route, { c, sent, key, requestId, takeError }))
        })
      })
    })
  }
  app.all('*', (c) =>
    answer(c, world, () => {
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
async function answer(
  c: Context,
  world: World,
  work: (requestId: string) => Reply | Promise<Reply>,
): Promise<Response> {
  const requestId = newId('req')
  const reply = await attempt(async () => work(requestId), requestId)
  const key = c.req.header('Idempotency-Key')
  return c.body(reply.body, reply.status as ContentfulStatusCode, {
    'Content-Type': 'application/json',
    // The simulator's own clock, so that one that goes wrong shows.
    Date: new Date(world.settings.wallClock()).toUTCString(),
    'Request-Id': requestId,
    ...(key !== undefined && { 'Idempotency-Key': key }),
    ...reply.headers,
  })
}

async function attempt(work: () => Promise<Reply>, requestId: string): Promise<Reply> {
  try {
    return await work()
  } catch (error) {
    return errorReply(error, requestId)
  }
}

function errorReply(thrown: unknown, requestId: string): Reply {
  const error = thrown instanceof StripeError ? thrown : unforeseen(thrown, requestId)
  return {
    status: error.status,
    body: JSON.stringify(error.body(requestId), null, 2),
    headers: retryAdvice(error.status),
  }
}

function unforeseen(thrown: unknown, requestId: string): StripeError {
  console.error(`The Stripe simulator failed on request ${requestId}:`, thrown)
  return new StripeError(500, 'An unknown error occurred', { type: 'api_error' })
}

/** Where Stripe itself cannot tell, a client decides by the status. */
function retryAdvice(status: number): Record<string, string> {
  if (status === 409) return { 'Stripe-Should-Retry': 'true' }
  if (status === 200 || status === 429 || status >= 500) return {}
  return { 'Stripe-Should-Retry': 'false' }
}

interface Incoming {
  c: Context
  sent: string
  /** The idempotency key of a POST. */
  key: string | undefined
  requestId: string
  /** What is to be answered in the endpoint's place. */
  takeError: () => NextError | undefined
}

function serveRoute(world: World, route: Route, incoming: Incoming): Reply {
  const { c, sent, key, requestId, takeError } = incoming
  const version = parseVersion(c.req.header('Stripe-Version'))
  const headers = { 'Stripe-Version': version.name }
  if (sent.length > MAX_BODY) throw new StripeError(413, 'The request is too large.')
  if (route.method === 'POST') requireForm(c.req.header('Content-Type'), sent)
  const form = decodeForm(sent)
  const request = { path: c.req.path, parameters: canonical(form) }
  const replay = key === undefined ? undefined : replayOf(world, key, request)
  if (replay) {
    return {
      status: replay.status,
      body: replay.body,
      headers: {
        ...headers,
        ...retryAdvice(replay.status),
        'Idempotent-Replayed': 'true',
        'Original-Request': replay.requestId,
      },
    }
  }
  const ordered = takeError()
  if (ordered && !ordered.stored) throw orderedError(ordered.status)
  const params = readParams(form, { ...route.shape, expand: array(string()) })
  const paths = parseExpand(params.expand ?? [], route.answers, version)
  const run = (): Reply => {
    if (ordered) throw orderedError(ordered.status)
    return world.causedBy({ id: requestId, idempotency_key: key ?? null }, () => {
      const result = route.run({ world, params, path: c.req.param(), version })
      const rendered = render(world, result, version)
      applyExpand(world, rendered, route.answers, paths, version)
      return { status: 200, body: JSON.stringify(rendered, null, 2) }
    })
  }
  const { reply, began } = execute(run, requestId)
  if (key !== undefined && began) {
    storeAnswer(world, key, { ...request, status: reply.status, body: reply.body, requestId })
  }
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

/** Runs an endpoint. One that refuses its parameters never began: Stripe does not keep its answer. */
function execute(run: () => Reply, requestId: string): { reply: Reply; began: boolean } {
  try {
    return { reply: run(), began: true }
  } catch (error) {
    const code = error instanceof StripeError ? (error.code ?? '') : ''
    return { reply: errorReply(error, requestId), began: !code.startsWith('parameter') }
  }
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

/** The parameters as they came; a DELETE may have them in the URL, in the body, or in both. */
async function sentWith(request: HonoRequest, method: Route['method']): Promise<string> {
  if (method === 'GET') return queryOf(request.url)
  const body = await request.text()
  return method === 'POST' ? body : [queryOf(request.url), body].filter(Boolean).join('&')
}

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}
