// What every request carries: its id and its clients.
import { requestId } from 'hono/request-id'
import type { Deps, Guard } from '../context.ts'
import { randomBytes } from '../crypto.ts'
import type { Bindings } from '../env.ts'

/** Sets `deps`; throws ConfigError where the configuration is incomplete. */
export function bindDeps(depsFor: (bindings: Bindings) => Deps): Guard {
  return async function bindDeps(c, next) {
    c.set('deps', depsFor(c.env))
    await next()
  }
}

let isolate = ''
let requests = 0

/**
 * Sets `requestId`, the caller's own or one of ours: the isolate's random name and a number. A random one for each
 * request would cost as much as all the rest of a hot call's way through the paywall.
 */
export function identifyRequest(): Guard {
  return requestId({
    generator: () => {
      // Not when the script is loaded: the platform has no randomness then.
      isolate ||= Buffer.from(randomBytes(12)).toString('hex')
      requests += 1
      return `${isolate}-${requests.toString(36)}`
    },
  })
}
