// What a person does at Stripe, and Stripe's deliveries: through the simulator's control API, signed as Stripe signs.
import { env } from 'cloudflare:test'
import { createHmac } from 'node:crypto'
import type { StackInfo } from '../../dev/stack-info.ts'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import type { Answer, Json, Person, TestApp } from './app.ts'

/** What the stack serves; bound by vitest.config.ts. */
export const stack = (env as unknown as { STACK: StackInfo }).STACK

/** An event as Stripe prints it. */
export interface EventJson {
  id: string
  type: string
  created: number
  api_version: string
  data: { object: Json }
  [member: string]: unknown
}

/** Sends `body` to the simulator's control API and gives its answer; throws where it refuses. */
export async function control<T = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(`${stack.stripeApiBase}/_sim${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

/** All events of a customer, oldest first, as `apiVersion` (default: today's) prints them. */
export async function eventsOf(customer: string, apiVersion?: string): Promise<EventJson[]> {
  const query = new URLSearchParams({ customer, ...(apiVersion && { api_version: apiVersion }) })
  return (await control<{ events: EventJson[] }>('GET', `/events?${query}`)).events
}

/** `Stripe-Signature` of a payload. */
export function signature(payload: string, secret = stack.webhookSecret, at = Date.now()): string {
  const seconds = Math.floor(at / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${payload}`).digest('hex')}`
}

/** Delivers an event as Stripe does. */
export function deliver({ call, deps }: TestApp, event: EventJson): Promise<Answer> {
  const payload = JSON.stringify(event, null, 2)
  return call('POST', '/billing/webhooks/stripe', {
    body: payload,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Stripe-Signature': signature(payload, stack.webhookSecret, deps.now().getTime()),
    },
  })
}

const USED: ReadonlySet<string> = new Set(EVENT_TYPES)

/** Delivers those events of a customer that a Tollgate endpoint asks for and that were not delivered before. */
export async function deliverNew(
  app: TestApp,
  customer: string,
  delivered: Set<string>,
): Promise<void> {
  for (const event of await eventsOf(customer)) {
    if (!USED.has(event.type) || delivered.has(event.id)) continue
    const { status, text } = await deliver(app, event)
    if (status !== 200) throw new Error(`${event.type} was answered ${status}: ${text}`)
    delivered.add(event.id)
  }
}

/** What the request that stores an active subscription has in its body, and no other. */
export const writeOf = (subscription: string): string =>
  JSON.stringify(`"id":"${subscription}","status":"active"`).slice(1, -1)

/** A person who pays, with what a test needs to go on. */
export interface Subscriber extends Person {
  customer: string
  subscription: string
  /** Delivers what happened at Stripe since. */
  sync(): Promise<void>
}

const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }

export function checkout(app: TestApp, person: Person, tier: string): Promise<Answer> {
  return app.call('POST', '/billing/checkout/session', {
    token: person.token,
    body: { tier, ...urls },
  })
}

/** Pays an open Checkout session. */
export async function pay(sessionId: string, card = '4242424242424242'): Promise<void> {
  await control('POST', `/checkout/${sessionId}/pay`, { card })
}

/** Buys `tier` through Checkout; with `deliverEvents` false the Worker has not heard of it yet. */
export async function subscribe(
  app: TestApp,
  person: Person,
  tier = 'hobby',
  { card = '4242424242424242', deliverEvents = true } = {},
): Promise<Subscriber> {
  const { json, status, text } = await checkout(app, person, tier)
  if (status !== 200) throw new Error(`checkout answered ${status}: ${text}`)
  await pay(json.session_id, card)
  const session = await app.deps.stripe.checkout.sessions.retrieve(json.session_id)
  const customer = String(session.customer)
  const delivered = new Set<string>()
  const sync = () => deliverNew(app, customer, delivered)
  if (deliverEvents) await sync()
  return { ...person, customer, subscription: String(session.subscription), sync }
}
