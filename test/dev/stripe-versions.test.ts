// Stripe-Version: which are known, and what an answer and an event look like before basil.
import type { Stripe } from 'stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buy,
  clientOf,
  newPrice,
  refusal,
  SECRET_KEY,
  type ServedApi,
  startApi,
} from './stripe-api-client.ts'
import keys from './stripe-keys.json' with { type: 'json' }

let api: ServedApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

type Json = Record<string, unknown>

/** Keys of Stripe's example that a subscription's line does not have: they are a one-off item's. */
const ABSENT: Record<string, string[]> = { line_item: ['invoice_item'] }

async function get(path: string, version?: string): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    headers: {
      Authorization: `Bearer ${SECRET_KEY}`,
      ...(version !== undefined && { 'Stripe-Version': version }),
    },
  })
}

test.each([
  '2023-08-16',
  '2024-06-20',
  '2024-09-30.acacia',
  '2025-03-31.basil',
  '2026-10-28.endive',
])('%s is answered and named', async (version) => {
  const answer = await get('/v1/account', version)
  expect([answer.status, answer.headers.get('Stripe-Version')]).toEqual([200, version])
})

test.each(['latest', '2025-03-31', '2024-06-20.acacia', '2099-01-01.zinnia', '2023-13-45', ''])(
  '%j is refused',
  async (version) => {
    const answer = await get('/v1/account', version)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  },
)

test('without a header the version is the account’s', async () => {
  expect((await get('/v1/account')).headers.get('Stripe-Version')).toBe('2026-10-28.endive')
})

test('before basil the period is on the subscription and the subscription on the invoice', async () => {
  const price = await newPrice(api.stripe)
  const { subscription } = await buy(api, price.id)
  const [item] = subscription.items.data
  const path = `/v1/subscriptions/${subscription.id}?expand[]=latest_invoice.payment_intent.latest_charge`
  const old = (await (await get(path, '2024-06-20')).json()) as Json
  expect(old).toMatchObject({
    current_period_start: item?.current_period_start,
    current_period_end: item?.current_period_end,
    latest_invoice: {
      paid: true,
      subscription: subscription.id,
      subscription_details: { metadata: {} },
      payment_intent: {
        status: 'succeeded',
        latest_charge: { paid: true, invoice: subscription.latest_invoice },
      },
      lines: { data: [{ type: 'subscription', price: { id: price.id }, proration: false }] },
    },
  })
  expect(old.items).not.toHaveProperty('data.0.current_period_end')
  expect(old).not.toHaveProperty('billing_mode')
  expect(old.latest_invoice).not.toHaveProperty('parent')

  const now = (await (await get(`/v1/subscriptions/${subscription.id}`)).json()) as Json
  expect(now).not.toHaveProperty('current_period_end')
  const expanded = await get(path)
  expect(await expanded.json()).toMatchObject({ error: { param: 'expand[0]' } })
})

test('objects of before basil have the keys of Stripe’s own example of 2023-08-16', async () => {
  const price = await newPrice(api.stripe)
  const { customer, subscription, session } = await buy(api, price.id)
  const read = async (path: string) => (await (await get(path, '2023-08-16')).json()) as Json
  const invoice = await read(`/v1/invoices/${String(subscription.latest_invoice)}`)
  const lines = (invoice.lines as { data: Json[] }).data
  const answered = await read(`/v1/subscriptions/${subscription.id}`)
  const items = (answered.items as { data: Json[] }).data
  const seen: [keyof typeof keys.beforeBasil, Json | undefined][] = [
    ['subscription', answered],
    ['subscription_item', items[0]],
    ['price', items[0]?.price as Json],
    ['product', await read(`/v1/products/${String(price.product)}`)],
    ['invoice', invoice],
    ['line_item', lines[0]],
    ['customer', await read(`/v1/customers/${customer.id}`)],
    ['checkout.session', await read(`/v1/checkout/sessions/${session}`)],
    ['charge', await read(`/v1/charges/${String(invoice.charge)}?expand[]=refunds`)],
    ['dispute', await read(`/v1/disputes/${api.sim.openDispute(String(invoice.charge))}`)],
    ['payment_intent', await read(`/v1/payment_intents/${String(invoice.payment_intent)}`)],
  ]
  for (const [kind, object] of seen) {
    expect(
      keys.beforeBasil[kind].filter((key) => !(object && key in object)),
      kind,
    ).toEqual(ABSENT[kind] ?? [])
  }
})

test('an endpoint of an old version is sent the old shape, with what changed in its terms', async () => {
  const { stripe, sim } = api
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  api.events.length = 0
  const renewal = sim.nextRenewal(customer.id) ?? 0
  sim.advanceCustomer(customer.id, renewal)
  const event = api.events.find(({ type }) => type === 'customer.subscription.updated')
  if (!event) throw new Error('The renewal wrote no event')
  const old = sim.renderEvent(event, '2024-06-20') as Stripe.Event
  expect(old).toMatchObject({
    id: event.id,
    api_version: '2024-06-20',
    data: {
      object: { current_period_start: renewal },
      previous_attributes: { current_period_end: renewal },
    },
  })
  expect(old.data.previous_attributes).not.toHaveProperty('items')
  expect(sim.renderEvent(event)).toEqual(event)
})

test('flexible billing is the default since clover', async () => {
  const { stripe } = api
  const price = await newPrice(stripe)
  const old = clientOf(api, { apiVersion: '2024-06-20' as Stripe.LatestApiVersion })
  const customer = await stripe.customers.create()
  const create = async (client: Stripe) =>
    (
      await client.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        trial_period_days: 7,
      })
    ).id
  const modeOf = async (id: string) => (await stripe.subscriptions.retrieve(id)).billing_mode.type
  expect(await modeOf(await create(stripe))).toBe('flexible')
  expect(await modeOf(await create(old))).toBe('classic')
})

test('Checkout’s payment_method_types and plain anchors are of before endive', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const update = (client: Stripe, billing_cycle_anchor: unknown) =>
    client.subscriptions.update(subscription.id, { billing_cycle_anchor } as object)
  const old = clientOf(api, { apiVersion: '2025-03-31.basil' as Stripe.LatestApiVersion })
  expect((await refusal(update(stripe, 'now'))).param).toBe('billing_cycle_anchor')
  expect((await refusal(update(old, { type: 'now' }))).param).toBe('billing_cycle_anchor')
  expect(await update(stripe, { type: 'unchanged' })).toHaveProperty('id')
  expect(await update(old, 'unchanged')).toHaveProperty('id')
})
