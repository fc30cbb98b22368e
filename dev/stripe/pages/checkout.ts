// Checkout: what is bought, the card, and where the buyer goes then. GET and POST /c/pay/:sessionId
import type { Context, Hono } from 'hono'
import type { Stripe } from 'stripe'
import { needsNoCard } from '../billing/checkout.ts'
import { missing } from '../errors.ts'
import type { Simulator } from '../simulator.ts'
import type { CardErrors } from './card-form.ts'
import { prefilled, readCard, refusalErrors, typedCard } from './card-form.ts'
import type { PayForm } from './checkout-view.ts'
import { authenticationView, finishedView, payView } from './checkout-view.ts'
import { readForm } from './form.ts'
import { framed } from './layout.ts'

const NOT_AUTHENTICATED: CardErrors = {
  number: 'We are unable to authenticate your card. Choose a different one and try again.',
}

export function routeCheckout(app: Hono, sim: Simulator): void {
  app.get('/c/pay/:sessionId', (c) => {
    const session = findSession(sim, c.req.param('sessionId'))
    if (session.status !== 'open') return finished(c, session)
    return show(c, sim, session, {
      card: prefilled(c.req.query('card')),
      cardErrors: {},
      email: session.customer_email ?? '',
      name: 'Test Buyer',
    })
  })

  app.post('/c/pay/:sessionId', async (c) => {
    const fields = await readForm(c)
    const session = findSession(sim, c.req.param('sessionId'))
    // The second of two clicks: the first one paid, and both go where the first one goes.
    if (session.status === 'complete') return c.redirect(afterPaying(session), 303)
    if (session.status === 'expired') return finished(c, session)

    const typed = typedCard(fields)
    const form: PayForm = {
      card: typed,
      cardErrors: {},
      email: (session.customer_email ?? fields.get('email') ?? '').trim(),
      name: (fields.get('name') ?? '').trim(),
    }
    const read = needsNoCard(session) ? { ok: true as const, card: null } : readCard(typed)
    if (!read.ok) form.cardErrors = read.errors
    if (!session.customer && !/^[^\s@]+@[^\s@]+$/.test(form.email)) {
      form.emailError = 'Write an email address, such as ada@example.com.'
    }
    if (!read.ok || form.emailError) return show(c, sim, session, form, 422)

    const answer = fields.get('authentication')
    if (answer === 'fail')
      return show(c, sim, session, { ...form, cardErrors: NOT_AUTHENTICATED }, 402)
    const buyer = {
      name: form.name,
      authenticated: answer === 'complete',
      ...(session.customer ? {} : { email: form.email }),
    }
    const outcome = sim.payCheckout(session.id, read.card, buyer)
    if (outcome.ok) return c.redirect(outcome.redirectTo, 303)
    if (outcome.code === 'authentication_required' && answer === null) {
      const body = authenticationView(session, form)
      return c.html(framed({ title: 'Confirm the payment', kind: 'portal', body }))
    }
    return show(c, sim, session, { ...form, cardErrors: refusalErrors(outcome) }, 402)
  })
}

function findSession(sim: Simulator, id: string): Stripe.Checkout.Session {
  const session = sim.data.checkoutSessions.get(id)
  if (!session) throw missing('checkout.session', id, 'id')
  return session
}

function show(
  c: Context,
  sim: Simulator,
  session: Stripe.Checkout.Session,
  form: PayForm,
  status: 200 | 402 | 422 = 200,
) {
  const title = status === 200 ? 'Checkout' : 'Error: Checkout'
  return c.html(framed({ title, kind: 'checkout', body: payView(sim, session, form) }), status)
}

function finished(c: Context, session: Stripe.Checkout.Session) {
  const body = finishedView(session, session.status === 'complete' ? afterPaying(session) : null)
  const status = session.status === 'expired' ? 410 : 200
  return c.html(framed({ title: 'Checkout', kind: 'checkout', body }), status)
}

/** The success URL with the session's id in it. */
function afterPaying({ id, success_url: url }: Stripe.Checkout.Session): string {
  return (url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', id)
}
