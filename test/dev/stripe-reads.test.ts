// What a command reads of an account: payments with their invoices, invoices with their subscriptions, events by time.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buy,
  newPrice,
  refusal,
  SECRET_KEY,
  type ServedApi,
  START,
  startApi,
} from './stripe-api-client.ts'

let api: ServedApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

async function bought() {
  const { customer, subscription } = await buy(api, (await newPrice(api.stripe)).id)
  const [charge] = (await api.stripe.charges.list({ customer: customer.id })).data
  return { customer, subscription, intent: String(charge?.payment_intent) }
}

test('a payment intent leads to its invoice', async () => {
  const { subscription, intent } = await bought()
  await bought()
  const { data } = await api.stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: intent },
    expand: ['data.invoice'],
  })
  expect(data).toMatchObject([
    { status: 'paid', invoice: { id: subscription.latest_invoice, object: 'invoice' } },
  ])
  const none = { payment: { type: 'payment_intent', payment_intent: 'pi_no' } } as const
  expect((await api.stripe.invoicePayments.list(none)).data).toEqual([])
  const records = api.stripe.invoicePayments.list({ payment: { type: 'payment_record' } })
  expect((await refusal(records)).statusCode).toBe(400)
})

test('invoices expand their subscription, which is the fourth level, and nothing below it', async () => {
  const { stripe } = api
  const { subscription } = await bought()
  const path = 'data.parent.subscription_details.subscription'
  const list = (expand: string[]) =>
    stripe.invoices.list({ subscription: subscription.id, limit: 1, expand })
  expect((await list([path])).data).toMatchObject([
    {
      parent: { subscription_details: { subscription: { id: subscription.id, status: 'active' } } },
    },
  ])
  const deeper = await refusal(list([`${path}.customer`]))
  expect(deeper).toMatchObject({ statusCode: 400, param: 'expand[0]' })
  expect(deeper.message).toContain('more than 4 levels')
})

test('a customer’s subscriptions of any status come with their latest invoices', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await bought()
  sim.cancelNow(subscription.id)
  const { data } = await stripe.subscriptions.list({
    customer: customer.id,
    status: 'all',
    expand: ['data.latest_invoice'],
  })
  expect(data).toMatchObject([
    { id: subscription.id, status: 'canceled', latest_invoice: { status: 'paid' } },
  ])
})

test('events of some types and a span of time are paged, newest first', async () => {
  const { stripe } = api
  const types = ['customer.created', 'customer.updated']
  const made: string[] = []
  for (let day = 1; day <= 5; day += 1) {
    api.pass(86_400)
    made.push((await stripe.customers.create({ description: `day ${day}` })).id)
    await stripe.products.create({ name: 'Not asked for' })
  }
  const created = { gte: START + 2 * 86_400, lte: START + 4 * 86_400 }
  const page = (starting_after?: string) =>
    stripe.events.list({ types, created, limit: 2, ...(starting_after && { starting_after }) })
  const idsOf = ({ data }: Awaited<ReturnType<typeof page>>) =>
    data.map((event) => ('id' in event.data.object ? event.data.object.id : null))
  const first = await page()
  expect([first.has_more, idsOf(first)]).toEqual([true, [made[3], made[2]]])
  const second = await page(first.data.at(-1)?.id)
  expect([second.has_more, idsOf(second)]).toEqual([false, [made[1]]])
  const both = stripe.events.list({ type: 'customer.created', types })
  expect((await refusal(both)).code).toBe('parameters_exclusive')
})

test('the account names itself, and every answer says what time it is there', async () => {
  const account = await api.stripe.accounts.retrieveCurrent()
  expect(account).toMatchObject({ id: expect.stringMatching(/^acct_/), object: 'account' })
  expect(account).not.toHaveProperty('livemode')
  for (const path of ['/v1/account', '/v1/nothing']) {
    const answer = await fetch(`${api.url}${path}`, {
      headers: { Authorization: `Bearer ${SECRET_KEY}` },
    })
    // The clock of this simulator stands in 2027.
    const now = api.sim.customerNow((await api.stripe.customers.create()).id)
    expect(Date.parse(answer.headers.get('Date') ?? '') / 1000).toBe(now)
  }
})

test('an endpoint keeps the version it was made with, and is silent while disabled', async () => {
  const { stripe, sim } = api
  const { webhookEndpoints } = stripe
  const url = 'http://127.0.0.1:9/hook'
  const made = await webhookEndpoints.create({
    url,
    enabled_events: ['customer.created'],
    api_version: '2024-06-20',
  })
  expect(made).toMatchObject({
    api_version: '2024-06-20',
    enabled_events: ['customer.created'],
    secret: expect.stringMatching(/^whsec_/),
    status: 'enabled',
  })
  const moved = webhookEndpoints.update(made.id, { api_version: '2026-10-28.endive' } as object)
  expect(await refusal(moved)).toMatchObject({ code: 'parameter_unknown', param: 'api_version' })
  await stripe.customers.create()
  const event = api.events.findLast(({ type }) => type === 'customer.created')
  if (!event) throw new Error('No event')
  expect(sim.endpointsFor(event).map(({ id }) => id)).toEqual([made.id])
  expect((await webhookEndpoints.update(made.id, { disabled: true })).status).toBe('disabled')
  expect(sim.endpointsFor(event)).toEqual([])
  await webhookEndpoints.update(made.id, { disabled: false, enabled_events: ['product.created'] })
  expect(sim.endpointsFor(event)).toEqual([])
  const back = await webhookEndpoints.retrieve(made.id)
  expect(back).not.toHaveProperty('secret')
  expect(back).toMatchObject({ status: 'enabled', enabled_events: ['product.created'] })
  expect((await webhookEndpoints.create({ url, enabled_events: ['*'] })).api_version).toBe(null)
  const unknown = webhookEndpoints.create({ url, enabled_events: ['no.such'] as never })
  expect((await refusal(unknown)).statusCode).toBe(400)
})
