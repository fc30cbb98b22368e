// Changing plans in mid-period: what is credited, what is charged, and when.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  card,
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

/** January has 31 days: the period bought on the 15th is 31 days long. */
const FEB_15 = Date.UTC(2027, 1, 15, 10) / 1000

async function start() {
  const hobby = await newPrice(api.stripe)
  const research = await newPrice(api.stripe, { name: 'Research', cents: 19_900 })
  const bought = await buy(api, hobby.id)
  return { ...bought, hobby, research, item: bought.subscription.items.data[0]?.id ?? '' }
}

test('the portal upgrade is invoiced at once for the difference, and keeps the billing date', async () => {
  const { stripe, sim } = api
  const { customer, subscription, research } = await start()
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  api.events.length = 0
  expect(sim.changePlan(subscription.id, research.id)).toEqual({ ok: true })
  const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ['latest_invoice'] })
  expect(after).toMatchObject({
    status: 'active',
    billing_cycle_anchor: START,
    items: {
      data: [
        { price: { id: research.id }, current_period_start: START, current_period_end: FEB_15 },
      ],
    },
    latest_invoice: {
      billing_reason: 'subscription_update',
      status: 'paid',
      // 21 of 31 days are left: 2900 · 21/31 = 1964.5 and 19900 · 21/31 = 13480.6
      total: 13_481 - 1965,
      lines: {
        data: [
          {
            amount: -1965,
            description: 'Unused time on Hobby after 25 Jan 2027',
            period: { end: FEB_15 },
          },
          { amount: 13_481, description: 'Remaining time on Research after 25 Jan 2027' },
        ],
      },
    },
  })
  expect(typesOf(api.events)).toEqual(
    expect.arrayContaining([
      'invoiceitem.created',
      'customer.subscription.updated',
      'invoice.paid',
    ]),
  )
  const updated = api.events.find(({ type }) => type === 'customer.subscription.updated')
  expect(updated?.data.previous_attributes).toHaveProperty('items')

  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  const [renewal] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(renewal).toMatchObject({ billing_reason: 'subscription_cycle', total: 19_900 })
})

test('by default prorations wait for the next invoice', async () => {
  const { stripe, sim } = api
  const { customer, subscription, research, item } = await start()
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  await stripe.subscriptions.update(subscription.id, { items: [{ id: item, price: research.id }] })
  expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1)
  expect(
    (await stripe.invoiceItems.list({ customer: customer.id, pending: true })).data,
  ).toHaveLength(2)
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  const [renewal] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(renewal).toMatchObject({ total: 19_900 + 13_481 - 1965, status: 'paid' })
  expect(renewal?.lines.data.map(({ parent }) => parent?.type)).toEqual([
    'invoice_item_details',
    'invoice_item_details',
    'subscription_item_details',
  ])
  expect((await stripe.invoiceItems.list({ customer: customer.id, pending: true })).data).toEqual(
    [],
  )
})

test('without prorations only the next invoice is of the new price', async () => {
  const { stripe, sim } = api
  const { customer, subscription, research, item } = await start()
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  await stripe.subscriptionItems.update(item, { price: research.id, proration_behavior: 'none' })
  expect((await stripe.invoiceItems.list({ customer: customer.id })).data).toEqual([])
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  const [renewal] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(renewal).toMatchObject({ total: 19_900 })
})

test('a downgrade is a credit on the customer, which pays the next renewals first', async () => {
  const { stripe, sim } = api
  const { customer, subscription, hobby, research } = await start()
  sim.changePlan(subscription.id, research.id)
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  expect(sim.changePlan(subscription.id, hobby.id)).toEqual({ ok: true })
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ balance: -(13_481 - 1965) })
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  const [renewal] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(renewal).toMatchObject({
    total: 2900,
    amount_due: 0,
    status: 'paid',
    starting_balance: -11_516,
    ending_balance: -8616,
  })
})

test('another interval begins a new cycle now, with the unused time credited', async () => {
  const { stripe, sim } = api
  const { customer, subscription, item } = await start()
  const yearly = await newPrice(stripe, { interval: 'year', cents: 29_000 })
  const now = START + 10 * DAY
  sim.advanceCustomer(customer.id, now)
  const updated = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item, price: yearly.id }],
    expand: ['latest_invoice'],
  })
  expect(updated).toMatchObject({
    billing_cycle_anchor: now,
    items: {
      data: [{ current_period_start: now, current_period_end: Date.UTC(2028, 0, 25, 10) / 1000 }],
    },
    latest_invoice: { total: 29_000 - 1965, status: 'paid' },
  })
})

