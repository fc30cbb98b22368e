// Buying in Checkout: what the session, the subscription, the invoice and the events say.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buy,
  card,
  newPrice,
  newSession,
  refusal,
  type ServedApi,
  START,
  startApi,
  typesOf,
  VISA,
} from './stripe-api-client.ts'

let api: ServedApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

test('a paid session creates an active subscription, its paid invoice, and the events of both', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const customer = await stripe.customers.create({
    email: 'ada@example.com',
    metadata: { user_id: 'u1' },
  })
  const session = await newSession(stripe, price.id, {
    customer: customer.id,
    client_reference_id: 'u1',
    metadata: { tier: 'hobby' },
    subscription_data: { metadata: { user_id: 'u1' } },
  })
  expect(session).toMatchObject({
    status: 'open',
    payment_status: 'unpaid',
    amount_total: 2900,
    currency: 'usd',
    subscription: null,
    url: `http://stripe.test/c/pay/${session.id}`,
  })
  expect(session.expires_at - session.created).toBe(86_400)

  api.events.length = 0
  expect(sim.payCheckout(session.id, VISA)).toEqual({
    ok: true,
    redirectTo: `http://app.test/thanks?session_id=${session.id}`,
  })
  const paid = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ['subscription.latest_invoice', 'line_items'],
  })
  expect(paid).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
    customer: customer.id,
    client_reference_id: 'u1',
    metadata: { tier: 'hobby' },
    url: null,
    subscription: {
      status: 'active',
      customer: customer.id,
      metadata: { user_id: 'u1' },
      billing_mode: { type: 'flexible' },
      cancel_at_period_end: false,
      items: {
        data: [
          {
            price: { id: price.id },
            quantity: 1,
            current_period_start: START,
            current_period_end: Date.UTC(2027, 1, 15, 10) / 1000,
          },
        ],
      },
      latest_invoice: {
        status: 'paid',
        amount_paid: 2900,
        billing_reason: 'subscription_create',
        number: expect.stringMatching(/^[0-9A-Z]{8}-0001$/),
        lines: { data: [{ amount: 2900, description: '1 × Hobby (at $29.00 / month)' }] },
        parent: {
          subscription_details: { subscription: expect.any(String), metadata: { user_id: 'u1' } },
        },
      },
    },
    line_items: { data: [{ amount_total: 2900, description: 'Hobby' }] },
  })
  expect(typesOf(api.events)).toEqual([
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'payment_method.attached',
    'customer.subscription.created',
    'invoice.created',
    'customer.updated',
    'invoice.finalized',
    'invoice.updated',
    'invoice_payment.paid',
    'invoice.paid',
    'invoice.payment_succeeded',
    'checkout.session.completed',
  ])
  const created = api.events.find(({ type }) => type === 'customer.subscription.created')
  expect(created?.data.object).toMatchObject({
    status: 'active',
    latest_invoice: expect.stringMatching(/^in_/),
  })
})

test('a declined card leaves the session open and no subscription; the next card pays it', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const customer = await stripe.customers.create({ email: 'bob@example.com' })
  const session = await newSession(stripe, price.id, { customer: customer.id })
  expect(sim.payCheckout(session.id, card('4000000000009995'))).toEqual({
    ok: false,
    code: 'card_declined',
    declineCode: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  })
  expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open')
  expect((await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data).toEqual(
    [],
  )
  expect(sim.payCheckout(session.id, VISA)).toMatchObject({ ok: true })
  expect((await stripe.subscriptions.list({ customer: customer.id })).data).toHaveLength(1)
  expect(sim.payCheckout(session.id, VISA)).toMatchObject({ ok: false })
})

test.each([
  ['4242424242424241', {}, 'incorrect_number'],
  ['not a number', {}, 'incorrect_number'],
  ['4242424242424242', { expMonth: 13 }, 'invalid_expiry_month'],
  ['4242424242424242', { expYear: 2026 }, 'invalid_expiry_year'],
  ['4242424242424242', { cvc: '12' }, 'invalid_cvc'],
  ['4000000000000002', {}, 'card_declined'],
  ['4000000000000069', {}, 'expired_card'],
  ['4000000000000127', {}, 'incorrect_cvc'],
  ['4111111111111111', {}, 'card_declined'],
])('card %s %o is refused as %s', async (number, more, code) => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const session = await newSession(stripe, price.id, { customer_email: 'eve@example.com' })
  expect(sim.payCheckout(session.id, { ...card(number), ...more })).toMatchObject({
    ok: false,
    code,
  })
  expect((await stripe.checkout.sessions.retrieve(session.id)).customer).toBeNull()
})

