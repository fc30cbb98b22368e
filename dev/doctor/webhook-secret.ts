// Whether STRIPE_WEBHOOK_SECRET is the endpoint's. Stripe shows a secret at its creation only, so this is found out in
// two steps: does the Worker take what our secret signs, and did it ever take what Stripe signed?
import type Stripe from 'stripe'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { isLoopback } from '../loopback.ts'
import type { Finding } from './finding.ts'
import { LIMIT_MS, type Patient } from './patient.ts'
import { ONCE } from './stripe-answer.ts'

const ITEM = 'Webhook secret'
/** No event: once its signature is proven it is refused as malformed, and nothing has happened. */
const PROBE = '{}'

export async function checkWebhookSecret(
  { values, sources, now }: Patient,
  stripe: Stripe,
  endpoint: Stripe.WebhookEndpoint,
): Promise<Finding> {
  const secret = values.STRIPE_WEBHOOK_SECRET
  const from = sources.STRIPE_WEBHOOK_SECRET
  const { host } = new URL(endpoint.url)
  if (!secret) return { level: 'skip', item: ITEM, says: 'not checked: STRIPE_WEBHOOK_SECRET' }
  const signature = await stripe.webhooks.generateTestHeaderStringAsync({
    payload: PROBE,
    secret,
    timestamp: Math.floor(now() / 1000),
  })
  const answer = await knock(endpoint.url, signature)
  switch (answer) {
    case 'malformed_event':
      break
    case 'invalid_signature':
      return {
        level: 'fail',
        item: ITEM,
        from,
        says: `the Worker at ${host} refuses what it signs: it has another one`,
        todo: `reveal the secret of ${endpoint.id} at https://dashboard.stripe.com/webhooks, set it here and by: wrangler secret put STRIPE_WEBHOOK_SECRET`,
      }
    default: {
      const local = isLoopback(endpoint.url)
      return {
        level: local ? 'warn' : 'fail',
        item: ITEM,
        from,
        says: `not known: ${host} ${answer}`,
        todo: local ? '`npm run dev` starts the Worker there' : 'deploy the Worker: npm run deploy',
      }
    }
  }
  const delivered = await lastDelivered(stripe, endpoint)
  if (delivered) {
    const says = `the Worker at ${host} has this one, and took Stripe's ${delivered}`
    return { level: 'ok', item: ITEM, from, says }
  }
  return {
    level: 'warn',
    item: ITEM,
    from,
    says: `the Worker at ${host} has this one; whether it is Stripe's cannot be read, and no event arrived yet`,
    todo: 'buy a plan, then run this again',
  }
}

/** The code of the problem that it answers, or what it does instead. */
async function knock(url: string, signature: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Stripe-Signature': signature },
      body: PROBE,
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
    })
    const body: unknown = await response.json().catch(() => null)
    const code = typeof body === 'object' && body && 'code' in body ? body.code : undefined
    const known = code === 'malformed_event' || code === 'invalid_signature'
    return known ? code : `answers with status ${response.status}, and not as this Worker does`
  } catch {
    return 'does not answer'
  }
}

/** An event that the endpoint asks for, since it was made, that all endpoints have confirmed: its id and day. */
async function lastDelivered(
  stripe: Stripe,
  { created, enabled_events: asked }: Stripe.WebhookEndpoint,
): Promise<string | undefined> {
  const types = EVENT_TYPES.filter((type) => asked.includes(type) || asked.includes('*'))
  if (types.length === 0) return undefined
  try {
    const { data } = await stripe.events.list(
      { types, delivery_success: true, created: { gte: created }, limit: 1 },
      ONCE,
    )
    const [event] = data
    return event && `${event.id} of ${new Date(event.created * 1000).toISOString().slice(0, 10)}`
  } catch {
    return undefined
  }
}
