// A customer's time moves: renewals, failed charges and their retries, recovery.
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
  VISA,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

const FEB_15 = Date.UTC(2027, 1, 15, 10) / 1000
const MAR_15 = Date.UTC(2027, 2, 15, 10) / 1000

test('a renewal moves the period at once and collects an hour later', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id)
  expect(sim.nextRenewal(customer.id)).toBe(FEB_15)
  api.events.length = 0

  sim.advanceCustomer(customer.id, FEB_15)
  const [item] = (await stripe.subscriptions.retrieve(subscription.id)).items.data
  expect([item?.current_period_start, item?.current_period_end]).toEqual([FEB_15, MAR_15])
  const [draft] = (await stripe.invoices.list({ subscription: subscription.id, status: 'draft' }))
    .data
  expect(draft).toMatchObject({
    billing_reason: 'subscription_cycle',
    amount_due: 2900,
    automatically_finalizes_at: FEB_15 + 3600,
    period_start: START,
    period_end: FEB_15,
    lines: { data: [{ period: { start: FEB_15, end: MAR_15 } }] },
  })
  expect(typesOf(api.events)).toEqual(['customer.subscription.updated', 'invoice.created'])
  expect(api.events[0]?.created).toBe(FEB_15)

  api.events.length = 0
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  expect(await stripe.invoices.retrieve(draft?.id ?? '')).toMatchObject({
    status: 'paid',
    amount_paid: 2900,
    attempt_count: 1,
    status_transitions: { finalized_at: FEB_15 + 3600, paid_at: FEB_15 + 3600 },
  })
  expect(typesOf(api.events)).toEqual([
    'customer.updated',
    'invoice.finalized',
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'invoice.updated',
    'invoice_payment.paid',
    'invoice.paid',
    'invoice.payment_succeeded',
  ])
})

test('years pass in order, one paid invoice a month, and other customers stay where they are', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const { customer, subscription } = await buy(api, price.id)
  const other = await buy(api, price.id)
  sim.advanceCustomer(customer.id, Date.UTC(2029, 0, 15, 12) / 1000)
  const invoices = await stripe.invoices.list({ subscription: subscription.id, limit: 100 })
  expect(invoices.data).toHaveLength(25)
  expect(invoices.data.every(({ status }) => status === 'paid')).toBe(true)
  expect(sim.customerNow(other.customer.id)).toBe(START)
  expect((await stripe.invoices.list({ customer: other.customer.id })).data).toHaveLength(1)
})

test('the period renews by itself as wall time passes', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  api.pass(FEB_15 + 7200 - START)
  const { items } = await stripe.subscriptions.retrieve(subscription.id)
  expect(items.data[0]?.current_period_end).toBe(MAR_15)
  const [latest] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(latest).toMatchObject({ status: 'paid', created: FEB_15 })
})

test('a card that fails at renewal is tried again after 3, 5 and 7 days, then the subscription ends', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id, {
    with: card('4000000000000341'),
  })
  expect(subscription.status).toBe('active')
  const failed = FEB_15 + 3600
  sim.advanceCustomer(customer.id, failed)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ delinquent: true })
  const invoice = async () =>
    (await stripe.invoices.list({ subscription: subscription.id })).data[0]
  expect(await invoice()).toMatchObject({
    status: 'open',
    attempted: true,
    attempt_count: 1,
    next_payment_attempt: failed + 3 * DAY,
    amount_remaining: 2900,
  })
  sim.advanceCustomer(customer.id, failed + 3 * DAY)
  expect(await invoice()).toMatchObject({
    attempt_count: 2,
    next_payment_attempt: failed + 8 * DAY,
  })
  sim.advanceCustomer(customer.id, failed + 8 * DAY)
  expect(await invoice()).toMatchObject({
    attempt_count: 3,
    next_payment_attempt: failed + 15 * DAY,
  })
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
  sim.advanceCustomer(customer.id, failed + 15 * DAY)
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    status: 'canceled',
    ended_at: failed + 15 * DAY,
    cancellation_details: { reason: 'payment_failed' },
  })
  expect(await invoice()).toMatchObject({
    status: 'open',
    attempt_count: 4,
    next_payment_attempt: null,
  })
  const types = typesOf(api.events)
  expect(types.filter((type) => type === 'invoice.payment_failed')).toHaveLength(4)
  expect(types.filter((type) => type === 'customer.subscription.deleted')).toHaveLength(1)
  expect(sim.nextRenewal(customer.id)).toBeNull()
})

