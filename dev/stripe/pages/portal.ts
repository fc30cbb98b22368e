// The customer portal: GET /p/session/:id, and what its forms do.
import type { Context, Hono } from 'hono'
import type { Stripe } from 'stripe'
import { idOf, subscriptionsOf } from '../control/queries.ts'
import { invalid, missing } from '../errors.ts'
import type { Outcome, Simulator } from '../simulator.ts'
import { PREFILLED, prefilled, readCard, refusalErrors, typedCard } from './card-form.ts'
import { readForm } from './form.ts'
import { framed } from './layout.ts'
import { allowedPrices, portalFeatures } from './portal-features.ts'
import type { PortalMessages } from './portal-view.ts'
import { portalView } from './portal-view.ts'

/** What a redirect may announce: a closed list, so that an address cannot put words on the page. */
const DONE: Record<string, string> = {
  plan: 'Your plan was changed.',
  cancel: 'Your plan will end with the current period.',
  resume: 'Your plan goes on: the cancellation was taken back.',
  card: 'Your card was updated.',
}

export function routePortal(app: Hono, sim: Simulator): void {
  app.get('/p/session/:id', (c) => {
    const session = findSession(sim, c.req.param('id'))
    const card = c.req.query('card')
    const done = DONE[c.req.query('done') ?? '']
    const messages = {
      card: prefilled(card),
      cardErrors: {},
      cardOpen: card !== undefined,
      ...(done && { done }),
    }
    return show(c, sim, session, messages)
  })

  app.post('/p/session/:id/plan', (c) =>
    change(c, sim, 'plan', (subscription, fields, session) => {
      const price = fields.get('price') ?? ''
      if (!allowedPrices(sim, session, subscription).some(({ id }) => id === price)) {
        throw invalid('This portal does not offer that price.', { code: 'price_not_offered' })
      }
      const { prorationBehavior } = portalFeatures(sim, session).changePlan ?? {}
      return sim.changePlan(subscription.id, price, prorationBehavior)
    }),
  )
  app.post('/p/session/:id/cancel', (c) =>
    change(c, sim, 'cancel', (subscription, _fields, session) => {
      const { cancel } = portalFeatures(sim, session)
      if (!cancel) throw invalid('This portal does not offer to cancel.')
      if (cancel.mode === 'immediately') sim.cancelNow(subscription.id, cancel.prorationBehavior)
      else sim.cancelAtPeriodEnd(subscription.id)
      return { ok: true }
    }),
  )
  app.post('/p/session/:id/resume', (c) =>
    change(c, sim, 'resume', (subscription) => {
      sim.resume(subscription.id)
      return { ok: true }
    }),
  )

  app.post('/p/session/:id/card', async (c) => {
    const typed = typedCard(await readForm(c))
    const session = findSession(sim, c.req.param('id'))
    if (!portalFeatures(sim, session).card)
      throw invalid('This portal does not offer to change the card.')
    const read = readCard(typed)
    if (!read.ok) return show(c, sim, session, { card: typed, cardErrors: read.errors }, 422)
    const outcome = sim.setCard(idOf(session.customer), read.card)
    if (outcome.ok) return c.redirect(`/p/session/${session.id}?done=card`, 303)
    return show(c, sim, session, { card: typed, cardErrors: refusalErrors(outcome) }, 402)
  })
}

/** A form about one of the customer's own subscriptions. */
async function change(
  c: Context,
  sim: Simulator,
  done: keyof typeof DONE,
  run: (
    subscription: Stripe.Subscription,
    fields: URLSearchParams,
    session: Stripe.BillingPortal.Session,
  ) => Outcome,
) {
  const fields = await readForm(c)
  const session = findSession(sim, c.req.param('id') ?? '')
  const wanted = fields.get('subscription') ?? ''
  const subscription = subscriptionsOf(sim, idOf(session.customer)).find(({ id }) => id === wanted)
  if (!subscription) throw missing('subscription', wanted, 'id')
  const outcome = run(subscription, fields, session)
  if (outcome.ok) return c.redirect(`/p/session/${session.id}?done=${done}`, 303)
  const messages = { failed: outcome.message, card: PREFILLED, cardErrors: {} }
  return show(c, sim, session, messages, 402)
}

function findSession(sim: Simulator, id: string): Stripe.BillingPortal.Session {
  const session = sim.data.portalSessions.get(id)
  if (!session) throw missing('billing_portal.session', id, 'id')
  return session
}

function show(
  c: Context,
  sim: Simulator,
  session: Stripe.BillingPortal.Session,
  messages: PortalMessages,
  status: 200 | 402 | 422 = 200,
) {
  const body = portalView(sim, session, messages)
  return c.html(framed({ title: 'Your plan', kind: 'portal', body }), status)
}
