// What Stripe refuses and a kinder simulator might let through.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  clientOf,
  DAY,
  newPrice,
  newSession,
  refusal,
  SECRET_KEY,
  type ServedApi,
  START,
  startApi,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

test.each([
  [{ line_items: [{ price: 'PRICE' }] }, 'line_items[0][quantity]', 'Quantity is required'],
  [{ locale: 'xx' }, 'locale', 'must be one of auto'],
  [{ customer_creation: 'always' }, 'customer_creation', 'does not simulate'],
  [
    { subscription_data: { proration_behavior: 'none' } },
    'subscription_data[proration_behavior]',
    'does not simulate',
  ],
  [
    { line_items: [{ price_data: { currency: 'usd', product: 'p' }, quantity: 1 }] },
    'line_items[0][price_data]',
    'does not simulate',
  ],
])('Checkout with %o is refused', async (more, param, message) => {
  const price = await newPrice(api.stripe)
  const params = JSON.parse(JSON.stringify(more).replace('PRICE', price.id))
  const refused = await refusal(newSession(api.stripe, price.id, params))
  expect([refused.statusCode, refused.param]).toEqual([400, param])
  expect(refused.message).toContain(message)
})

test('Checkout does not sell an inactive product', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  await stripe.products.update(String(price.product), { active: false })
  expect(await refusal(newSession(stripe, price.id))).toMatchObject({
    param: 'line_items[0][price]',
    message: expect.stringContaining('its product is not active'),
  })
})

test('a customer is billed in one currency', async () => {
  const { stripe } = api
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  const euro = await stripe.prices.create({
    currency: 'eur',
    unit_amount: 2900,
    recurring: { interval: 'month' },
    product_data: { name: 'Hobby in euros' },
  })
  const items = [{ price: euro.id }]
  for (const refused of [
    () => stripe.subscriptions.create({ customer: customer.id, items }),
    () => newSession(stripe, euro.id, { customer: customer.id }),
  ]) {
    expect((await refusal(refused())).message).toContain('You cannot combine currencies')
  }
})

test('an invoice that is sent says when it is due', async () => {
  const { stripe } = api
  const { id: price } = await newPrice(stripe)
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const create = (more: Partial<Stripe.SubscriptionCreateParams>) =>
    stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price }],
      expand: ['latest_invoice'],
      ...more,
    })
  const due = { statusCode: 400, param: 'days_until_due' }
  expect(await refusal(create({ collection_method: 'send_invoice' }))).toMatchObject(due)
  expect(await refusal(create({ days_until_due: 30 }))).toMatchObject(due)
  const sent = await create({ collection_method: 'send_invoice', days_until_due: 30 })
  expect(sent).toMatchObject({
    days_until_due: 30,
    latest_invoice: { due_date: START + 30 * DAY },
  })
})

test('a test clock goes forward, two intervals at a time', async () => {
  const { stripe } = api
  const { testClocks } = stripe.testHelpers
  const clock = await testClocks.create({ frozen_time: START })
  const advance = (frozen_time: number) => testClocks.advance(clock.id, { frozen_time })
  expect(await refusal(advance(START))).toMatchObject({ param: 'frozen_time' })
  const customer = await stripe.customers.create({ test_clock: clock.id })
  const { id: price } = await newPrice(stripe)
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price }],
    trial_period_days: 7,
  })
  const march15 = Date.UTC(2027, 2, 15, 10) / 1000
  expect((await refusal(advance(march15 + 1))).message).toContain('up to two intervals')
  expect(await advance(march15)).toMatchObject({ status: 'advancing' })
})

test.each(['2024-06-21', '2025-03-31.acacia', '2025-04-01.basil', '2026-11-30.endive'])(
  'there is no version %s',
  async (apiVersion) => {
    const client = clientOf(api, { apiVersion } as object, SECRET_KEY)
    expect((await refusal(client.customers.list())).message).toContain('Invalid Stripe API version')
  },
)

test('the default price of a product is not archived', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  await stripe.products.update(String(price.product), { default_price: price.id })
  const archive = () => stripe.prices.update(price.id, { active: false })
  expect((await refusal(archive())).message).toContain('default price')
  const other = await stripe.prices.create({
    product: String(price.product),
    currency: 'usd',
    unit_amount: 1,
  })
  await stripe.products.update(String(price.product), { default_price: other.id })
  expect((await archive()).active).toBe(false)
})

test.each([
  ['day', 1095],
  ['week', 156],
  ['month', 36],
  ['year', 3],
] as const)('a price by the %s recurs at most every %i', async (interval, most) => {
  const create = (interval_count: number) =>
    api.stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      product_data: { name: 'x' },
      recurring: { interval, interval_count },
    })
  expect(await refusal(create(most + 1))).toMatchObject({ param: 'recurring[interval_count]' })
  expect((await create(most)).recurring?.interval_count).toBe(most)
})

test('a DELETE is read whether its parameters are in the URL or in the body', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const response = await fetch(
    `${api.url}/v1/subscriptions/${subscription.id}?cancellation_details[comment]=bye`,
    {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${SECRET_KEY}` },
      body: new URLSearchParams({ 'cancellation_details[feedback]': 'too_expensive' }),
    },
  )
  expect(await response.json()).toMatchObject({
    status: 'canceled',
    cancellation_details: { comment: 'bye', feedback: 'too_expensive' },
  })
})

test('a cursor holds its place when its object leaves the filter', async () => {
  const { stripe } = api
  const { id: price } = await newPrice(stripe)
  const sessions = []
  for (let made = 0; made < 3; made += 1) sessions.push(await newSession(stripe, price))
  const [first, middle, last] = sessions.map(({ id }) => id)
  const page = await stripe.checkout.sessions.list({ status: 'open', limit: 2 })
  expect(page.data.map(({ id }) => id)).toEqual([last, middle])
  await stripe.checkout.sessions.expire(middle ?? '')
  const next = await stripe.checkout.sessions.list({
    status: 'open',
    starting_after: middle ?? '',
  })
  expect(next.data.map(({ id }) => id)).toEqual([first])
})
