// Lists and expand: cursors, limits, filters, nested objects in place of ids.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buy, newPrice, refusal, type ServedApi, START, startApi } from './stripe-api-client.ts'

let api: ServedApi
/** Created in this order. */
const ids: string[] = []
beforeAll(async () => {
  api = await startApi()
  for (let i = 0; i < 25; i += 1) {
    ids.push((await api.stripe.customers.create({ email: `u${i % 2}@example.com` })).id)
    if (i % 5 === 0) api.pass(1)
  }
})
afterAll(() => api.close())

test('lists are newest first and walk both ways', async () => {
  const { customers } = api.stripe
  const newest = ids.toReversed()
  const first = await customers.list()
  expect(first).toMatchObject({ object: 'list', has_more: true, url: '/v1/customers' })
  expect(first.data.map(({ id }) => id)).toEqual(newest.slice(0, 10))
  const next = await customers.list({ limit: 20, starting_after: newest[9] ?? '' })
  expect(next.data.map(({ id }) => id)).toEqual(newest.slice(10))
  expect(next.has_more).toBe(false)
  const back = await customers.list({ limit: 3, ending_before: newest[9] ?? '' })
  expect(back.data.map(({ id }) => id)).toEqual(newest.slice(6, 9))
  expect(back.has_more).toBe(true)
})

test('the client’s own paging sees each once', async () => {
  const seen: string[] = []
  for await (const { id } of api.stripe.customers.list({ limit: 7 })) seen.push(id)
  expect(seen).toEqual(ids.toReversed())
})

test('filters and cursors go together', async () => {
  const { customers } = api.stripe
  expect((await customers.list({ email: 'u1@example.com', limit: 100 })).data).toHaveLength(12)
  expect((await customers.list({ email: 'U1@example.com' })).data).toEqual([])
  expect((await customers.list({ created: { lte: START }, limit: 100 })).data).toHaveLength(1)
})

test('unknown and contradicting cursors are refused', async () => {
  const { customers } = api.stripe
  expect(await refusal(customers.list({ starting_after: 'cus_no' }))).toMatchObject({
    code: 'resource_missing',
    param: 'starting_after',
  })
  expect(
    await refusal(customers.list({ starting_after: ids[0] ?? '', ending_before: ids[1] ?? '' })),
  ).toMatchObject({ code: 'parameters_exclusive' })
})

test('expand puts objects in place of ids, nested and in lists', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const { customer, subscription } = await buy(api, price.id)
  const list = await stripe.subscriptions.list({
    customer: customer.id,
    expand: [
      'data.customer',
      'data.latest_invoice.payments',
      'data.latest_invoice.confirmation_secret',
    ],
  })
  expect(list.data).toMatchObject([
    {
      customer: { id: customer.id, object: 'customer' },
      latest_invoice: {
        object: 'invoice',
        payments: { data: [{ status: 'paid' }] },
        confirmation_secret: {
          type: 'payment_intent',
          client_secret: expect.stringMatching(/^pi_\w+_secret_\w+$/),
        },
      },
    },
  ])
  const back = await stripe.customers.retrieve(customer.id, {
    expand: ['subscriptions', 'subscriptions.data.default_payment_method'],
  })
  expect(back).toMatchObject({
    subscriptions: {
      data: [{ id: subscription.id, default_payment_method: { card: { last4: '4242' } } }],
    },
  })
  const invoice = await stripe.invoices.retrieve(String(subscription.latest_invoice), {
    expand: ['parent.subscription_details.subscription'],
  })
  expect(invoice.parent?.subscription_details?.subscription).toMatchObject({ id: subscription.id })
})

test('a stored object never changes by being expanded', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  await stripe.subscriptions.retrieve(subscription.id, { expand: ['customer'] })
  expect((await stripe.subscriptions.retrieve(subscription.id)).customer).toEqual(
    expect.any(String),
  )
})

test.each([
  ['nonsense', 'This property cannot be expanded (nonsense).'],
  ['items', 'This property cannot be expanded (items).'],
  ['status', 'This property cannot be expanded (status).'],
  ['customer.email', 'This property cannot be expanded (customer.email).'],
  ['latest_invoice.parent.subscription_details.subscription.customer', 'more than 4 levels'],
])('expand=%s is refused, and a write that asks for it is not done', async (path, message) => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const update = stripe.subscriptions.update(subscription.id, {
    metadata: { a: 'b' },
    expand: [path],
  })
  expect((await refusal(update)).message).toContain(message)
  expect((await stripe.subscriptions.retrieve(subscription.id)).metadata).toEqual({})
})

test('on a list the way starts at data, which is a level of the four', async () => {
  const product = 'data.items.data.price.product'
  const deep = await refusal(api.stripe.subscriptions.list({ expand: [product] }))
  expect(deep.message).toContain(`more than 4 levels of a property. Property: ${product}`)
  const error = await refusal(api.stripe.subscriptions.list({ expand: ['customer'] }))
  expect(error.message).toContain("try expanding 'data.customer' instead")
})

test('a list filtered by what does not exist is refused; by a deleted customer it is not', async () => {
  const { stripe } = api
  const missing = (param: string) => ({ statusCode: 400, code: 'resource_missing', param })
  for (const [listing, param] of [
    [() => stripe.subscriptions.list({ customer: 'cus_no' }), 'customer'],
    [() => stripe.subscriptions.list({ price: 'price_no' }), 'price'],
    [() => stripe.subscriptions.list({ test_clock: 'clock_no' }), 'test_clock'],
    [() => stripe.invoices.list({ customer: 'cus_no' }), 'customer'],
    [() => stripe.invoices.list({ subscription: 'sub_no' }), 'subscription'],
    [() => stripe.checkout.sessions.list({ customer: 'cus_no' }), 'customer'],
    [() => stripe.charges.list({ customer: 'cus_no' }), 'customer'],
    [() => stripe.prices.list({ product: 'prod_no' }), 'product'],
    [() => stripe.refunds.list({ charge: 'ch_no' }), 'charge'],
    [() => stripe.invoicePayments.list({ invoice: 'in_no' }), 'invoice'],
  ] as const) {
    expect(await refusal(listing())).toMatchObject(missing(param))
  }
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  await stripe.customers.del(customer.id)
  const left = await stripe.subscriptions.list({ customer: customer.id, status: 'all' })
  expect(left.data).toHaveLength(1)
})

test('what a subscription may have and this one has not is expanded to nothing', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const expand = ['pending_setup_intent', 'schedule', 'discounts']
  expect(await stripe.subscriptions.retrieve(subscription.id, { expand })).toMatchObject({
    pending_setup_intent: null,
    schedule: null,
    discounts: [],
  })
})
