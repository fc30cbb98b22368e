// What every request carries: its clients. The request id is Hono's own middleware.
import type { Deps, Guard } from '../context.ts'
import type { Bindings } from '../env.ts'

/** Sets `deps`; throws ConfigError where the configuration is incomplete. */
export function bindDeps(depsFor: (bindings: Bindings) => Deps): Guard {
  return async function bindDeps(c, next) {
    c.set('deps', depsFor(c.env))
    await next()
  }
}
