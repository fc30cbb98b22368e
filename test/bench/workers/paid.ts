// The whole app, and among its routes the bare route's handler twice: behind the paywall, and behind nothing but what
// every request of the app goes through.
import { Hono } from 'hono'
import { createApp } from '../../../src/app.ts'
import type { AppContext, AppEnv } from '../../../src/context.ts'
import { answerError } from '../../../src/http/errors.ts'
import { paywall } from '../../../src/paywall/middleware.ts'
import { answer } from './answer.ts'

/** The app's last routes take whatever no other route of it has taken: ours must stand before them. */
function withBenchRoutes({ routes }: Hono<AppEnv>): Hono<AppEnv> {
  const last = routes.findLastIndex(({ path }) => path.startsWith('/api/v1/'))
  const end = last + 1
  if (routes[end]?.path !== '/*')
    throw new Error('The app no longer ends with what takes every path')
  const app = new Hono<AppEnv>()
  app.onError(answerError)
  const add = (some: typeof routes) => {
    for (const { method, path, handler } of some) app.on(method, path, handler)
  }
  add(routes.slice(0, end))
  app.get('/api/v1/bench', paywall(), answer)
  app.get('/api/v1/bench-open', answer)
  app.get('/api/v1/bench-slow', paywall(), slowly)
  app.get('/api/v1/bench-slow-exact', paywall(oneByOne), slowly)
  add(routes.slice(end))
  return app
}

/** A call with units of its own. */
const oneByOne = () => ({ apiCalls: 1, reactions: 1 })

/** Longer than it takes a caller to leave. */
async function slowly(c: AppContext): Promise<Response> {
  await c.var.deps.pause(1_500)
  return answer(c)
}

export default { fetch: withBenchRoutes(createApp()).fetch }
