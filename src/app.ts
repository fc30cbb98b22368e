// The map: what every request goes through, and where each path leads.
import { Hono } from 'hono'
import { accountRoutes } from './account/routes.ts'
import { authenticated } from './auth/middleware.ts'
import { authRoutes } from './auth/routes.ts'
import { billingRoutes } from './billing/routes.ts'
import { webhookRoutes } from './billing/webhook.ts'
import type { AppEnv, Deps } from './context.ts'
import { datasetRoutes } from './datasets/routes.ts'
import { depsFor } from './deps.ts'
import type { Bindings } from './env.ts'
import { ownPaths } from './gateway/own-paths.ts'
import { gatewayRoutes } from './gateway/routes.ts'
import { answerError, answerNotFound } from './http/errors.ts'
import { healthRoutes } from './http/health.ts'
import { ownPathFinder } from './http/methods.ts'
import { openRequest, timed } from './http/middleware.ts'
import { keyRoutes } from './keys/routes.ts'
import { openapiRoutes } from './openapi/routes.ts'
import { paywall } from './paywall/middleware.ts'
import { usageRoutes } from './usage/routes.ts'

/** The app; `deps` lets a test replace time, randomness and the log. */
export function createApp(deps: (bindings: Bindings) => Deps = depsFor): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  const api = new Hono<AppEnv>()
  const guard = timed(authenticated())

  const findOwnPath = ownPathFinder(app)

  app.onError(answerError)
  app.notFound(answerNotFound(findOwnPath))
  app.use(openRequest(deps, { bare: '/api/v1/health', findOwnPath }))

  api.route('/health', healthRoutes())
  api.route('/openapi.json', openapiRoutes())
  api.route('/auth', authRoutes())
  api.route(
    '/account',
    accountRoutes({ anyone: guard, person: timed(authenticated({ by: 'token' })) }),
  )
  api.route('/keys', keyRoutes(guard))
  api.route('/billing/webhooks', webhookRoutes())
  api.route('/billing/usage', usageRoutes(guard))
  api.route('/billing', billingRoutes(guard))
  api.route('/datasets', datasetRoutes(paywall))

  // Routes are copied when they are mounted: these stand last.
  app.route('/api/v1', api)
  // Whatever else is asked for is the seller's own API, where there is one.
  app.route('/', gatewayRoutes({ paywall, isOurs: ownPaths(app.routes) }))
  return app
}
