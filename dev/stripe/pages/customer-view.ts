// One customer: clock, card, subscriptions with all that can be done to them, invoices.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import {
  defaultCardOf,
  invoicesOf,
  planName,
  priceOf,
  renewsOn,
  subscriptionsOf,
} from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import { byHandPanel } from './customer-actions.ts'
import type { Html } from './layout.ts'
import { badge, hiddenFields, postButton } from './layout.ts'
import { customerButtons, subscriptionButtons } from './overview-view.ts'
import { paymentBadge, paymentButtons } from './payment-buttons.ts'
import {
  cardWords,
  invoiceBadge,
  moment,
  money,
  rate,
  scheduledEnd,
  subscriptionBadges,
} from './words.ts'

export function customerView(sim: Simulator, customer: Stripe.Customer): Html {
  const subscriptions = subscriptionsOf(sim, customer.id)
  const back = pathOf(customer.id)
  return html`<div class="stack tight">
<h1>${customer.email ?? customer.name ?? customer.id}</h1>
<p class="id muted">${customer.id}</p>
</div>
${clockPanel(sim, customer)}
${subscriptions.map((subscription) => subscriptionPanel(sim, subscription, back))}
${invoicePanel(sim, customer.id, back)}
${byHandPanel(sim, customer, back)}`
}

function pathOf(customerId: string): string {
  return `/dashboard/customers/${customerId}`
}

function clockPanel(sim: Simulator, customer: Stripe.Customer): Html {
  const { id } = customer
  const renewal = renewsOn(sim, id)
  const card = defaultCardOf(sim, id)
  const fails = sim.data.failNextPayment.has(id)
  return html`<section class="panel stack" aria-label="Clock and card">
<dl class="facts">
<dt>Their time</dt><dd>${moment(sim.customerNow(id))}</dd>
<dt>Next renewal</dt><dd>${renewal === null ? 'none' : moment(renewal)}</dd>
<dt>Card</dt><dd>${card ? cardWords(card) : 'none on file'} ${fails ? badge('next payment will fail', 'warn') : ''}</dd>
</dl>
${customerButtons(sim, customer, pathOf(id))}
<form method="post" action="${pathOf(id)}/advance" class="row">
${hiddenFields({ back: pathOf(id) })}
<label for="days">Move the clock by days</label>
<input id="days" name="days" type="number" min="1" max="3660" value="1" class="short" required>
<button>Move</button>
</form>
</section>`
}

function subscriptionPanel(sim: Simulator, subscription: Stripe.Subscription, back: string): Html {
  const price = priceOf(subscription)
  const item = subscription.items.data[0]
  return html`<section class="panel stack" aria-label="Subscription ${subscription.id}">
<div class="row spread"><h2>${planName(sim, price)}${price ? html`, ${rate(price)}` : ''}</h2>${subscriptionBadges(subscription)}</div>
<dl class="facts">
<dt>Subscription</dt><dd class="id">${subscription.id}</dd>
${item ? html`<dt>Period</dt><dd>${moment(item.current_period_start)} to ${moment(item.current_period_end)}</dd>` : ''}
${subscription.trial_end ? html`<dt>Trial end</dt><dd>${moment(subscription.trial_end)}</dd>` : ''}
${subscription.ended_at ? html`<dt>Ended</dt><dd>${moment(subscription.ended_at)}</dd>` : ''}
</dl>
<div class="row">${scheduleButton(subscription, back)}${subscriptionButtons(subscription, back)}</div>
${planForm(sim, subscription, back)}
</section>`
}

function ended({ status }: Stripe.Subscription): boolean {
  return status === 'canceled' || status === 'incomplete_expired'
}

function scheduleButton(subscription: Stripe.Subscription, back: string): Html {
  if (ended(subscription)) return html``
  const path = `/dashboard/subscriptions/${subscription.id}`
  const about = subscription.id
  const fields = { back }
  return scheduledEnd(subscription)
    ? postButton({ action: `${path}/resume`, label: 'Take cancellation back', about, fields })
    : postButton({
        action: `${path}/cancel-at-period-end`,
        label: 'Cancel at period end',
        about,
        fields,
      })
}

function planForm(sim: Simulator, subscription: Stripe.Subscription, back: string): Html {
  const own = priceOf(subscription)
  const others = [...sim.data.prices.values()].filter(
    (price) =>
      price.active && price.recurring && price.id !== own?.id && price.currency === own?.currency,
  )
  if (ended(subscription) || others.length === 0) return html``
  const selectId = `price-${subscription.id}`
  return html`<form method="post" action="/dashboard/subscriptions/${subscription.id}/plan" class="row">
${hiddenFields({ back })}
<label for="${selectId}">Change plan to</label>
<select id="${selectId}" name="price" class="medium">
${others.map((price) => html`<option value="${price.id}">${planName(sim, price)}, ${rate(price)}</option>`)}
</select>
<button>Change</button>
</form>`
}

function invoicePanel(sim: Simulator, customerId: string, back: string): Html {
  const invoices = invoicesOf(sim, customerId)
  if (invoices.length === 0) return html``
  return html`<section class="panel flush" aria-labelledby="invoices">
<h2 id="invoices">Invoices</h2>
<table class="folds"><thead><tr><th scope="col">Made</th><th scope="col">Invoice</th><th scope="col">For</th><th scope="col">Status</th><th scope="col" class="number">Total</th><th scope="col" class="number">Attempts</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
<tbody>${invoices.map(
    (invoice) => html`<tr>
<td data-label="Made">${moment(invoice.created)}</td>
<td data-label="Invoice"><a href="/i/${invoice.id}" class="id">${invoice.number ?? invoice.id}</a></td>
<td data-label="For">${(invoice.billing_reason ?? 'manual').replaceAll('_', ' ')}</td>
<td data-label="Status"><span class="row">${invoiceBadge(invoice)}${paymentBadge(sim, invoice)}</span></td>
<td data-label="Total" class="number">${money(invoice.total, invoice.currency)}</td>
<td data-label="Attempts" class="number">${invoice.attempt_count}</td>
<td class="actions">${
      invoice.status === 'open' && invoice.id
        ? html`<div class="row">${postButton({
            action: `/dashboard/invoices/${invoice.id}/pay`,
            label: 'Pay now',
            about: invoice.number ?? invoice.id,
            fields: { back },
          })}</div>`
        : html`<div class="row">${paymentButtons(sim, invoice, back)}</div>`
    }</td></tr>`,
  )}</tbody></table>
</section>`
}
