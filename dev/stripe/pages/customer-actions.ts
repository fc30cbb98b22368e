// What a seller does to a customer by hand: subscribe them to a price, delete them.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { planName } from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import type { Html } from './layout.ts'
import { hiddenFields, postButton } from './layout.ts'
import { rate } from './words.ts'

const DAYS_UNTIL_DUE = 30

export function byHandPanel(sim: Simulator, { id }: Stripe.Customer, back: string): Html {
  const prices = [...sim.data.prices.values()].filter((price) => price.active && price.recurring)
  const subscribe = html`<form method="post" action="${back}/subscribe" class="row">
${hiddenFields({ back })}
<label for="new-price">Subscribe to</label>
<select id="new-price" name="price" class="medium">
${prices.map((price) => html`<option value="${price.id}">${planName(sim, price)}, ${rate(price)}</option>`)}
</select>
<label for="collect">and</label>
<select id="collect" name="collect" class="medium">
<option value="charge">charge the card on file</option>
<option value="send">send invoices, due in ${DAYS_UNTIL_DUE} days</option>
</select>
<button>Subscribe</button>
</form>`
  return html`<section class="panel stack" aria-labelledby="by-hand">
<h2 id="by-hand">By hand</h2>
${prices.length > 0 ? subscribe : ''}
<div class="row">${postButton({ action: `${back}/delete`, label: 'Delete customer', about: id, fields: { back }, tone: 'danger' })}</div>
</section>`
}

type Action = (path: string, run: (id: string, fields: URLSearchParams) => string) => void

export function routeByHand(action: Action, sim: Simulator): void {
  action('/dashboard/customers/:id/subscribe', (id, fields) => {
    const sent = fields.get('collect') === 'send'
    const terms = sent ? { daysUntilDue: DAYS_UNTIL_DUE } : {}
    const made = sim.subscribe(id, fields.get('price') ?? '', terms)
    if (!made.ok) return 'refused'
    const { status } = sim.data.subscriptions.get(made.subscription) ?? {}
    return status === 'incomplete' ? 'refused' : 'subscribed'
  })
  action('/dashboard/customers/:id/delete', (id, fields) => {
    sim.deleteCustomer(id)
    // Their page is gone.
    fields.set('back', '/dashboard')
    return 'deleted'
  })
}
