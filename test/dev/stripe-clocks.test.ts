// Test clocks: a customer's time set by the API, as real integrations drive it.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  DAY,
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
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

/** The clock may stand anywhere, the past included. */
const FROZEN = Date.UTC(2024, 0, 31, 12) / 1000

async function subscriber(clock: string) {
  const { stripe, sim } = api
  const customer = await stripe.customers.create({ test_clock: clock, email: 'ada@example.com' })
  const session = await newSession(stripe, (await newPrice(stripe)).id, { customer: customer.id })
  expect(sim.payCheckout(session.id, VISA)).toMatchObject({ ok: true })
  const [subscription] = (await stripe.subscriptions.list({ customer: customer.id })).data
  return { customer, id: subscription?.id ?? '' }
}

test('a clock moves its customers through their renewals, and nobody else', async () => {
  const { stripe, sim } = api
  const clock = await stripe.testHelpers.testClocks.create({
    frozen_time: FROZEN,
    name: 'renewals',
  })
  const { customer, id } = await subscriber(clock.id)
  expect(sim.customerNow(customer.id)).toBe(FROZEN)
  const feb29 = Date.UTC(2024, 1, 29, 12) / 1000
  expect(sim.nextRenewal(customer.id)).toBe(feb29)

  const advancing = await stripe.testHelpers.testClocks.advance(clock.id, {
    frozen_time: feb29 + 3600,
  })
  expect(advancing).toMatchObject({
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: feb29 + 3600 } },
  })
  expect(await stripe.testHelpers.testClocks.retrieve(clock.id)).toMatchObject({
    status: 'ready',
    frozen_time: feb29 + 3600,
  })
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data
  expect(invoice).toMatchObject({ status: 'paid', created: feb29, test_clock: clock.id })
  expect(typesOf(api.events).filter((type) => type.includes('test_clock'))).toEqual([
    'test_helpers.test_clock.created',
    'test_helpers.test_clock.advancing',
    'test_helpers.test_clock.ready',
  ])
})

test('wall time does not move a frozen customer', async () => {
  const { stripe, sim } = api
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: FROZEN })
  const { customer, id } = await subscriber(clock.id)
  api.pass(90 * DAY)
  expect(sim.customerNow(customer.id)).toBe(FROZEN)
  expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1)
})

test('the customers of one clock move together, in the order of what is due', async () => {
  const { stripe, sim } = api
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: FROZEN })
  const first = await subscriber(clock.id)
  sim.advanceCustomer(first.customer.id, FROZEN + 10 * DAY)
  const second = await subscriber(clock.id)
  api.events.length = 0
  sim.advanceCustomer(second.customer.id, FROZEN + 75 * DAY)
  expect(sim.customerNow(first.customer.id)).toBe(FROZEN + 75 * DAY)
  const created = api.events.map((event) => event.created)
  expect(created.slice(1, -1)).toEqual(created.slice(1, -1).toSorted((a, b) => a - b))
  expect((await stripe.invoices.list({ subscription: first.id })).data).toHaveLength(3)
  expect((await stripe.invoices.list({ subscription: second.id })).data).toHaveLength(3)
})

test('a clock does not go back, and deleting it deletes its customers', async () => {
  const { stripe } = api
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: FROZEN })
  const { customer, id } = await subscriber(clock.id)
  const back = stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: FROZEN - 1 })
  expect(await refusal(back)).toMatchObject({ param: 'frozen_time' })
  await stripe.testHelpers.testClocks.del(clock.id)
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true })
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled')
  expect(await refusal(stripe.testHelpers.testClocks.retrieve(clock.id))).toMatchObject({
    statusCode: 404,
  })
})

test('lists show a clock’s customers only when asked for them', async () => {
  const { stripe } = api
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START })
  const { customer } = await subscriber(clock.id)
  expect((await stripe.customers.list()).data).toEqual([])
  const asked = await stripe.customers.list({ test_clock: clock.id })
  expect(asked.data.map(({ id }) => id)).toEqual([customer.id])
})
