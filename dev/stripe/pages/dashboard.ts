// The dashboard: customers and subscriptions, events and their deliveries, the webhooks' knobs.
import type { Context, Hono } from 'hono'
import { html } from 'hono/html'
import { customerOf, eventsOf } from '../control/queries.ts'
import type { Deliveries } from '../deliveries.ts'
import { missing } from '../errors.ts'
import type { Simulator } from '../simulator.ts'
import { customerView } from './customer-view.ts'
import { DONE, routeActions } from './dashboard-actions.ts'
import { eventView } from './event-view.ts'
import { eventTable } from './events-view.ts'
import type { Html } from './layout.ts'
import { framed, notice } from './layout.ts'
import { overviewView } from './overview-view.ts'
import { routeWebhookPages } from './webhooks.ts'

const RECENT_EVENTS = 20
const LISTED_EVENTS = 200

export function routeDashboard(app: Hono, sim: Simulator, deliveries: Deliveries): void {
  app.get('/dashboard', (c) => {
    const search = c.req.query('q')?.trim() ?? ''
    const recent = eventsOf(sim).slice(-RECENT_EVENTS).reverse()
    return show(
      c,
      'Customers',
      html`${overviewView(sim, search)}${eventTable(sim, deliveries, recent, { heading: 'Recent events', back: '/dashboard' })}`,
    )
  })

  app.get('/dashboard/customers/:id', (c) => {
    const id = c.req.param('id')
    const customer = sim.data.customers.get(id)
    if (!customer) throw missing('customer', id, 'id')
    const events = eventsOf(sim, id).slice(-LISTED_EVENTS).reverse()
    const name = customer.email ?? customer.name ?? id
    return show(
      c,
      name,
      html`${customerView(sim, customer)}${eventTable(sim, deliveries, events, { heading: 'Events', back: c.req.path })}`,
    )
  })

  app.get('/dashboard/events', (c) => {
    const type = c.req.query('type')?.trim() ?? ''
    const all = eventsOf(sim).filter((event) => event.type.startsWith(type))
    const events = all.slice(-LISTED_EVENTS).reverse()
    const title = all.length > events.length ? `Events: the last ${LISTED_EVENTS}` : 'Events'
    return show(
      c,
      title,
      html`<h1>Events</h1>${eventTable(sim, deliveries, events, { heading: title, back: c.req.path })}`,
    )
  })

  app.get('/dashboard/events/:id', (c) => {
    const id = c.req.param('id')
    const event = sim.data.events.get(id)
    if (!event) throw missing('event', id, 'id')
    const version = c.req.query('api_version') || event.api_version
    return show(
      c,
      event.type,
      eventView(sim, event, customerOf(sim, event), deliveries.of(id), version),
    )
  })

  routeActions(app, sim, deliveries)
  routeWebhookPages(app, sim, deliveries)
}

/** A page of the dashboard with what the last form did above it. */
function show(c: Context, title: string, body: Html) {
  const done = DONE[c.req.query('done') ?? '']
  const content = html`<div class="stack loose">${done ? notice(done.text, done.tone) : ''}${body}</div>`
  return c.html(framed({ title: `${title} · Stripe simulator`, kind: 'dashboard', body: content }))
}
