// The simulator's API alone, served on loopback, with the unmodified stripe-node as its client.
import { Stripe } from 'stripe'
import { type Served, serve } from '../../dev/serve.ts'
import { createSimulator } from '../../dev/stripe/create-simulator.ts'
import type { CardEntry, Simulator, SimulatorOptions } from '../../dev/stripe/simulator.ts'

export const SECRET_KEY = 'sk_test_51SimulatorSecret1234'
export const PUBLISHABLE_KEY = 'pk_test_51SimulatorPublic5678'

/** 15 January 2027, 10:00 UTC. */
export const START = Date.UTC(2027, 0, 15, 10) / 1000

export const DAY = 86_400

export interface ServedApi extends Served {
  sim: Simulator
  stripe: Stripe
  /** Every event since the start, in order. */
  events: Stripe.Event[]
  /** Moves the wall clock, in seconds. */
  pass(seconds: number): void
}

export async function startApi(options: Partial<SimulatorOptions> = {}): Promise<ServedApi> {
  let wall = START * 1000
  const sim = createSimulator({
    secretKey: SECRET_KEY,
    publishableKey: PUBLISHABLE_KEY,
    baseUrl: () => 'http://stripe.test',
    now: () => wall,
    ...options,
  })
  const events: Stripe.Event[] = []
  sim.onEvent((event) => events.push(event))
  const served = await serve(sim.api, 0, 'the Stripe API under test')
  return {
    ...served,
    sim,
    stripe: clientOf(served),
    events,
    pass: (seconds) => {
      wall += seconds * 1000
      sim.tick()
    },
    close: async () => {
      await served.close()
      await sim.close()
    },
  }
}

export function clientOf(
  served: Served,
  config: Partial<ConstructorParameters<typeof Stripe>[1]> = {},
  key = SECRET_KEY,
): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port: served.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    ...config,
  })
}

export const VISA = card('4242424242424242')

export function card(number: string): CardEntry {
  return { number, expMonth: 12, expYear: 2034, cvc: '123' }
}

export interface PriceWish {
  name?: string
  cents?: number
  interval?: 'day' | 'week' | 'month' | 'year'
}

export async function newPrice(
  stripe: Stripe,
  { name = 'Hobby', cents = 2900, interval = 'month' }: PriceWish = {},
): Promise<Stripe.Price> {
  const product = await stripe.products.create({ name })
  return stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: cents,
    recurring: { interval },
  })
}

export function newSession(
  stripe: Stripe,
  price: string,
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
  options: Stripe.RequestOptions = {},
): Promise<Stripe.Checkout.Session> {
  const params: Stripe.Checkout.SessionCreateParams = {
    mode: 'subscription',
    line_items: [{ price, quantity: 1 }],
    success_url: 'http://app.test/thanks?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://app.test/pricing',
    ...more,
  }
  return stripe.checkout.sessions.create(params, options)
}

/** A customer who bought the price in Checkout. */
export async function buy(
  { stripe, sim }: Pick<ServedApi, 'stripe' | 'sim'>,
  price: string,
  {
    with: entry = VISA,
    ...more
  }: { with?: CardEntry } & Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<{ customer: Stripe.Customer; subscription: Stripe.Subscription; session: string }> {
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const session = await newSession(stripe, price, { customer: customer.id, ...more })
  const paid = sim.payCheckout(session.id, entry)
  if (!paid.ok) throw new Error(paid.message)
  const { data } = await stripe.subscriptions.list({ customer: customer.id })
  const subscription = data[0]
  if (!subscription) throw new Error('Checkout made no subscription')
  return { customer, subscription, session: session.id }
}

/** What the API refused, or an error when it did not. */
export async function refusal(answer: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await answer
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error
    throw error
  }
  throw new Error('Not refused')
}

export function typesOf(events: Stripe.Event[]): string[] {
  return events.map(({ type }) => type)
}
