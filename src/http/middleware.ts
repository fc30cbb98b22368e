// What every request carries: its id and its clients.

import { answerHeader } from '../answer-header.ts'
import type { AppContext, Deps, Guard } from '../context.ts'
import { randomBytes } from '../crypto.ts'
import type { Bindings } from '../env.ts'

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

function requestIdOf(c: AppContext): string {
  const given = c.req.header('X-Request-Id')
  return given !== undefined && REQUEST_ID.test(given) ? given : newRequestId()
}

/**
 * Sets `requestId`, the caller's own or one of ours, and answers with it; and `deps`, but for what needs none. Throws
 * ConfigError where the configuration is incomplete.
 */
export function openRequest(depsFor?: (bindings: Bindings) => Deps): Guard {
  return async function openRequest(c, next) {
    // Known already where a request without `deps` went on.
    const id = c.get('requestId') ?? requestIdOf(c)
    c.set('requestId', id)
    if (depsFor) c.set('deps', depsFor(c.env))
    await next()
    answerHeader(c, 'X-Request-Id', id)
  }
}
