// What every request goes through first and last: its id and its clients; its answer's headers and its line in the log.
import { answerHeader } from '../answer-header.ts'
import type { AppContext, Deps, Guard } from '../context.ts'
import { randomBytes } from '../crypto.ts'
import type { Bindings } from '../env.ts'
import { consoleLog, errorFields } from '../log.ts'
import { answerError } from './errors.ts'
import type { OwnPath } from './methods.ts'
import { answerOptions } from './options.ts'
import { logRequest } from './request-log.ts'
import { dress } from './skin.ts'

let isolate = ''
let requests = 0

/** The isolate's random name and a number: a random id for each request would cost as much as the paywall. */
function newRequestId(): string {
  // Not when the script is loaded: the platform has no randomness then.
  isolate ||= Buffer.from(randomBytes(12)).toString('hex')
  requests += 1
  return `${isolate}-${requests.toString(36)}`
}

const REQUEST_ID = /^[\w=-]{1,255}$/
/** What log.ts would take out, as far as an id can hold it: its whole search needs some 0.2 ms for a long one. */
const SECRET_IN_ID = /tg_(?:live|test)_|eyJ|[prs]k_(?:live|test)_|whsec_/i

function requestIdOf(c: AppContext): string {
  const given = c.req.header('X-Request-Id')
  // It goes into the log, and a key in the wrong header must not.
  const isUsable = given !== undefined && REQUEST_ID.test(given) && !SECRET_IN_ID.test(given)
  return isUsable ? given : newRequestId()
}

export interface OpenRequestOptions {
  /** The path that is answered without `deps`, whatever the configuration. */
  bare?: string
  /** For what answers OPTIONS. */
  findOwnPath?: (path: string) => OwnPath | null
}

/**
 * Sets `requestId`, the caller's own or one of ours, and `deps`, and answers OPTIONS. Whatever is answered then, by
 * whomever, an error too, gets its headers and its line in the log.
 */
export function openRequest(
  depsFor: (bindings: Bindings) => Deps,
  { bare, findOwnPath = () => null }: OpenRequestOptions = {},
): Guard {
  /** What is answered at once: where the configuration is incomplete. */
  function openDeps(c: AppContext): Response | Promise<Response> | null {
    try {
      if (c.req.path !== bare) c.set('deps', depsFor(c.env))
      return null
    } catch (error) {
      return answerError(error as Error, c)
    }
  }

  return async function openRequest(c, next) {
    const id = requestIdOf(c)
    c.set('requestId', id)
    const isOptions = c.req.method === 'OPTIONS'
    // Whose pages may log in is configured. OPTIONS is answered all the same where nothing is.
    const refusal = openDeps(c)
    const early = (isOptions && answerOptions(c, findOwnPath(c.req.path))) || refusal
    const startedMs = timeOf(c)
    if (early) c.res = await early
    else await next()
    answerHeader(c, 'X-Request-Id', id)
    // Hono drops the body that GET would have.
    if (c.req.method === 'HEAD' && !c.get('fromOrigin')) await tellLength(c)
    dress(c)
    logRequest(c, timeOf(c) - startedMs)
  }
}

/** The guard, with the time that it took for the request's line. */
export function timed(guard: Guard): Guard {
  return function timed(c, next) {
    const startedMs = timeOf(c)
    return guard(c, () => {
      c.set('authMs', timeOf(c) - startedMs)
      return next()
    })
  }
}

/** RFC 9110, 8.6: what GET would send. The platform knows a body's length only when it sends one. */
async function tellLength(c: AppContext): Promise<void> {
  try {
    const { byteLength } = await c.res.arrayBuffer()
    c.res.headers.set('Content-Length', String(byteLength))
  } catch (error) {
    // GET has sent its headers when a body breaks: HEAD sends the same, but for a length that nobody knows.
    const log = c.get('deps')?.log ?? consoleLog
    log('error', 'head_body_failed', { request_id: c.get('requestId'), ...errorFields(error) })
  }
}

function timeOf(c: AppContext): number {
  return (c.get('deps')?.now() ?? new Date()).getTime()
}
