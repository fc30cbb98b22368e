// Idempotency keys, as Stripe documents them.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  card,
  DAY,
  newPrice,
  newSession,
  refusal,
  SECRET_KEY,
  type ServedApi,
  startApi,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

test('the same request twice is done once, and the second answer says so', async () => {
  const { stripe } = api
  const create = () =>
    stripe.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'k1' })
  const first = await create()
  const second = await create()
  expect(second.id).toBe(first.id)
  expect(second.lastResponse.headers['idempotent-replayed']).toBe('true')
  expect(second.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId)
  expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined()
  expect(first.lastResponse.headers['idempotency-key']).toBe('k1')
  expect((await stripe.customers.list()).data).toHaveLength(1)
})

test('the same key with other parameters, or at another path, is refused', async () => {
  const { stripe } = api
  await stripe.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'k1' })
  const refused = (message: string) => ({
    statusCode: 400,
    type: 'StripeIdempotencyError',
    message: expect.stringContaining(message),
  })
  expect(
    await refusal(stripe.customers.create({ email: 'bob@example.com' }, { idempotencyKey: 'k1' })),
  ).toMatchObject(refused('with the same parameters'))
  expect(
    await refusal(stripe.products.create({ name: 'x' }, { idempotencyKey: 'k1' })),
  ).toMatchObject(
    refused("for the same endpoint they were first used for ('/v1/products' vs '/v1/customers')"),
  )
})

test('a request that was refused before it began does not use up its key', async () => {
  const { stripe } = api
  const create = (params: object) => stripe.customers.create(params, { idempotencyKey: 'k1' })
  await refusal(create({ email: 'nobody' }))
  expect(await create({ email: 'ada@example.com' })).toHaveProperty('id')
})

test('one that was refused for something it named does: the endpoint had begun', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  await stripe.prices.update(price.id, { active: false })
  const create = (key: string) => newSession(stripe, price.id, {}, { idempotencyKey: key })
  expect(await refusal(create('k1'))).toMatchObject({ param: 'line_items[0][price]' })
  await stripe.prices.update(price.id, { active: true })
  const again = await refusal(create('k1'))
  expect(again).toMatchObject({ statusCode: 400, param: 'line_items[0][price]' })
  expect(again.headers?.['idempotent-replayed']).toBe('true')
  expect(await create('k2')).toMatchObject({ status: 'open' })
})

test('a declined payment is kept: the same key does not try the card again', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id, {
    with: card('4000000000000341'),
  })
  sim.advanceCustomer(customer.id, (sim.nextRenewal(customer.id) ?? 0) + 3600)
  const [open] = (await stripe.invoices.list({ subscription: subscription.id, status: 'open' }))
    .data
  const pay = () => stripe.invoices.pay(open?.id ?? '', {}, { idempotencyKey: 'pay-1' })
  expect(await refusal(pay())).toMatchObject({ statusCode: 402 })
  const charges = (await stripe.charges.list({ customer: customer.id })).data.length
  const again = await refusal(pay())
  expect(again).toMatchObject({ statusCode: 402 })
  expect(again.headers?.['idempotent-replayed']).toBe('true')
  expect((await stripe.charges.list({ customer: customer.id })).data).toHaveLength(charges)
})

test('a key is forgotten after 24 hours', async () => {
  const { stripe } = api
  const create = () => stripe.customers.create({}, { idempotencyKey: 'k1' })
  const first = await create()
  api.pass(DAY - 1)
  expect((await create()).id).toBe(first.id)
  api.pass(1)
  expect((await create()).id).not.toBe(first.id)
})

test('parallel requests with one key make one object', async () => {
  const { stripe } = api
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => stripe.customers.create({}, { idempotencyKey: 'k1' })),
  )
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
})

test('GET ignores the key', async () => {
  const get = (path: string) =>
    fetch(`${api.url}${path}`, {
      headers: { Authorization: `Bearer ${SECRET_KEY}`, 'Idempotency-Key': 'k1' },
    })
  expect((await get('/v1/customers')).status).toBe(200)
  expect((await get('/v1/products')).status).toBe(200)
})
