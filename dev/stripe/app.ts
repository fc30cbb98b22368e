// The whole simulator over HTTP: Stripe's API, the control API, and the pages.
import { Hono } from 'hono'
import type { LocalEndpointOptions } from './control/endpoint.ts'
import { controlApp } from './control.ts'
import type { Deliveries } from './deliveries.ts'
import { pagesApp } from './pages.ts'
import type { Simulator } from './simulator.ts'

/** `/v1` is Stripe's, `/_sim` drives it, the rest is for a person; `/` is the dashboard. */
export function simulatorApp(
  sim: Simulator,
  deliveries: Deliveries,
  options: LocalEndpointOptions,
): Hono {
  const app = new Hono()
  app.all('/v1/*', (c) => sim.api.fetch(c.req.raw))
  app.route('/_sim', controlApp(sim, deliveries, options))
  const pages = pagesApp(sim, deliveries)
  app.all('*', (c) => pages.fetch(c.req.raw))
  return app
}
