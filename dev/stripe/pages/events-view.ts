// A list of events, each with every delivery and every attempt.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { customerOf } from '../control/queries.ts'
import type { Attempt, Delivery } from '../deliveries/log.ts'
import type { Deliveries } from '../deliveries.ts'
import type { Simulator } from '../simulator.ts'
import type { Html } from './layout.ts'
import { postButton } from './layout.ts'
import { deliveryBadge, moment } from './words.ts'

const RESPONSE_SHOWN = 90

export interface EventTable {
  heading: string
  /** The page where the table stands. */
  back: string
}

/** `events` in the order in which they are shown. */
export function eventTable(
  sim: Simulator,
  deliveries: Deliveries,
  events: readonly Stripe.Event[],
  { heading, back }: EventTable,
): Html {
  if (events.length === 0) {
    return html`<section class="panel stack"><h2>${heading}</h2><p class="muted">None yet.</p></section>`
  }
  return html`<section class="panel flush" aria-labelledby="events">
<h2 id="events">${heading}</h2>
<table class="folds"><thead><tr><th scope="col">Event</th><th scope="col">When, in the customer’s time</th><th scope="col">Deliveries</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
<tbody>${events.map((event) => eventRow(sim, event, deliveries.of(event.id), back))}</tbody></table>
</section>`
}

function eventRow(
  sim: Simulator,
  event: Stripe.Event,
  deliveries: readonly Delivery[],
  back: string,
): Html {
  const asked = sim.endpointsFor(event).length > 0
  const customerId = customerOf(sim, event)
  const email = customerId ? sim.data.customers.get(customerId)?.email : null
  return html`<tr>
<td><a href="/dashboard/events/${event.id}">${event.type}</a>${email ? html`<br><span class="muted">${email}</span>` : ''}</td>
<td data-label="When" class="nowrap">${moment(event.created, 'seconds')}</td>
<td data-label="Deliveries">${deliveries.length === 0 ? html`<span class="muted">no endpoint asked</span>` : deliveries.map(deliveryLines)}</td>
<td class="actions">${
    asked
      ? html`<div class="row">${postButton({
          action: `/dashboard/events/${event.id}/resend`,
          label: 'Send again',
          about: `${event.type} ${event.id}`,
          fields: { back },
        })}</div>`
      : ''
  }</td>
</tr>`
}

function deliveryLines(delivery: Delivery): Html {
  return html`<div class="delivery"><span>${deliveryBadge(delivery)}</span>
<ul class="attempts">${delivery.attempts.map(
    (attempt) =>
      html`<li>${attemptWords(attempt)} <code class="muted">${short(attempt.responseBody)}</code></li>`,
  )}</ul></div>`
}

/** `200 in 12 ms`, or what went wrong. */
export function attemptWords({ status, durationMs, error }: Attempt): string {
  return status === null ? `${error} (${durationMs} ms)` : `${status} in ${durationMs} ms`
}

function short(text: string): string {
  return text.length <= RESPONSE_SHOWN ? text : `${text.slice(0, RESPONSE_SHOWN)}…`
}
