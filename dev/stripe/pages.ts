// What a person sees of the simulator: Checkout, the portal, the dashboard. Forms and links, no script.
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { guard } from './control/guard.ts'
import type { Deliveries } from './deliveries.ts'
import { StripeError } from './errors.ts'
import { routeCheckout } from './pages/checkout.ts'
import { routeDashboard } from './pages/dashboard.ts'
import { routeInvoice } from './pages/invoice.ts'
import { framed, STYLE_PATH } from './pages/layout.ts'
import { routePortal } from './pages/portal.ts'
import type { Simulator } from './simulator.ts'

/** No `form-action`: Checkout's form ends in a redirect to the shop, which is another origin. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

const STYLE = readFileSync(new URL('./pages/style.css', import.meta.url), 'utf8')

export function pagesApp(sim: Simulator, deliveries: Deliveries): Hono {
  const app = new Hono()
  app.use(guard((message) => new Response(message, { status: 403 })))
  app.use(async function pageHeaders(c, next) {
    await next()
    c.header('Content-Security-Policy', POLICY)
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('Cache-Control', 'no-store')
  })
  app.onError((error, c) => {
    if (!(error instanceof StripeError)) {
      console.error(error)
      return c.html(problem('Something went wrong', error.message), 500)
    }
    const gone = error.code === 'resource_missing'
    const status = gone ? 404 : (error.status as ContentfulStatusCode)
    return c.html(problem(gone ? 'Not found' : 'That did not work', error.message), status)
  })
  app.notFound((c) => c.html(problem('Not found', `There is no page at ${c.req.path}.`), 404))

  app.get(STYLE_PATH, (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  app.get('/', (c) => c.redirect('/dashboard'))
  routeCheckout(app, sim)
  routePortal(app, sim)
  routeInvoice(app, sim)
  routeDashboard(app, sim, deliveries)
  return app
}

function problem(title: string, message: string) {
  const body = html`<div class="stack"><h1>${title}</h1><p>${message}</p><p><a href="/dashboard">To the dashboard</a></p></div>`
  return framed({ title: `${title} · Stripe simulator`, kind: 'dashboard', body })
}
