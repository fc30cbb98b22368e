// What the dashboard's buttons do. Each is a form's POST that ends in a redirect back to its page.
import type { Context, Hono } from 'hono'
import type { ClockTarget } from '../control/clock.ts'
import { resolveClockTarget } from '../control/clock.ts'
import type { Deliveries } from '../deliveries.ts'
import { invalid } from '../errors.ts'
import type { Outcome, Simulator } from '../simulator.ts'
import { routeByHand } from './customer-actions.ts'
import { readForm } from './form.ts'
import type { Tone } from './layout.ts'

/** What a redirect may announce: a closed list, so that an address cannot put words on the page. */
export const DONE: Record<string, { text: string; tone: Tone }> = {
  advanced: {
    text: 'The customer’s clock was moved. What was due until then has happened.',
    tone: 'good',
  },
  no_renewal: { text: 'This customer has no subscription that will renew.', tone: 'warn' },
  will_fail: { text: 'The customer’s next payment will fail.', tone: 'warn' },
  cancelled: { text: 'The subscription was cancelled at once.', tone: 'good' },
  scheduled: { text: 'The subscription will end with its period.', tone: 'good' },
  resumed: { text: 'The subscription goes on.', tone: 'good' },
  paused: { text: 'Collection is paused: invoices are voided until it is resumed.', tone: 'good' },
  plan: { text: 'The plan was changed.', tone: 'good' },
  paid: { text: 'The invoice was paid.', tone: 'good' },
  refunded: { text: 'The payment was refunded.', tone: 'good' },
  disputed: {
    text: 'The payment is disputed: its money is withdrawn until that is decided.',
    tone: 'warn',
  },
  won: { text: 'The dispute was won: the money is back.', tone: 'good' },
  lost: { text: 'The dispute was lost.', tone: 'warn' },
  subscribed: { text: 'The subscription was made.', tone: 'good' },
  deleted: { text: 'The customer was deleted, and what ran for them ended.', tone: 'good' },
  refused: { text: 'The payment was declined.', tone: 'bad' },
  sent: { text: 'The event is on its way again.', tone: 'good' },
  no_endpoint: { text: 'Not sent: no enabled endpoint asks for this type of event.', tone: 'warn' },
  knobs: { text: 'The knobs are turned.', tone: 'good' },
  flushed: { text: 'What was held is on its way.', tone: 'good' },
}

type Done = string

export function routeActions(app: Hono, sim: Simulator, deliveries: Deliveries): void {
  const action = (path: string, run: (id: string, fields: URLSearchParams) => Done): void => {
    app.post(path, async (c: Context) => {
      const fields = await readForm(c)
      const done = run(c.req.param('id') ?? '', fields)
      return c.redirect(`${backTo(fields)}?done=${done}`, 303)
    })
  }

  action('/dashboard/customers/:id/advance', (id, fields) => {
    const target = resolveClockTarget(sim, id, clockTarget(fields))
    if (target === null) return 'no_renewal'
    sim.advanceCustomer(id, target)
    return 'advanced'
  })
  action('/dashboard/customers/:id/fail-next-payment', (id) => {
    sim.failNextPayment(id)
    return 'will_fail'
  })

  action('/dashboard/subscriptions/:id/cancel-now', (id) => {
    sim.cancelNow(id)
    return 'cancelled'
  })
  action('/dashboard/subscriptions/:id/cancel-at-period-end', (id) => {
    sim.cancelAtPeriodEnd(id)
    return 'scheduled'
  })
  action('/dashboard/subscriptions/:id/resume', (id) => {
    sim.resume(id)
    return 'resumed'
  })
  action('/dashboard/subscriptions/:id/pause', (id) => {
    sim.pauseCollection(id, 'void')
    return 'paused'
  })
  action('/dashboard/subscriptions/:id/unpause', (id) => {
    if (sim.data.subscriptions.get(id)?.pause_collection) sim.unpauseCollection(id)
    else return said(sim.unpause(id), 'resumed')
    return 'resumed'
  })
  action('/dashboard/subscriptions/:id/plan', (id, fields) =>
    said(sim.changePlan(id, fields.get('price') ?? ''), 'plan'),
  )

  action('/dashboard/invoices/:id/pay', (id) => said(sim.payInvoice(id), 'paid'))

  action('/dashboard/charges/:id/refund', (id) => {
    sim.refundCharge(id)
    return 'refunded'
  })
  action('/dashboard/charges/:id/dispute', (id) => {
    sim.openDispute(id)
    return 'disputed'
  })
  action('/dashboard/disputes/:id/win', (id) => {
    sim.closeDispute(id, 'won')
    return 'won'
  })
  action('/dashboard/disputes/:id/lose', (id) => {
    sim.closeDispute(id, 'lost')
    return 'lost'
  })
  routeByHand(action, sim)

  action('/dashboard/events/:id/resend', (id, fields) => {
    const result = deliveries.resend(id, fields.get('endpoint') ?? undefined)
    if (result.kind === 'unknown_event') throw invalid(`No such event: '${id}'`)
    return result.kind === 'sent' ? 'sent' : 'no_endpoint'
  })
}

/** Where the form stood: a page of the dashboard and nothing else. */
export function backTo(fields: URLSearchParams): string {
  const back = fields.get('back') ?? ''
  return /^\/dashboard(\/[\w-]+)*$/.test(back) ? back : '/dashboard'
}

function clockTarget(fields: URLSearchParams): ClockTarget {
  const to = fields.get('to')
  if (to === 'renewal' || to === 'period_end') return to
  const days = Number(fields.get('days'))
  if (!(days > 0 && days <= 3660)) throw invalid('Say by how many days: from 1 to 3660.')
  return { days }
}

function said(outcome: Outcome, done: Done): Done {
  return outcome.ok ? done : 'refused'
}
