// What happens at Stripe: subscriptions that are paid, and their events, signed as Stripe signs.
import { createHmac, randomUUID } from 'node:crypto'
import Stripe from 'stripe'
import type { StackInfo } from '../../dev/stack-info.ts'
import { request } from './request.ts'

export interface StripeSubscription {
  id: string
  customer: string
}

/** A subscription that is active at once: its invoice is sent, not charged. */
export async function subscribe(info: StackInfo): Promise<StripeSubscription> {
  const { hostname, port } = new URL(info.stripeApiBase)
  const stripe = new Stripe(info.stripeSecretKey, {
    host: hostname,
    port,
    protocol: 'http',
    telemetry: false,
  })
  const customer = await stripe.customers.create({ email: `bench-${randomUUID()}@example.com` })
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: info.prices.pro }],
    collection_method: 'send_invoice',
    days_until_due: 30,
  })
  return { id: subscription.id, customer: customer.id }
}

export async function cancelNow(info: StackInfo, { id }: StripeSubscription): Promise<void> {
  const url = `${info.stripeApiBase}/_sim/subscriptions/${id}/cancel-now`
  const answer = await fetch(url, { method: 'POST' })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
}

/** The latest event of that kind, as Stripe prints it. */
export async function latestEvent(
  info: StackInfo,
  { customer }: StripeSubscription,
  type: string,
): Promise<object> {
  const query = new URLSearchParams({ customer, type })
  const answer = await fetch(`${info.stripeApiBase}/_sim/events?${query}`)
  const { events } = (await answer.json()) as { events: object[] }
  const event = events.at(-1)
  if (!event) throw new Error(`Stripe has no event ${type} of ${customer}`)
  return event
}

/** The delivery of an event; `fresh` gives it an id of its own, so that it is no duplicate. */
export function delivery(info: StackInfo, event: object, fresh = false): Buffer {
  const id = `evt_${randomUUID().replaceAll('-', '')}`
  const body = JSON.stringify(fresh ? { ...event, id } : event)
  const seconds = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', info.webhookSecret)
    .update(`${seconds}.${body}`)
    .digest('hex')
  return request('/api/v1/billing/webhooks/stripe', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Stripe-Signature': `t=${seconds},v1=${signature}`,
    },
    body,
  })
}
