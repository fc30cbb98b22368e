// Moments that a client names: they lie ahead, and a first period that they cut short costs its part.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  DAY,
  newPrice,
  refusal,
  type ServedApi,
  START,
  startApi,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

/** January has 31 days: the period bought on the 15th is 31 days long. */
const FEB_15 = Date.UTC(2027, 1, 15, 10) / 1000

async function create(more: Partial<Stripe.SubscriptionCreateParams>) {
  const { stripe } = api
  const { id: price } = await newPrice(stripe)
  const customer = await stripe.customers.create({
    payment_method: 'pm_card_visa',
  })
  const [method] = (await stripe.customers.listPaymentMethods(customer.id)).data
  return stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price }],
    default_payment_method: method?.id ?? '',
    ...more,
  })
}

test.each([
  [
    { pause_collection: { behavior: 'void', resumes_at: START - 1 } },
    'pause_collection[resumes_at]',
  ],
  [{ cancel_at: START - 1 }, 'cancel_at'],
  [{ trial_end: START - 1 }, 'trial_end'],
  [{ proration_date: START - 1 }, 'proration_date'],
  [{ proration_date: FEB_15 + 1 }, 'proration_date'],
] as const)('an update to %o is refused and changes nothing', async (params, param) => {
  const { stripe } = api
  const { subscription } = await buy(api, (await newPrice(stripe)).id)
  const update = { ...params, metadata: { a: 'b' } }
  expect(await refusal(stripe.subscriptions.update(subscription.id, update))).toMatchObject({
    statusCode: 400,
    param,
  })
  expect(await stripe.subscriptions.retrieve(subscription.id)).toMatchObject({
    metadata: {},
    pause_collection: null,
    cancel_at: null,
  })
})

test.each([
  [{ cancel_at: START - 1 }, 'cancel_at'],
  [{ trial_end: START - 1 }, 'trial_end'],
  [{ billing_cycle_anchor: START - 1 }, 'billing_cycle_anchor'],
  [{ billing_cycle_anchor: FEB_15 + 1 }, 'billing_cycle_anchor'],
])('a subscription with %o is not created', async (params, param) => {
  expect(await refusal(create(params))).toMatchObject({ statusCode: 400, param })
  expect((await api.stripe.subscriptions.list()).data).toEqual([])
})

test('a subscription can be created to end with its first period', async () => {
  expect(await create({ cancel_at: 'max_period_end' })).toMatchObject({
    cancel_at: FEB_15,
    cancel_at_period_end: false,
  })
})

test.each([
  // 10 of the 31 days from 25 December to 25 January.
  ['create_prorations', 935],
  ['none', 0],
] as const)('the time up to an anchor ahead costs its part: %s', async (behavior, amount) => {
  const anchor = START + 10 * DAY
  const subscription = await create({
    billing_cycle_anchor: anchor,
    proration_behavior: behavior,
    expand: ['latest_invoice'],
  })
  expect(subscription).toMatchObject({
    status: 'active',
    items: { data: [{ current_period_start: START, current_period_end: anchor }] },
    latest_invoice: { status: 'paid', total: amount },
  })
  const customer = String(subscription.customer)
  api.sim.advanceCustomer(customer, anchor + 3600)
  const [renewal] = (await api.stripe.invoices.list({ customer })).data
  expect(renewal).toMatchObject({ billing_reason: 'subscription_cycle', amount_paid: 2900 })
})

test('the payment of an invoice is dated by its customer’s clock', async () => {
  const { sim, stripe } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id)
  const pro = await newPrice(stripe, { name: 'Pro', cents: 99_900 })
  sim.advanceCustomer(customer.id, START + 10 * DAY)
  sim.changePlan(subscription.id, pro.id)
  const paid = api.events.findLast(({ type }) => type === 'invoice_payment.paid')
  expect(paid?.created).toBe(START + 10 * DAY)
})

test('an incomplete subscription takes a card and metadata, no more', async () => {
  const { stripe } = api
  const { id: price } = await newPrice(stripe)
  const customer = await stripe.customers.create()
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price }],
    payment_behavior: 'default_incomplete',
  })
  const update = (params: Stripe.SubscriptionUpdateParams) =>
    stripe.subscriptions.update(subscription.id, params)
  const id = subscription.items.data[0]?.id ?? ''
  for (const params of [{ items: [{ id, quantity: 2 }] }, { cancel_at_period_end: true }]) {
    expect(await refusal(update(params))).toMatchObject({ statusCode: 400 })
  }
  const visa = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id })
  expect(await update({ metadata: { a: 'b' }, default_payment_method: visa.id })).toMatchObject({
    status: 'incomplete',
    metadata: { a: 'b' },
    default_payment_method: visa.id,
    items: { data: [{ quantity: 1 }] },
  })
})
