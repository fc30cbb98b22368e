// How Checkout looks: the plan on one side, the form on the other.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { needsNoCard } from '../billing/checkout.ts'
import { idOf, planName } from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import type { CheckoutPlan } from '../store.ts'
import type { CardErrors, CardValues } from './card-form.ts'
import { cardFields, inputField, testCardList } from './card-form.ts'
import { linkable } from './form.ts'
import type { Html } from './layout.ts'
import { hiddenFields, NOTHING } from './layout.ts'
import { day, interval, money, rate } from './words.ts'

/** What the buyer has typed so far, and what is wrong with it. */
export interface PayForm {
  card: CardValues
  cardErrors: CardErrors
  email: string
  emailError?: string
  name: string
}

export function payView(sim: Simulator, session: Stripe.Checkout.Session, form: PayForm): Html {
  const plan = sim.data.checkoutPlans.get(session.id)
  return html`<div class="checkout">
<section class="stack" aria-labelledby="what">
${backLink(session)}
${summary(sim, session, plan)}
</section>
${payForm(sim, session, form, plan)}
</div>`
}

export function finishedView(session: Stripe.Checkout.Session, next: string | null): Html {
  const paid = session.status === 'complete'
  const onwards = linkable(next)
  return html`<div class="panel stack">
<h1>${paid ? 'You have already paid' : 'This checkout has expired'}</h1>
<p>${
    paid
      ? 'This checkout is complete. Nothing was charged a second time.'
      : 'It can no longer be paid. Go back and start again to buy the plan.'
  }</p>
${onwards ? html`<p><a href="${onwards}">Continue to the site</a></p>` : backLink(session)}
</div>`
}

/** What the buyer's bank would ask (3-D Secure): the page of the bank, simulated too. */
export function authenticationView(session: Stripe.Checkout.Session, form: PayForm): Html {
  const { card, email, name } = form
  return html`<form method="post" action="/c/pay/${session.id}" class="panel stack">
<h1>Confirm the payment</h1>
<p>The bank of the card ending in ${card.number.replaceAll(/\D/g, '').slice(-4)} wants to know that it is you (3-D Secure). Here you say how that goes.</p>
${hiddenFields({ ...card, email, name })}
<div class="row">
<button class="primary" name="authentication" value="complete">Complete</button>
<button name="authentication" value="fail">Fail</button>
</div>
</form>`
}

function backLink(session: Stripe.Checkout.Session): Html {
  const cancel = linkable(session.cancel_url)
  return cancel
    ? html`<p><a href="${cancel}"><span aria-hidden="true">←</span> Back to the site</a></p>`
    : NOTHING
}

function summary(
  sim: Simulator,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan | undefined,
): Html {
  const lines = plan?.lineItems ?? []
  const price = lines[0]?.price ?? undefined
  const product = price && sim.data.products.get(idOf(price.product))
  const trial = plan && trialWords(plan)
  const currency = session.currency ?? 'usd'
  return html`<div><p class="muted">Subscribe to</p><h1 id="what">${planName(sim, price)}</h1></div>
${price ? priceHeading(price, lines[0]?.quantity ?? 1) : ''}
${trial ? html`<p>${trial} first, then ${price ? rate(price, lines[0]?.quantity ?? 1) : 'the plan’s price'}.</p>` : ''}
${product?.description ? html`<p class="muted">${product.description}</p>` : ''}
<dl class="sum">
${lines.map(
  (line) =>
    html`<dt>${planName(sim, line.price ?? undefined)}${(line.quantity ?? 1) > 1 ? ` × ${line.quantity}` : ''}</dt><dd>${line.price ? rate(line.price, line.quantity ?? 1) : money(line.amount_total, line.currency)}</dd>`,
)}
<dt class="total">Due today</dt><dd class="total">${money(session.amount_total ?? 0, currency)}</dd>
</dl>`
}

function priceHeading(price: Stripe.Price, quantity: number): Html {
  const amount = money((price.unit_amount ?? 0) * quantity, price.currency)
  return html`<p class="price">${amount} <small>${interval(price)}</small></p>`
}

function trialWords({ trialPeriodDays, trialEnd }: CheckoutPlan): string | null {
  if (trialPeriodDays)
    return trialPeriodDays === 1 ? 'One day free' : `${trialPeriodDays} days free`
  return trialEnd ? `Free until ${day(trialEnd)}` : null
}

function payForm(
  sim: Simulator,
  session: Stripe.Checkout.Session,
  form: PayForm,
  plan: CheckoutPlan | undefined,
): Html {
  const path = `/c/pay/${session.id}`
  const cardless = needsNoCard(session)
  const trial = plan !== undefined && trialWords(plan) !== null
  return html`<div class="stack">
<form method="post" action="${path}" class="panel stack" novalidate aria-label="Payment">
${emailField(sim, session, form)}
${
  cardless
    ? ''
    : html`${cardFields(form.card, form.cardErrors)}
${inputField({ name: 'name', label: 'Name on the card', value: form.name, autocomplete: 'cc-name' })}`
}
<button class="primary pay">${trial ? 'Start trial' : 'Subscribe'}</button>
<p class="muted small">${cardless ? 'No card is needed now.' : chargeWords(trial)}</p>
</form>
${cardless ? '' : testCardList(path, form.card.number)}
</div>`
}

function chargeWords(trial: boolean): string {
  return trial
    ? 'The card is charged when the trial ends, then each period until you cancel.'
    : 'The card is charged now and then each period until you cancel.'
}

function emailField(sim: Simulator, session: Stripe.Checkout.Session, form: PayForm): Html {
  const customer = session.customer && sim.data.customers.get(idOf(session.customer))
  const known = (customer ? customer.email : null) ?? session.customer_email
  if (known) return html`<p><span class="label">Email</span>${known}</p>`
  if (session.customer) return NOTHING
  return inputField({
    name: 'email',
    label: 'Email',
    type: 'email',
    value: form.email,
    error: form.emailError,
    autocomplete: 'email',
  })
}
