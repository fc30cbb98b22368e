// One event: what it says in an API version, and how each delivery of it went.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import type { Delivery } from '../deliveries/log.ts'
import type { Simulator } from '../simulator.ts'
import { attemptWords } from './events-view.ts'
import type { Html } from './layout.ts'
import { postButton } from './layout.ts'
import { deliveryBadge, moment } from './words.ts'

/** The last version before basil, which moved the period and the invoice's subscription. */
const BEFORE_BASIL = '2025-02-24.acacia'

export function eventView(
  sim: Simulator,
  event: Stripe.Event,
  customerId: string | null,
  deliveries: readonly Delivery[],
  version: string | null,
): Html {
  const printed = JSON.stringify(sim.renderEvent(event, version), null, 2)
  return html`<div class="stack tight"><h1>${event.type}</h1><p class="id muted">${event.id}</p></div>
<section class="panel stack" aria-label="Facts">
<dl class="facts">
<dt>Happened</dt><dd>${moment(event.created, 'seconds')}</dd>
${customerId ? html`<dt>Customer</dt><dd><a href="/dashboard/customers/${customerId}">${sim.data.customers.get(customerId)?.email ?? customerId}</a></dd>` : ''}
<dt>Endpoints still to answer</dt><dd>${event.pending_webhooks}</dd>
</dl>
${resendButton(event, 'Send again')}
</section>
<section class="panel stack" aria-labelledby="deliveries">
<h2 id="deliveries">Deliveries</h2>
${deliveries.length === 0 ? html`<p class="muted">No enabled endpoint asked for this type when it happened.</p>` : deliveries.map((delivery) => deliveryView(event, delivery))}
</section>
<section class="stack" aria-labelledby="json">
<div class="row spread"><h2 id="json">As sent</h2>${versionForm(sim, event, version)}</div>
<pre tabindex="0" aria-labelledby="json">${printed}</pre>
</section>`
}

function deliveryView(event: Stripe.Event, delivery: Delivery): Html {
  const { endpointId, nextAttemptAt, trigger, attempts } = delivery
  return html`<article class="stack tight">
<div class="row spread">
<div class="row">${deliveryBadge(delivery)}<span class="url">${delivery.url}</span>${trigger === 'resend' ? html`<span class="muted">sent again by hand</span>` : ''}</div>
${resendButton(event, 'Send again here', endpointId)}
</div>
${attempts.map(
  (
    attempt,
  ) => html`<details><summary>${attemptWords(attempt)}, ${moment(attempt.at / 1000, 'seconds')}</summary>
${attempt.error ? html`<p class="error">${attempt.error}</p>` : ''}
${attempt.responseBody ? html`<pre tabindex="0" aria-label="Response">${attempt.responseBody}</pre>` : html`<p class="muted">The response had no body.</p>`}</details>`,
)}
${nextAttemptAt ? html`<p class="muted">Next try: ${moment(nextAttemptAt / 1000, 'seconds')}</p>` : ''}
</article>`
}

function resendButton(event: Stripe.Event, label: string, endpoint?: string): Html {
  const back = `/dashboard/events/${event.id}`
  return postButton({
    action: `${back}/resend`,
    label,
    about: event.id,
    fields: { back, ...(endpoint && { endpoint }) },
  })
}

function versionForm(sim: Simulator, event: Stripe.Event, version: string | null): Html {
  const endpointVersions = [...sim.data.webhookEndpoints.values()].map(
    ({ api_version: pinned }) => pinned,
  )
  const offered = [event.api_version, ...endpointVersions, BEFORE_BASIL, version]
  const versions = [...new Set(offered.filter((name) => name !== null))]
  return html`<form method="get" class="row">
<label for="api_version">API version</label>
<select id="api_version" name="api_version" class="medium">
${versions.map((name) => html`<option${name === version ? html` selected` : ''}>${name}</option>`)}
</select>
<button>Show</button>
</form>`
}
