// pause_collection leaves the status alone; the status `paused` stops billing.
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

test.each([
  ['keep_as_draft', 'draft'],
  ['void', 'void'],
  ['mark_uncollectible', 'uncollectible'],
] as const)(
  'while collection is paused with %s the renewal is %s and the status stays',
  async (behavior, status) => {
    const { stripe, sim } = api
    const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
    await stripe.subscriptions.update(subscription.id, { pause_collection: { behavior } })
    sim.advanceCustomer(customer.id, FEB_15 + 3600)
    const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data
    expect(invoice).toMatchObject({ status, billing_reason: 'subscription_cycle', amount_paid: 0 })
    expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
      status: 'active',
      pause_collection: { behavior, resumes_at: null },
    })
  },
)

test('collection resumes at its moment, or when it is unset', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  sim.pauseCollection(subscription.id, 'void', START + 10 * DAY)
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  expect((await stripe.subscriptions.retrieve(subscription.id)).pause_collection).toBeNull()
  sim.pauseCollection(subscription.id)
  expect(
    await stripe.subscriptions.update(subscription.id, { pause_collection: '' }),
  ).toMatchObject({
    pause_collection: null,
  })
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(invoice).toMatchObject({ status: 'paid' })
})

test('a paused subscription is not billed; it goes on with a new period when resumed', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  expect(await stripe.subscriptions.pause(subscription.id)).toMatchObject({
    status: 'paused',
    status_details: { paused: { subscription: { type: 'pause_requested' } } },
  })
  expect(typesOf(api.events).slice(-2)).toEqual([
    'customer.subscription.updated',
    'customer.subscription.paused',
  ])
  sim.advanceCustomer(customer.id, FEB_15 + 10 * DAY)
  expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1)
  expect(sim.unpause(subscription.id)).toEqual({ ok: true })
  const resumed = await stripe.subscriptions.retrieve(subscription.id, {
    expand: ['latest_invoice'],
  })
  expect(resumed).toMatchObject({
    status: 'active',
    billing_cycle_anchor: FEB_15 + 10 * DAY,
    latest_invoice: { total: 2900, status: 'paid' },
  })
  expect(resumed).not.toHaveProperty('status_details')
  expect(await refusal(stripe.subscriptions.resume(subscription.id))).toMatchObject({
    statusCode: 400,
  })
})

test('resuming in the old cycle within paid time costs nothing', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  sim.pause(subscription.id)
  sim.advanceCustomer(customer.id, START + 5 * DAY)
  const resumed = await stripe.subscriptions.resume(subscription.id, {
    billing_cycle_anchor: { type: 'unchanged' },
  })
  expect(resumed).toMatchObject({ status: 'active', billing_cycle_anchor: START })
  expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1)
})

test('a card that fails keeps it paused', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  sim.pause(subscription.id)
  sim.failNextPayment(customer.id)
  expect(sim.unpause(subscription.id)).toMatchObject({ ok: false, code: 'card_declined' })
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('paused')
  const [open] = (await stripe.invoices.list({ customer: customer.id, status: 'open' })).data
  expect(sim.payInvoice(open?.id ?? '')).toEqual({ ok: true })
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('resuming by the API leaves the invoice to be paid; a failed attempt makes it past_due', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  sim.pause(subscription.id)
  const waiting = await stripe.subscriptions.resume(subscription.id)
  expect(waiting.status).toBe('paused')
  sim.failNextPayment(customer.id)
  await refusal(stripe.invoices.pay(String(waiting.latest_invoice)))
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
  await stripe.invoices.pay(String(waiting.latest_invoice))
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('the invoice of a resumption is void after 23 hours, and it can be resumed again', async () => {
  const { stripe, sim } = api
  const { subscription, customer } = await buy(api, (await newPrice(stripe)).id)
  sim.pause(subscription.id)
  const { latest_invoice } = await stripe.subscriptions.resume(subscription.id)
  expect((await refusal(stripe.subscriptions.resume(subscription.id))).message).toContain('already')
  sim.advanceCustomer(customer.id, START + 23 * 3600)
  expect((await stripe.invoices.retrieve(String(latest_invoice))).status).toBe('void')
  expect(sim.unpause(subscription.id)).toEqual({ ok: true })
})