test('the account may leave a subscription unpaid instead, and paying it makes it active again', async () => {
  await api.close()
  api = await startApi({ afterLastRetry: 'mark_unpaid' })
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id, {
    with: card('4000000000000341'),
  })
  sim.advanceCustomer(customer.id, FEB_15 + 3600 + 15 * DAY)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('unpaid')
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data
  expect(sim.payInvoice(invoice?.id ?? '', VISA)).toEqual({ ok: true })
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('a new card pays the open invoice at the next retry, and the subscription recovers', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id, {
    with: card('4000000000000341'),
  })
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  expect(sim.setCard(customer.id, VISA)).toEqual({ ok: true })
  api.events.length = 0
  sim.advanceCustomer(customer.id, FEB_15 + 3600 + 3 * DAY)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
  const updated = api.events.find(({ type }) => type === 'customer.subscription.updated')
  expect(updated?.data.previous_attributes).toEqual({ status: 'past_due' })
  expect(typesOf(api.events)).toContain('invoice.paid')
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ delinquent: false })
})

test('paying the invoice through the API recovers at once; a bad card is a card error', async () => {
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id)
  sim.failNextPayment(customer.id)
  sim.advanceCustomer(customer.id, FEB_15 + 3600)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id, status: 'open' }))
    .data
  sim.failNextPayment(customer.id)
  await expect(stripe.invoices.pay(invoice?.id ?? '')).rejects.toMatchObject({
    statusCode: 402,
    type: 'StripeCardError',
    code: 'card_declined',
    decline_code: 'generic_decline',
    payment_intent: { status: 'requires_payment_method' },
  })
  expect(await stripe.invoices.pay(invoice?.id ?? '')).toMatchObject({ status: 'paid' })
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test.each([
  [
    '31 January',
    Date.UTC(2027, 0, 31, 9),
    ['2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31'],
  ],
  [
    '31 December before a leap year',
    Date.UTC(2027, 11, 31, 9),
    ['2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30'],
  ],
])('months are anchored at %s and clamp to the end of shorter ones', async (_name, wall, ends) => {
  await api.close()
  api = await startApi({ now: () => wall })
  const { stripe, sim } = api
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  const seen: string[] = []
  for (const _end of ends) {
    const at = sim.nextRenewal(customer.id) ?? 0
    seen.push(new Date(at * 1000).toISOString())
    sim.advanceCustomer(customer.id, at)
  }
  expect(seen).toEqual(ends.map((day) => `${day}T09:00:00.000Z`))
})

test('a yearly price bought on 29 February renews on 28 February', async () => {
  await api.close()
  api = await startApi({ now: () => Date.UTC(2028, 1, 29, 9) })
  const { stripe, sim } = api
  const { customer } = await buy(
    api,
    (await newPrice(stripe, { interval: 'year', cents: 29_000 })).id,
  )
  expect(sim.nextRenewal(customer.id)).toBe(Date.UTC(2029, 1, 28, 9) / 1000)
})

test('a clock does not go back', async () => {
  const { stripe, sim } = api
  const { customer } = await buy(api, (await newPrice(stripe)).id)
  expect(() => sim.advanceCustomer(customer.id, START - 1)).toThrow('A clock only moves forward')
})

test('an upcoming invoice can be looked at before it is made', async () => {
  const { stripe } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id)
  expect(await stripe.invoices.createPreview({ subscription: subscription.id })).toMatchObject({
    id: expect.stringMatching(/^upcoming_in_/),
    amount_due: 2900,
    lines: { data: [{ period: { start: FEB_15, end: MAR_15 } }] },
  })
  expect((await stripe.invoices.list({ customer: customer.id })).data).toHaveLength(1)
})

test('paying what is open heals a past due subscription while the next draft waits', async () => {
  const { stripe, sim } = api
  const daily = await newPrice(stripe, { interval: 'day' })
  const { customer, subscription } = await buy(api, daily.id, { with: card('4000000000000341') })
  sim.advanceCustomer(customer.id, START + DAY + 3600)
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due')
  sim.advanceCustomer(customer.id, START + 2 * DAY)
  const of = async (status: 'draft' | 'open') =>
    (await stripe.invoices.list({ subscription: subscription.id, status })).data
  expect(await of('draft')).toHaveLength(1)
  const [open] = await of('open')
  sim.setCard(customer.id, VISA)
  await stripe.invoices.pay(open?.id ?? '')
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('a paid invoice is neither voided nor finalized again', async () => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const id = String(subscription.latest_invoice)
  expect(await refusal(stripe.invoices.voidInvoice(id))).toMatchObject({
    statusCode: 400,
    code: 'status_transition_invalid',
  })
  expect(await refusal(stripe.invoices.finalizeInvoice(id))).toMatchObject({
    statusCode: 400,
    code: 'invoice_not_editable',
  })
})
