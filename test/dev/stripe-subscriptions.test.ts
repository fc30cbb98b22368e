// Subscriptions created by the API: paid, declined, unauthenticated, expired, listed.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newPrice, refusal, type ServedApi, START, startApi, typesOf } from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

async function customerWith(card: string): Promise<string> {
  const { stripe } = api
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id })
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: method.id },
  })
  return customer.id
}

test('a card on file pays, and the subscription is active', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const customer = await customerWith('pm_card_visa')
  api.events.length = 0
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: price.id, quantity: 3 }],
    metadata: { user_id: 'u1' },
  })
  expect(subscription).toMatchObject({ status: 'active', metadata: { user_id: 'u1' } })
  expect(typesOf(api.events)[0]).toBe('customer.subscription.created')
  expect(api.events.at(-1)).toMatchObject({
    type: 'customer.subscription.updated',
    data: { object: { status: 'active' }, previous_attributes: { status: 'incomplete' } },
  })
  const invoice = await stripe.invoices.retrieve(String(subscription.latest_invoice), {
    expand: ['payments.data.payment.payment_intent'],
  })
  expect(invoice).toMatchObject({
    amount_paid: 8700,
    payments: { data: [{ payment: { payment_intent: { status: 'succeeded', amount: 8700 } } }] },
  })
})

test('a declined first payment leaves it incomplete; after 23 hours there is no way back', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const customer = await customerWith('pm_card_chargeCustomerFail')
  const subscription = await stripe.subscriptions.create({ customer, items: [{ price: price.id }] })
  expect(subscription.status).toBe('incomplete')
  sim.advanceCustomer(customer, START + 23 * 3600 - 1)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('incomplete')
  sim.advanceCustomer(customer, START + 23 * 3600)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('incomplete_expired')
  expect(await stripe.invoices.retrieve(String(subscription.latest_invoice))).toMatchObject({
    status: 'void',
  })
})

test('an incomplete one becomes active when its invoice is paid with another card', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const customer = await customerWith('pm_card_chargeCustomerFail')
  const { id, latest_invoice } = await stripe.subscriptions.create({
    customer,
    items: [{ price: price.id }],
  })
  const visa = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  await stripe.invoices.pay(String(latest_invoice), { payment_method: visa.id })
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('active')
})

test('a card that needs 3-D Secure makes it incomplete with an intent that asks for action', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const customer = await customerWith('pm_card_authenticationRequired')
  const subscription = await stripe.subscriptions.create({ customer, items: [{ price: price.id }] })
  expect(subscription.status).toBe('incomplete')
  const [intent] = (await stripe.paymentIntents.list({ customer })).data
  expect(intent).toMatchObject({
    status: 'requires_action',
    next_action: { type: 'use_stripe_sdk' },
  })
  expect(typesOf(api.events)).toContain('invoice.payment_action_required')
})

test('error_if_incomplete refuses and creates nothing; default_incomplete waits', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const customer = await customerWith('pm_card_chargeCustomerFail')
  const items = [{ price: price.id }]
  const error = await refusal(
    stripe.subscriptions.create({ customer, items, payment_behavior: 'error_if_incomplete' }),
  )
  expect(error).toMatchObject({ statusCode: 402, code: 'card_declined' })
  expect((await stripe.subscriptions.list({ customer, status: 'all' })).data).toEqual([])
  const waiting = await stripe.subscriptions.create({
    customer,
    items,
    payment_behavior: 'default_incomplete',
    expand: ['latest_invoice'],
  })
  expect(waiting).toMatchObject({
    status: 'incomplete',
    latest_invoice: { status: 'open', attempted: false },
  })
})

test('a free price needs no card; a paid one does', async () => {
  const { stripe } = api
  const customer = await stripe.customers.create()
  const free = await newPrice(stripe, { cents: 0 })
  const paid = await newPrice(stripe)
  const create = (price: string) =>
    stripe.subscriptions.create({ customer: customer.id, items: [{ price }] })
  expect(await create(free.id)).toMatchObject({ status: 'active' })
  expect((await refusal(create(paid.id))).message).toContain('no attached payment source')
})

test('prices of different intervals do not stand together, one-off prices not at all', async () => {
  const { stripe } = api
  const customer = await customerWith('pm_card_visa')
  const [monthly, yearly] = [await newPrice(stripe), await newPrice(stripe, { interval: 'year' })]
  const once = await stripe.prices.create({
    product: String(monthly.product),
    currency: 'usd',
    unit_amount: 500,
  })
  const create = (...prices: string[]) =>
    refusal(stripe.subscriptions.create({ customer, items: prices.map((price) => ({ price })) }))
  expect((await create(monthly.id, yearly.id)).message).toContain('interval fields must match')
  expect((await create(once.id)).param).toBe('items[0][price]')
})

test('lists filter by status, price and creation', async () => {
  const { stripe } = api
  const [a, b] = [await newPrice(stripe), await newPrice(stripe)]
  const customer = await customerWith('pm_card_visa')
  const first = await stripe.subscriptions.create({ customer, items: [{ price: a.id }] })
  api.pass(60)
  const second = await stripe.subscriptions.create({ customer, items: [{ price: b.id }] })
  const ids = async (params: object) =>
    (await stripe.subscriptions.list({ customer, ...params })).data.map(({ id }) => id)
  expect(await ids({})).toEqual([second.id, first.id])
  expect(await ids({ price: a.id })).toEqual([first.id])
  expect(await ids({ created: { gt: START } })).toEqual([second.id])
  await stripe.subscriptions.cancel(first.id)
  expect(await ids({ status: 'active' })).toEqual([second.id])
  expect(await ids({ status: 'ended' })).toEqual([first.id])
})