test('a declined upgrade is past_due, or refused whole when asked to be', async () => {
  const { stripe, sim } = api
  const { hobby, research } = await start()
  const { subscription } = await buy(api, hobby.id, { with: card('4000000000000341') })
  const item = subscription.items.data[0]?.id ?? ''
  const change: Stripe.SubscriptionUpdateParams = {
    items: [{ id: item, price: research.id }],
    proration_behavior: 'always_invoice',
  }
  const error = await refusal(
    stripe.subscriptions.update(subscription.id, {
      ...change,
      payment_behavior: 'error_if_incomplete',
    }),
  )
  expect(error).toMatchObject({ statusCode: 402, code: 'card_declined' })
  expect((await stripe.subscriptions.retrieve(subscription.id)).items.data[0]?.price.id).toBe(
    hobby.id,
  )
  expect(await stripe.subscriptions.update(subscription.id, change)).toMatchObject({
    status: 'past_due',
    items: { data: [{ price: { id: research.id } }] },
  })
  expect(sim.changePlan(subscription.id, hobby.id)).toEqual({ ok: true })
})

test('items can be added, counted and removed, but never all of them', async () => {
  const { stripe } = api
  const { subscription, research, item } = await start()
  const added = await stripe.subscriptions.update(subscription.id, {
    items: [{ price: research.id, quantity: 2 }],
  })
  expect(added.items.data.map(({ quantity }) => quantity)).toEqual([1, 2])
  const removed = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item, deleted: true }],
  })
  expect(removed.items.data.map(({ price }) => price.id)).toEqual([research.id])
  const last = removed.items.data[0]?.id ?? ''
  expect(
    (
      await refusal(
        stripe.subscriptions.update(subscription.id, { items: [{ id: last, deleted: true }] }),
      )
    ).param,
  ).toBe('items')
  expect(
    await refusal(
      stripe.subscriptions.update(subscription.id, { items: [{ id: item, quantity: 1 }] }),
    ),
  ).toMatchObject({ code: 'resource_missing', param: 'items[0][id]' })
})

test('from free to paid a new cycle begins, and is charged in full', async () => {
  const { stripe, sim } = api
  const free = await newPrice(stripe, { name: 'Free', cents: 0 })
  const { research } = await start()
  const { customer, subscription } = await buy(api, free.id)
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  sim.changePlan(subscription.id, research.id)
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(invoice).toMatchObject({ total: 19_900, status: 'paid' })
  expect(sim.nextRenewal(customer.id)).toBe(Date.UTC(2027, 1, 25, 10) / 1000)
})

test('prorations can be counted from another moment', async () => {
  const { stripe, sim } = api
  const { customer, subscription, research, item } = await start()
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item, price: research.id }],
    proration_date: START,
  })
  const pending = await stripe.invoiceItems.list({ customer: customer.id, pending: true })
  expect(pending.data.map(({ amount }) => amount).toSorted((a, b) => a - b)).toEqual([
    -2900, 19_900,
  ])
})

test.each([
  // 21 of 31 days were left at the first change, which debited nothing; 11 of 31 are left now.
  ['flexible', [-1029, 1029]],
  ['classic', [-7061, 1029]],
] as const)('%s billing credits after a change without proration: %o', async (type, amounts) => {
  const { stripe, sim } = api
  const hobby = await newPrice(stripe)
  const research = await newPrice(stripe, { name: 'Research', cents: 19_900 })
  const { customer, subscription } = await buy(api, hobby.id, {
    subscription_data: { billing_mode: { type } },
  })
  const id = subscription.items.data[0]?.id ?? ''
  const change = (price: string, proration_behavior: 'always_invoice' | 'none') =>
    stripe.subscriptions.update(subscription.id, { items: [{ id, price }], proration_behavior })
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  await change(research.id, 'none')
  sim.advanceCustomer(customer.id, START + 20 * DAY)
  const { latest_invoice: invoice } = await change(hobby.id, 'always_invoice')
  const { lines } = await stripe.invoices.retrieve(String(invoice))
  expect(lines.data.map(({ amount }) => amount)).toEqual(amounts)
})