test.each([
  ['4000002500003155', 'active'],
  ['4000002760003184', 'past_due'],
])(
  '%s asks for 3-D Secure; once authenticated it pays, and at renewal it is %s',
  async (number, status) => {
    const { stripe, sim } = api
    const price = await newPrice(stripe)
    const session = await newSession(stripe, price.id, { customer_email: 'grace@example.com' })
    const entry = card(number)
    expect(sim.payCheckout(session.id, entry)).toMatchObject({ code: 'authentication_required' })
    expect(sim.payCheckout(session.id, entry, { authenticated: true })).toMatchObject({ ok: true })
    const { customer, subscription } = await stripe.checkout.sessions.retrieve(session.id)
    const renewal = sim.nextRenewal(String(customer)) ?? 0
    sim.advanceCustomer(String(customer), renewal + 3600)
    expect((await stripe.subscriptions.retrieve(String(subscription))).status).toBe(status)
  },
)

test('a session without a customer makes one from what the buyer typed', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const session = await newSession(stripe, price.id)
  expect(sim.payCheckout(session.id, VISA)).toMatchObject({ ok: false, code: 'email_invalid' })
  sim.payCheckout(session.id, VISA, { email: 'new@example.com', name: 'New Buyer' })
  const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ['customer'] })
  expect(paid.customer).toMatchObject({ email: 'new@example.com', name: 'New Buyer' })
})

test('a session is expired by hand or by its own clock, and then cannot be paid', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const first = await newSession(stripe, price.id)
  expect(await stripe.checkout.sessions.expire(first.id)).toMatchObject({
    status: 'expired',
    url: null,
  })
  expect(sim.payCheckout(first.id, VISA)).toMatchObject({ ok: false })
  expect((await refusal(stripe.checkout.sessions.expire(first.id))).message).toContain(
    'Only Checkout Sessions with a status in ["open"] can be expired',
  )
  const second = await newSession(stripe, price.id)
  api.pass(86_400)
  expect((await stripe.checkout.sessions.retrieve(second.id)).status).toBe('expired')
  expect(typesOf(api.events)).toContain('checkout.session.expired')
})

test('sessions are listed by customer, status and subscription', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const { customer, subscription, session } = await buy(api, price.id)
  const open = await newSession(stripe, price.id, { customer: customer.id })
  const ids = async (params: object) =>
    (await stripe.checkout.sessions.list(params)).data.map(({ id }) => id)
  expect(await ids({ customer: customer.id })).toEqual([open.id, session])
  expect(await ids({ customer: customer.id, status: 'open' })).toEqual([open.id])
  expect(await ids({ subscription: subscription.id })).toEqual([session])
})

test('what a session needs is asked for', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const product = await stripe.products.create({ name: 'Poster' })
  const once = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 500,
  })
  const open = { mode: 'subscription', success_url: 'http://app.test/' } as const
  const line_items = [{ price: price.id, quantity: 1 }]
  const refused = async (params: object) => {
    const { code, param } = await refusal(stripe.checkout.sessions.create(params))
    return { code, param }
  }
  expect(await refused({ ...open, line_items: [] })).toEqual({
    code: 'parameter_missing',
    param: 'line_items',
  })
  expect(await refused({ mode: 'subscription', line_items })).toEqual({
    code: 'parameter_missing',
    param: 'success_url',
  })
  expect(await refused({ ...open, line_items: [{ price: 'price_no', quantity: 1 }] })).toEqual({
    code: 'resource_missing',
    param: 'line_items[0][price]',
  })
  expect(await refused({ ...open, line_items, customer: 'cus_no' })).toEqual({
    code: 'resource_missing',
    param: 'customer',
  })
  expect(await refused({ ...open, line_items, success_url: 'javascript:alert(1)' })).toEqual({
    code: 'url_invalid',
    param: 'success_url',
  })
  expect(await refused({ ...open, line_items, payment_method_types: ['card'] })).toEqual({
    code: 'parameter_unknown',
    param: 'payment_method_types',
  })
  expect(await refused({ ...open, line_items: [{ price: once.id, quantity: 1 }] })).toMatchObject({
    param: 'mode',
  })
  await stripe.prices.update(price.id, { active: false })
  expect(await refused({ ...open, line_items })).toMatchObject({ param: 'line_items[0][price]' })
})
