// How the portal looks: the plan and its state, the card, the invoices.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import {
  defaultCardOf,
  idOf,
  invoicesOf,
  planName,
  priceOf,
  subscriptionsOf,
} from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import type { CardErrors, CardValues } from './card-form.ts'
import { cardFields, testCardList } from './card-form.ts'
import { linkable } from './form.ts'
import type { Html } from './layout.ts'
import { hiddenFields, NOTHING, notice, postButton } from './layout.ts'
import { allowedPrices, portalFeatures } from './portal-features.ts'
import {
  cardWords,
  day,
  interval,
  invoiceBadge,
  money,
  rate,
  scheduledEnd,
  subscriptionBadges,
  subscriptionSentence,
} from './words.ts'

/** What the page says beside the customer's state. */
export interface PortalMessages {
  done?: string
  failed?: string
  card: CardValues
  cardErrors: CardErrors
  /** Whether the card's form is unfolded. */
  cardOpen?: boolean
}

type Session = Stripe.BillingPortal.Session

export function portalView(sim: Simulator, session: Session, messages: PortalMessages): Html {
  const customerId = idOf(session.customer)
  const email = sim.data.customers.get(customerId)?.email
  const back = linkable(session.return_url)
  const features = portalFeatures(sim, session)
  const subscriptions = subscriptionsOf(sim, customerId)
  const running = subscriptions.filter(runs)
  const shown = running.length > 0 ? running : subscriptions.slice(0, 1)
  return html`<div class="stack loose">
<div class="stack tight">
${back ? html`<p><a href="${back}"><span aria-hidden="true">←</span> Back to the site</a></p>` : ''}
<h1>Your plan</h1>
${email ? html`<p class="muted">${email}</p>` : ''}
</div>
${messages.done ? notice(messages.done, 'good') : ''}
${messages.failed ? notice(messages.failed, 'bad') : ''}
${
  shown.length === 0
    ? html`<p class="panel">You have no plan yet.</p>`
    : shown.map((subscription) => planPanel(sim, session, subscription))
}
${features.card ? cardPanel(sim, session, messages) : ''}
${features.invoices ? invoicePanel(sim, customerId) : ''}
</div>`
}

function planPanel(sim: Simulator, session: Session, subscription: Stripe.Subscription): Html {
  const price = priceOf(subscription)
  return html`<section class="panel stack" aria-label="Plan ${planName(sim, price)}">
<div class="row spread"><h2>${planName(sim, price)}</h2>${subscriptionBadges(subscription)}</div>
${price ? html`<p class="price">${money(price.unit_amount ?? 0, price.currency)} <small>${interval(price)}</small></p>` : ''}
<p>${subscriptionSentence(subscription)}</p>
${runs(subscription) ? planActions(sim, session, subscription) : ''}
</section>`
}

function planActions(sim: Simulator, session: Session, subscription: Stripe.Subscription): Html {
  const path = `/p/session/${session.id}`
  const fields = { subscription: subscription.id }
  if (scheduledEnd(subscription)) {
    return postButton({ action: `${path}/resume`, label: 'Keep my plan', fields, tone: 'primary' })
  }
  return html`${changePlan(sim, session, subscription)}${cancelPlan(sim, session, subscription)}`
}

function changePlan(sim: Simulator, session: Session, subscription: Stripe.Subscription): Html {
  const own = priceOf(subscription)
  const prices = allowedPrices(sim, session, subscription)
  if (prices.length < 2) return NOTHING
  const credited = portalFeatures(sim, session).changePlan?.prorationBehavior !== 'none'
  return html`<details>
<summary>Change plan</summary>
<form method="post" action="/p/session/${session.id}/plan" class="stack">
${hiddenFields({ subscription: subscription.id })}
<fieldset><legend>Choose a plan</legend>
<ul class="choices">${prices.map(
    (price) => html`<li><label>
<input type="radio" name="price" value="${price.id}"${price.id === own?.id ? html` checked` : ''}>
<span>${planName(sim, price)}${price.id === own?.id ? html` <span class="muted">(now)</span>` : ''}</span>
<span class="amount">${rate(price)}</span></label></li>`,
  )}</ul></fieldset>
<p class="muted small">The change takes effect at once.${credited ? ' What is left of the paid period is credited.' : ''}</p>
<button class="primary">Change plan</button>
</form>
</details>`
}

function cancelPlan(sim: Simulator, session: Session, subscription: Stripe.Subscription): Html {
  const { cancel } = portalFeatures(sim, session)
  if (!cancel) return NOTHING
  const end = subscription.items.data[0]?.current_period_end
  const until =
    cancel.mode === 'at_period_end' && end
      ? `You keep access until ${day(end)} and are not charged again. You can take this back until then.`
      : 'Your plan ends at once.'
  return html`<details>
<summary>Cancel plan</summary>
<div class="stack">
<p>${until}</p>
${postButton({
  action: `/p/session/${session.id}/cancel`,
  label: 'Yes, cancel my plan',
  fields: { subscription: subscription.id },
  tone: 'danger',
})}
</div>
</details>`
}

function cardPanel(
  sim: Simulator,
  session: Session,
  { card, cardErrors, cardOpen }: PortalMessages,
): Html {
  const path = `/p/session/${session.id}`
  const current = defaultCardOf(sim, idOf(session.customer))
  const wrong = Object.keys(cardErrors).length > 0
  return html`<section class="panel stack" aria-labelledby="card">
<h2 id="card">Card</h2>
<p>${current ? cardWords(current) : 'There is no card on file.'}</p>
<details${wrong || cardOpen ? html` open` : ''}>
<summary>Update card</summary>
<div class="stack">
<form method="post" action="${path}/card" class="stack" novalidate>
${cardFields(card, cardErrors)}
<button class="primary">Save card</button>
</form>
${testCardList(path, card.number)}
</div>
</details>
</section>`
}

function invoicePanel(sim: Simulator, customerId: string): Html {
  const invoices = invoicesOf(sim, customerId)
  if (invoices.length === 0) {
    return html`<section class="panel stack"><h2>Invoices</h2><p class="muted">None yet.</p></section>`
  }
  return html`<section class="panel flush" aria-labelledby="invoices">
<h2 id="invoices">Invoices</h2>
<table class="folds"><thead><tr><th scope="col">Date</th><th scope="col">Number</th><th scope="col">Status</th><th scope="col" class="number">Amount</th></tr></thead>
<tbody>${invoices.map(
    (invoice) => html`<tr><td data-label="Date">${day(invoice.created)}</td>
<td data-label="Number">${invoice.number ? html`<a href="/i/${invoice.id}" class="id">${invoice.number}</a>` : 'draft'}</td>
<td data-label="Status">${invoiceBadge(invoice)}</td>
<td data-label="Amount" class="number">${money(invoice.total, invoice.currency)}</td></tr>`,
  )}</tbody></table>
</section>`
}

/** A subscription that may still change. */
function runs({ status }: Stripe.Subscription): boolean {
  return status !== 'canceled' && status !== 'incomplete_expired'
}
