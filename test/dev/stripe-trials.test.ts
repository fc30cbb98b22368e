// Trials: their reminder, their end with and without a card, and moving the end.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  DAY,
  newPrice,
  newSession,
  type ServedApi,
  START,
  startApi,
  typesOf,
  VISA,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

const END = START + 14 * DAY

async function trial() {
  const price = await newPrice(api.stripe)
  return buy(api, price.id, { subscription_data: { trial_period_days: 14 } })
}

test('Checkout starts the trial without a charge, and bills when it ends', async () => {
  const { stripe, sim } = api
  const { customer, subscription, session } = await trial()
  expect(subscription).toMatchObject({
    status: 'trialing',
    trial_start: START,
    trial_end: END,
    billing_cycle_anchor: END,
    items: { data: [{ current_period_start: START, current_period_end: END }] },
  })
  expect(await stripe.checkout.sessions.retrieve(session)).toMatchObject({
    payment_status: 'no_payment_required',
    amount_total: 0,
  })
  expect((await stripe.charges.list({ customer: customer.id })).data).toEqual([])

  api.events.length = 0
  sim.advanceCustomer(customer.id, END - 3 * DAY)
  expect(typesOf(api.events)).toEqual(['customer.subscription.trial_will_end'])
  sim.advanceCustomer(customer.id, END)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    status: 'active',
    items: {
      data: [{ current_period_start: END, current_period_end: Date.UTC(2027, 1, 28, 10) / 1000 }],
    },
  })
  sim.advanceCustomer(customer.id, END + 3600)
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(invoice).toMatchObject({
    status: 'paid',
    amount_paid: 2900,
    billing_reason: 'subscription_cycle',
  })
  expect(typesOf(api.events).filter((type) => type.endsWith('trial_will_end'))).toHaveLength(1)
})

test('a trial whose first charge fails is past_due', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await trial()
  sim.failNextPayment(customer.id)
  sim.advanceCustomer(customer.id, END + 3600)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
})

test.each([
  ['cancel', 'canceled', 'customer.subscription.deleted'],
  ['pause', 'paused', 'customer.subscription.paused'],
  ['create_invoice', 'past_due', 'invoice.payment_failed'],
] as const)(
  'without a card, %s at the end makes it %s',
  async (missing_payment_method, status, type) => {
    const { stripe, sim } = api
    const customer = await stripe.customers.create()
    const price = await newPrice(stripe)
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method } },
    })
    expect(subscription.status).toBe('trialing')
    sim.advanceCustomer(customer.id, END + 3600)
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe(status)
    expect(typesOf(api.events)).toContain(type)
  },
)

test('a trial paused for want of a card goes on once there is one', async () => {
  const { stripe, sim } = api
  const customer = await stripe.customers.create()
  const price = await newPrice(stripe)
  const { id } = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    trial_end: END,
    trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
  })
  sim.advanceCustomer(customer.id, END + 30 * DAY)
  expect(sim.nextRenewal(customer.id)).toBeNull()
  sim.setCard(customer.id, VISA)
  const resumed = await stripe.subscriptions.resume(id, {
    payment_behavior: 'resume_on_payment_success',
    expand: ['latest_invoice'],
  })
  expect(resumed).toMatchObject({
    status: 'active',
    billing_cycle_anchor: END + 30 * DAY,
    latest_invoice: { status: 'paid', total: 2900 },
  })
  expect(typesOf(api.events)).toContain('customer.subscription.resumed')
})

test('a trial can be ended now or moved', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await trial()
  const later = await stripe.subscriptions.update(subscription.id, { trial_end: END + 7 * DAY })
  expect(later).toMatchObject({ status: 'trialing', trial_end: END + 7 * DAY })
  sim.advanceCustomer(customer.id, END)
  const ended = await stripe.subscriptions.update(subscription.id, {
    trial_end: 'now',
    expand: ['latest_invoice'],
  })
  expect(ended).toMatchObject({
    status: 'active',
    trial_end: END,
    billing_cycle_anchor: END,
    latest_invoice: { status: 'paid', amount_paid: 2900 },
  })
})

test('a declined card cannot start a trial', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const session = await newSession(stripe, price.id, {
    customer_email: 'eve@example.com',
    subscription_data: { trial_period_days: 14 },
  })
  const declined = sim.payCheckout(session.id, { ...VISA, number: '4000000000000002' })
  expect(declined).toMatchObject({ ok: false, code: 'card_declined' })
  expect((await stripe.customers.list({ email: 'eve@example.com' })).data).toEqual([])
})
