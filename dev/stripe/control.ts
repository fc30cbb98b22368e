// /_sim: what tests and the demo do to the simulator that no client of Stripe could do to Stripe.
import type { Context } from 'hono'
import { Hono } from 'hono'
import { resolveClockTarget } from './control/clock.ts'
import { routeCustomersByHand } from './control/customers.ts'
import type { LocalEndpointOptions } from './control/endpoint.ts'
import { putLocalEndpoint } from './control/endpoint.ts'
import { guard } from './control/guard.ts'
import { routePayments } from './control/payments.ts'
import { eventsOf } from './control/queries.ts'
import { routeRequests } from './control/requests.ts'
import {
  advanceSchema,
  answerError,
  ControlError,
  changePlanSchema,
  endpointSchema,
  pauseCollectionSchema,
  paySchema,
  readBody,
  refusalError,
  resendSchema,
} from './control/schemas.ts'
import { knobsChangeSchema } from './deliveries/knobs.ts'
import type { Deliveries } from './deliveries.ts'
import type { Outcome, Simulator } from './simulator.ts'

/** How long `/_sim/webhooks/idle` waits at most, in milliseconds. */
const IDLE_WAIT_MS = 25_000

/** Errors are `{error: {code, message}}`; every path is relative to where it is mounted (`/_sim`). */
export function controlApp(
  sim: Simulator,
  deliveries: Deliveries,
  endpoint: LocalEndpointOptions,
): Hono {
  const app = new Hono()
  app.use(
    guard((message) => Response.json({ error: { code: 'cross_site', message } }, { status: 403 })),
  )
  app.onError(answerError)
  routeEvents(app, sim, deliveries)
  routeCustomers(app, sim)
  routeCustomersByHand(app, sim)
  routePayments(app, sim)
  routeSubscriptions(app, sim)
  routeWebhooks(app, sim, deliveries, endpoint)
  routeRequests(app, sim)
  app.all('*', (c) => {
    const message = `No ${c.req.method} ${c.req.path} in the control API.`
    return c.json({ error: { code: 'not_found', message } }, 404)
  })
  return app
}

function routeEvents(app: Hono, sim: Simulator, deliveries: Deliveries): void {
  /** Oldest first, as `api_version` prints them. */
  app.get('/events', (c) => {
    const { customer, type, api_version: version } = c.req.query()
    const events = eventsOf(sim, customer).filter((event) => !type || event.type === type)
    return c.json({ events: events.map((event) => sim.renderEvent(event, version)) })
  })

  app.get('/events/:id/deliveries', (c) => {
    const id = c.req.param('id')
    if (!sim.data.events.has(id)) throw unknownEvent(id)
    return c.json({ deliveries: deliveries.of(id) })
  })

  app.post('/events/:id/resend', async (c) => {
    const id = c.req.param('id')
    const { endpoint } = await readBody(c, resendSchema)
    const result = deliveries.resend(id, endpoint)
    switch (result.kind) {
      case 'sent':
        return c.json({ deliveries: result.deliveries })
      case 'unknown_event':
        throw unknownEvent(id)
      case 'unknown_endpoint':
        throw new ControlError(404, 'resource_missing', `No such webhook endpoint: '${endpoint}'`)
      case 'no_endpoint':
        throw new ControlError(
          409,
          'no_endpoint',
          'No enabled endpoint asks for this type of event.',
        )
    }
  })
}

function routeCustomers(app: Hono, sim: Simulator): void {
  app.post('/checkout/:sessionId/pay', async (c) => {
    const body = await readBody(c, paySchema)
    const card = {
      number: body.card,
      expMonth: body.exp_month,
      expYear: body.exp_year,
      cvc: body.cvc,
    }
    const buyer = {
      ...(body.email !== undefined && { email: body.email }),
      ...(body.name !== undefined && { name: body.name }),
    }
    const outcome = sim.payCheckout(c.req.param('sessionId'), card, buyer)
    if (!outcome.ok) throw refusalError(outcome)
    return c.json({ redirect_to: outcome.redirectTo })
  })

  app.post('/customers/:id/advance', async (c) => {
    const id = c.req.param('id')
    const { to } = await readBody(c, advanceSchema)
    const now = sim.customerNow(id)
    const target = resolveClockTarget(sim, id, to)
    if (target === null) {
      throw new ControlError(
        409,
        `no_${to}`,
        'This customer has no running subscription to wait for.',
      )
    }
    if (target < now) {
      throw new ControlError(
        409,
        'time_in_the_past',
        `A clock never goes back; it is ${now} there.`,
      )
    }
    sim.advanceCustomer(id, target)
    return c.json({ now: sim.customerNow(id) })
  })

  app.post('/customers/:id/fail-next-payment', (c) => {
    sim.failNextPayment(c.req.param('id'))
    return c.json({ ok: true })
  })
}

function routeSubscriptions(app: Hono, sim: Simulator): void {
  const act = (path: string, run: (id: string, c: Context) => void | Promise<void>): void => {
    app.post(`/subscriptions/:id/${path}`, async (c) => {
      const id = c.req.param('id') ?? ''
      await run(id, c)
      return c.json({ subscription: sim.data.subscriptions.get(id) })
    })
  }
  act('cancel-now', (id) => sim.cancelNow(id))
  act('cancel-at-period-end', (id) => sim.cancelAtPeriodEnd(id))
  act('resume', (id) => sim.resume(id))
  act('change-plan', async (id, c) => {
    const { price } = await readBody(c, changePlanSchema)
    demand(sim.changePlan(id, price))
  })
  act('pause-collection', async (id, c) => {
    const { behavior, resumes_at: resumesAt } = await readBody(c, pauseCollectionSchema)
    sim.pauseCollection(id, behavior, resumesAt)
  })
  act('unpause-collection', (id) => sim.unpauseCollection(id))
  act('pause', (id) => sim.pause(id))
  /** From either kind of pause. */
  act('unpause', (id) => {
    if (sim.data.subscriptions.get(id)?.pause_collection) sim.unpauseCollection(id)
    else demand(sim.unpause(id))
  })
}

function routeWebhooks(
  app: Hono,
  sim: Simulator,
  deliveries: Deliveries,
  options: LocalEndpointOptions,
): void {
  app.get('/webhooks', (c) => c.json({ knobs: deliveries.settings(), state: deliveries.state() }))
  app.patch('/webhooks', async (c) => {
    const change = await readBody(c, knobsChangeSchema)
    return c.json({ knobs: deliveries.configure(change), state: deliveries.state() })
  })
  app.post('/webhooks/flush', (c) => c.json({ flushed: deliveries.flush() }))

  /** Answers when nothing is under way, at the latest after 25 seconds: ask again while not `idle`. */
  app.get('/webhooks/idle', async (c) => {
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, IDLE_WAIT_MS)
    await Promise.race([deliveries.idle(), limit.promise])
    clearTimeout(timer)
    return c.json(deliveries.state())
  })

  app.put('/webhooks/endpoint', async (c) => {
    const { url, enabled_events: enabledEvents } = await readBody(c, endpointSchema)
    const id = await putLocalEndpoint(sim, options, url, enabledEvents)
    return c.json({ endpoint: sim.data.webhookEndpoints.get(id), secret: options.webhookSecret })
  })
}

function demand(outcome: Outcome): void {
  if (!outcome.ok) throw refusalError(outcome)
}

function unknownEvent(id: string): ControlError {
  return new ControlError(404, 'resource_missing', `No such event: '${id}'`)
}
