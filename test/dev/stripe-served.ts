// The simulator served on loopback for a test, with stripe-node as its client, and a webhook receiver.
import { Stripe } from 'stripe'
import { type Served, serve } from '../../dev/serve.ts'
import { simulatorApp } from '../../dev/stripe/app.ts'
import { createSimulator } from '../../dev/stripe/create-simulator.ts'
import type { KnobsChange } from '../../dev/stripe/deliveries/knobs.ts'
import type { Timers } from '../../dev/stripe/deliveries/timers.ts'
import { createDeliveries, type Deliveries } from '../../dev/stripe/deliveries.ts'
import type { Simulator } from '../../dev/stripe/simulator.ts'

export const SECRET_KEY = 'sk_test_51TollgateSimulator'
export const WEBHOOK_SECRET = 'whsec_tollgate_local_simulator'

export interface ServedSimulator {
  sim: Simulator
  deliveries: Deliveries
  stripe: Stripe
  url: string
  close(): Promise<void>
}

/** `retryPausesMs` is empty unless given: a refused delivery fails at once. */
export async function startSimulator(
  knobs: KnobsChange = {},
  timers?: Timers,
): Promise<ServedSimulator> {
  let url = ''
  const sim = createSimulator({
    secretKey: SECRET_KEY,
    publishableKey: 'pk_test_51TollgateSimulator',
    baseUrl: () => url,
  })
  const deliveries = createDeliveries({
    source: sim,
    knobs: { retryPausesMs: [], ...knobs },
    ...(timers && { timers }),
  })
  const app = simulatorApp(sim, deliveries, {
    secretKey: SECRET_KEY,
    webhookSecret: WEBHOOK_SECRET,
  })
  const served = await serve(app, 0, 'the simulator under test')
  url = served.url
  const stripe = new Stripe(SECRET_KEY, {
    host: '127.0.0.1',
    port: served.port,
    protocol: 'http',
    maxNetworkRetries: 0,
  })
  const close = async () => {
    await deliveries.close()
    await served.close()
    await sim.close()
  }
  return { sim, deliveries, stripe, url, close }
}

export interface Received {
  path: string
  headers: Headers
  body: string
}

export interface Receiver extends Served {
  /** In the order of their arrival. */
  received: Received[]
}

/** A server that keeps what it is sent. `answer` decides what it says; 200 when absent. */
export async function startReceiver(
  answer: (received: Received, count: number) => Response | Promise<Response> = () =>
    new Response('ok'),
): Promise<Receiver> {
  const received: Received[] = []
  const served = await serve(
    {
      fetch: async (request) => {
        const path = new URL(request.url).pathname
        const entry = { path, headers: new Headers(request.headers), body: await request.text() }
        received.push(entry)
        return answer(entry, received.length)
      },
    },
    0,
    'the receiver',
  )
  return { ...served, received }
}

/** A product with a monthly price in dollars' cents. */
export async function createPrice(stripe: Stripe, name = 'Hobby', amountCents = 2900) {
  const product = await stripe.products.create({ name, description: `The ${name} plan` })
  return stripe.prices.create({
    product: product.id,
    unit_amount: amountCents,
    currency: 'usd',
    recurring: { interval: 'month' },
  })
}

/** An open Checkout session for that price. */
export async function createSession(
  stripe: Stripe,
  price: string,
  more: Stripe.Checkout.SessionCreateParams = {},
) {
  return stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price, quantity: 1 }],
    success_url: 'http://127.0.0.1:8787/thanks?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:8787/pricing',
    ...more,
  })
}

/** A customer who has bought that price with 4242…. */
export async function subscribe({ stripe, sim }: ServedSimulator, price: string, email: string) {
  const customer = await stripe.customers.create({ email })
  const session = await createSession(stripe, price, { customer: customer.id })
  const paid = sim.payCheckout(session.id, {
    number: '4242424242424242',
    expMonth: 12,
    expYear: 2034,
    cvc: '123',
  })
  if (!paid.ok) throw new Error(paid.message)
  const { data } = await stripe.subscriptions.list({ customer: customer.id })
  const subscription = data[0]
  if (!subscription) throw new Error('Checkout made no subscription')
  return { customer, session, subscription }
}

/** A form as a browser posts it from the simulator's own page; redirects are shown, not followed. */
export function submit(
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { Origin: new URL(url).origin, 'Sec-Fetch-Site': 'same-origin', ...headers },
    body: new URLSearchParams(fields),
  })
}
