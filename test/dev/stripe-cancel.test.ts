// Cancelling in every form, taking it back, and what deleting a customer does.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  DAY,
  newPrice,
  refusal,
  type ServedApi,
  START,
  startApi,
  typesOf,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

const FEB_15 = Date.UTC(2027, 1, 15, 10) / 1000

async function start(more = {}) {
  return buy(api, (await newPrice(api.stripe)).id, more)
}

test('the portal cancellation under flexible billing sets cancel_at alone', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await start()
  api.events.length = 0
  sim.cancelAtPeriodEnd(subscription.id)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    status: 'active',
    cancel_at: FEB_15,
    cancel_at_period_end: false,
    canceled_at: START,
    ended_at: null,
    cancellation_details: { reason: 'cancellation_requested' },
  })
  expect(typesOf(api.events)).toEqual(['customer.subscription.updated'])
  expect(api.events[0]?.data.previous_attributes).toEqual({
    cancel_at: null,
    canceled_at: null,
    cancellation_details: { reason: null },
  })
  sim.advanceCustomer(customer.id, FEB_15)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    status: 'canceled',
    canceled_at: START,
    ended_at: FEB_15,
  })
  expect(typesOf(api.events).at(-1)).toBe('customer.subscription.deleted')
  expect((await stripe.invoices.list({ subscription: subscription.id })).data).toHaveLength(1)
})

test('a classic subscription is cancelled by the flag', async () => {
  const { stripe, sim } = api
  const { subscription } = await start({ subscription_data: { billing_mode: { type: 'classic' } } })
  sim.cancelAtPeriodEnd(subscription.id)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    cancel_at: FEB_15,
    cancel_at_period_end: true,
  })
})

test('a scheduled cancellation is taken back in the portal or by the API', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await start()
  sim.cancelAtPeriodEnd(subscription.id)
  sim.resume(subscription.id)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    cancel_at: null,
    canceled_at: null,
  })
  expect(
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true }),
  ).toMatchObject({
    cancel_at: FEB_15,
    cancel_at_period_end: true,
  })
  expect(
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false }),
  ).toMatchObject({
    cancel_at: null,
    cancel_at_period_end: false,
  })
  await stripe.subscriptions.update(subscription.id, { cancel_at: START + 5 * DAY })
  expect(await stripe.subscriptions.update(subscription.id, { cancel_at: '' })).toMatchObject({
    cancel_at: null,
  })
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('a moment of the seller ends it then', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await start()
  await stripe.subscriptions.update(subscription.id, { cancel_at: START + 5 * DAY })
  sim.advanceCustomer(customer.id, START + 6 * DAY)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    status: 'canceled',
    ended_at: START + 5 * DAY,
  })
})

test('an immediate cancellation ends it now and cannot be repeated', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await start()
  const canceled = await stripe.subscriptions.cancel(subscription.id, {
    cancellation_details: { feedback: 'too_expensive', comment: 'later' },
  })
  expect(canceled).toMatchObject({
    status: 'canceled',
    ended_at: START,
    cancellation_details: {
      feedback: 'too_expensive',
      comment: 'later',
      reason: 'cancellation_requested',
    },
  })
  expect(await refusal(stripe.subscriptions.cancel(subscription.id))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
  })
  expect(
    await refusal(stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true })),
  ).toMatchObject({ code: 'invalid_canceled_subscription_fields' })
  expect(
    await stripe.subscriptions.update(subscription.id, { metadata: { a: 'b' } }),
  ).toMatchObject({
    metadata: { a: 'b' },
  })
  expect((await stripe.subscriptions.list({ customer: customer.id })).data).toEqual([])
  expect(
    (await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data,
  ).toHaveLength(1)
  expect(
    (await stripe.subscriptions.list({ customer: customer.id, status: 'canceled' })).data,
  ).toHaveLength(1)
  sim.advanceCustomer(customer.id, FEB_15 + DAY)
  expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1)
})

test('cancelling with proration and an invoice gives the unused time back as credit', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await start()
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  await stripe.subscriptions.cancel(subscription.id, { prorate: true, invoice_now: true })
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -1965 })
})

test('deleting a customer cancels its subscriptions and leaves a tombstone', async () => {
  const { stripe } = api
  const { subscription, customer } = await start()
  api.events.length = 0
  expect(await stripe.customers.del(customer.id)).toMatchObject({ id: customer.id, deleted: true })
  expect(typesOf(api.events)).toEqual(['customer.subscription.deleted', 'customer.deleted'])
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled')
  expect(await stripe.customers.retrieve(customer.id)).toEqual(
    expect.objectContaining({ id: customer.id, object: 'customer', deleted: true }),
  )
  expect(await refusal(stripe.customers.update(customer.id, { name: 'x' }))).toMatchObject({
    code: 'resource_missing',
  })
  expect((await stripe.customers.list()).data).toEqual([])
})

test.each([
  [{}, 0],
  [{ invoice_now: true, prorate: true }, 2],
])('cancelling at once with %o leaves %i of the pending prorations', async (options, count) => {
  const { stripe } = api
  const { subscription, customer } = await start()
  const research = await newPrice(stripe, { name: 'Research', cents: 19_900 })
  api.sim.advanceCustomer(customer.id, START + DAY)
  await stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0]?.id ?? '', price: research.id }],
    proration_behavior: 'create_prorations',
  })
  const before = (await stripe.invoiceItems.list({ customer: customer.id })).data
  expect(before).toHaveLength(2)
  await stripe.subscriptions.cancel(subscription.id, options)
  const after = (await stripe.invoiceItems.list({ customer: customer.id })).data
  const ids = before.map(({ id }) => id)
  expect(after.filter(({ id }) => ids.includes(id))).toHaveLength(count)
  expect(after.filter(({ invoice }) => invoice === null)).toEqual([])
})
