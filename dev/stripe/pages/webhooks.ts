// The webhooks page: endpoints, and the knobs on how their deliveries behave.
import type { Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import type { Knobs } from '../deliveries/knobs.ts'
import { knobsSchema } from '../deliveries/knobs.ts'
import { ORDERS } from '../deliveries/order.ts'
import type { Deliveries } from '../deliveries.ts'
import type { Simulator } from '../simulator.ts'
import { DONE } from './dashboard-actions.ts'
import { readForm } from './form.ts'
import type { Html } from './layout.ts'
import { badge, framed, notice, postButton } from './layout.ts'

export function routeWebhookPages(app: Hono, sim: Simulator, deliveries: Deliveries): void {
  app.get('/dashboard/webhooks', (c) => {
    const done = DONE[c.req.query('done') ?? '']
    return show(c, sim, deliveries, done ? notice(done.text, done.tone) : html``)
  })

  app.post('/dashboard/webhooks/knobs', async (c) => {
    const parsed = knobsSchema.safeParse(readKnobs(await readForm(c)))
    if (!parsed.success) {
      const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      return show(
        c,
        sim,
        deliveries,
        notice(`Nothing was changed. ${wrong.join('; ')}`, 'bad'),
        422,
      )
    }
    deliveries.configure(parsed.data)
    return c.redirect('/dashboard/webhooks?done=knobs', 303)
  })

  app.post('/dashboard/webhooks/flush', (c) => {
    deliveries.flush()
    return c.redirect('/dashboard/webhooks?done=flushed', 303)
  })
}

function readKnobs(fields: URLSearchParams): unknown {
  const number = (name: keyof Knobs): number => Number(fields.get(name) || 'NaN')
  const pauses = (fields.get('retryPausesMs') ?? '').split(',').filter((part) => part.trim() !== '')
  return {
    delayMs: number('delayMs'),
    repeat: number('repeat'),
    order: fields.get('order'),
    windowMs: number('windowMs'),
    seed: number('seed'),
    hold: fields.get('hold') === 'on',
    retryPausesMs: pauses.map(Number),
    timeoutMs: number('timeoutMs'),
  }
}

function show(
  c: Context,
  sim: Simulator,
  deliveries: Deliveries,
  message: Html,
  status: 200 | 422 = 200,
) {
  const endpoints = [...sim.data.webhookEndpoints.values()]
  const body = html`<div class="stack loose">
<h1>Webhooks</h1>
${message}
<section class="panel stack" aria-labelledby="endpoints">
<h2 id="endpoints">Endpoints</h2>
${endpoints.length === 0 ? html`<p class="muted">None. <code>npm run dev</code> makes one for the local app; an API call makes others.</p>` : endpoints.map((endpoint) => endpointView(sim, endpoint))}
</section>
${stateView(deliveries)}
${knobForm(deliveries.settings())}
</div>`
  return c.html(framed({ title: 'Webhooks · Stripe simulator', kind: 'dashboard', body }), status)
}

function endpointView(sim: Simulator, endpoint: Stripe.WebhookEndpoint): Html {
  const { id, url, status, enabled_events: types, api_version: version } = endpoint
  return html`<article class="stack tight">
<div class="row">${badge(status, status === 'enabled' ? 'good' : '')}<strong class="url">${url}</strong></div>
<dl class="facts">
<dt>Endpoint</dt><dd class="id">${id}</dd>
<dt>Events</dt><dd>${types.join(', ')}</dd>
<dt>API version</dt><dd>${version ?? 'the account’s'}</dd>
<dt>Signing secret</dt><dd><details><summary>Show</summary><code>${sim.signingSecret(id)}</code></details></dd>
</dl>
</article>`
}

function stateView(deliveries: Deliveries): Html {
  const { held, underWay } = deliveries.state()
  const flush = postButton({
    action: '/dashboard/webhooks/flush',
    label: `Send the ${held} held now`,
  })
  return html`<section class="panel row spread" aria-label="Under way">
<p>${underWay} under way or waiting for a retry, ${held} held.</p>
${held > 0 ? flush : ''}
</section>`
}

function knobForm(knobs: Knobs): Html {
  return html`<section class="panel stack" aria-labelledby="knobs">
<h2 id="knobs">Knobs</h2>
<p class="muted">Stripe delivers late, twice and out of order. Make it do so here. Changes hold for deliveries that begin later.</p>
<form method="post" action="/dashboard/webhooks/knobs" class="stack">
<div class="fields">
${numberField('delayMs', 'Delay, ms', knobs.delayMs)}
${numberField('repeat', 'Copies of each event', knobs.repeat)}
<div class="field"><label for="order">Order</label><select id="order" name="order">
${ORDERS.map((order) => html`<option${order === knobs.order ? html` selected` : ''}>${order}</option>`)}
</select></div>
${numberField('windowMs', 'Gather for, ms', knobs.windowMs)}
${numberField('seed', 'Seed of the shuffle', knobs.seed)}
${numberField('timeoutMs', 'Time limit, ms', knobs.timeoutMs)}
</div>
<div class="field"><label for="retryPausesMs">Pauses before retries, ms, one after another</label>
<input id="retryPausesMs" name="retryPausesMs" value="${knobs.retryPausesMs.join(', ')}" inputmode="numeric" autocomplete="off"></div>
<label class="check"><input type="checkbox" name="hold"${knobs.hold ? html` checked` : ''}> Hold everything until it is sent by hand</label>
<button class="primary">Save</button>
</form>
</section>`
}

function numberField(name: keyof Knobs, label: string, value: number): Html {
  return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="number" min="0" value="${value}" required></div>`
}
