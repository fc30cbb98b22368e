// The dashboard's first page: customers with their clocks, subscriptions with their states.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { idOf, planName, priceOf, renewsOn } from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import type { Html } from './layout.ts'
import { badge, postButton } from './layout.ts'
import { moment, rate, subscriptionBadges } from './words.ts'

const LISTED = 50

export function overviewView(sim: Simulator, search: string): Html {
  const wanted = search.toLowerCase()
  const customers = [...sim.data.customers.values()]
    .filter((customer) => matches(customer, wanted))
    .reverse()
  const ids = new Set(customers.map(({ id }) => id))
  const subscriptions = [...sim.data.subscriptions.values()]
    .filter(({ customer }) => ids.has(idOf(customer)))
    .reverse()
  return html`<div class="row spread"><h1>Customers</h1>
<form method="get" action="/dashboard" class="row" role="search">
<label for="q">Email, name or id</label>
<input id="q" name="q" type="search" value="${search}" class="search">
<button>Search</button>
</form></div>
${customerTable(sim, customers, search)}
${subscriptionTable(sim, subscriptions)}`
}

function matches({ id, email, name }: Stripe.Customer, wanted: string): boolean {
  return [id, email, name].some((text) => text?.toLowerCase().includes(wanted))
}

function customerTable(sim: Simulator, customers: Stripe.Customer[], search: string): Html {
  if (customers.length === 0) {
    const text = search
      ? 'No customer matches.'
      : 'Nobody yet. A customer appears when the app opens its first Checkout.'
    return html`<section class="panel"><p class="muted">${text}</p></section>`
  }
  return html`<section class="panel flush" aria-label="Customers">
<table class="folds"><thead><tr><th scope="col">Customer</th><th scope="col">Their time</th><th scope="col">Next renewal</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
<tbody>${customers.slice(0, LISTED).map((customer) => customerRow(sim, customer))}</tbody></table>
${more(customers.length, 'customers')}
</section>`
}

function customerRow(sim: Simulator, customer: Stripe.Customer): Html {
  const { id } = customer
  const name = customer.email ?? customer.name ?? id
  const renewal = renewsOn(sim, id)
  return html`<tr>
<td><a href="/dashboard/customers/${id}">${name}</a><br><span class="id muted">${id}</span>
${sim.data.failNextPayment.has(id) ? badge('next payment will fail', 'warn') : ''}</td>
<td data-label="Their time" class="nowrap">${moment(sim.customerNow(id))}</td>
<td data-label="Next renewal" class="nowrap">${renewal === null ? html`<span class="muted">none</span>` : moment(renewal)}</td>
<td class="actions">${customerButtons(sim, customer, '/dashboard')}</td>
</tr>`
}

/** Moves the clock, fails the next payment. `back`: the page where the buttons stand. */
export function customerButtons(sim: Simulator, customer: Stripe.Customer, back: string): Html {
  const path = `/dashboard/customers/${customer.id}`
  const about = customer.email ?? customer.id
  const renewal = postButton({
    action: `${path}/advance`,
    label: 'To next renewal',
    about,
    fields: { to: 'renewal', back },
  })
  return html`<div class="row">
${sim.nextRenewal(customer.id) === null ? '' : renewal}
${postButton({ action: `${path}/fail-next-payment`, label: 'Fail next payment', about, fields: { back } })}
</div>`
}

function subscriptionTable(sim: Simulator, subscriptions: Stripe.Subscription[]): Html {
  if (subscriptions.length === 0) return html``
  return html`<section class="panel flush" aria-labelledby="subscriptions">
<h2 id="subscriptions">Subscriptions</h2>
<table class="folds"><thead><tr><th scope="col">Plan</th><th scope="col">Customer</th><th scope="col">State</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
<tbody>${subscriptions.slice(0, LISTED).map((subscription) => subscriptionRow(sim, subscription))}</tbody></table>
${more(subscriptions.length, 'subscriptions')}
</section>`
}

function subscriptionRow(sim: Simulator, subscription: Stripe.Subscription): Html {
  const price = priceOf(subscription)
  const customerId = idOf(subscription.customer)
  return html`<tr>
<td>${planName(sim, price)}${price ? html`, ${rate(price)}` : ''}<br><span class="id muted">${subscription.id}</span></td>
<td data-label="Customer"><a href="/dashboard/customers/${customerId}">${sim.data.customers.get(customerId)?.email ?? customerId}</a></td>
<td data-label="State">${subscriptionBadges(subscription)}</td>
<td class="actions"><div class="row">${subscriptionButtons(subscription, '/dashboard')}</div></td>
</tr>`
}

/** Cancel, pause, and back. Nothing for a subscription that has ended. */
export function subscriptionButtons(subscription: Stripe.Subscription, back: string): Html {
  const { id, status, pause_collection: pausedCollection } = subscription
  if (status === 'canceled' || status === 'incomplete_expired') return html``
  const path = `/dashboard/subscriptions/${id}`
  const fields = { back }
  const pause =
    pausedCollection || status === 'paused'
      ? postButton({ action: `${path}/unpause`, label: 'Unpause', about: id, fields })
      : postButton({ action: `${path}/pause`, label: 'Pause', about: id, fields })
  return html`${pause}${postButton({ action: `${path}/cancel-now`, label: 'Cancel now', about: id, fields, tone: 'danger' })}`
}

function more(count: number, what: string): Html {
  if (count <= LISTED) return html``
  return html`<p class="empty">The ${LISTED} newest of ${count} ${what}. Search to see others.</p>`
}
