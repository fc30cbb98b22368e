// Disputes: opened by the bank, won, lost, or accepted by the merchant.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  card,
  clientOf,
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

async function bought() {
  const { customer, subscription } = await buy(api, (await newPrice(api.stripe)).id)
  const [charge] = (await api.stripe.charges.list({ customer: customer.id })).data
  api.events.length = 0
  if (!charge) throw new Error('Nothing was charged')
  return { customer, subscription, charge }
}

test('a dispute takes the money and a fee, and marks the charge', async () => {
  const { stripe, sim } = api
  const { charge, subscription } = await bought()
  const id = sim.openDispute(charge.id)
  expect(typesOf(api.events)).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn'])
  const dispute = await stripe.disputes.retrieve(id)
  expect(dispute).toMatchObject({
    id: expect.stringMatching(/^du_1\w{23}$/),
    amount: 2900,
    charge: charge.id,
    payment_intent: charge.payment_intent,
    reason: 'fraudulent',
    status: 'needs_response',
    is_charge_refundable: false,
    payment_method_details: {
      card: { brand: 'visa', case_type: 'chargeback', network_reason_code: '10.4' },
    },
    balance_transactions: [{ amount: -2900, fee: 1500, net: -4400, source: id }],
  })
  expect(dispute.evidence_details.due_by).toBeGreaterThan(START)
  expect(api.events.map(({ data }) => data.object)).toEqual([dispute, dispute])
  expect(await stripe.charges.retrieve(charge.id)).toMatchObject({ disputed: true, paid: true })
  // What becomes of the subscription is the seller's to decide.
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test.each(['won', 'lost'] as const)('a dispute that is %s is closed for good', async (outcome) => {
  const { stripe, sim } = api
  const { charge } = await bought()
  const id = sim.openDispute(charge.id)
  api.events.length = 0
  sim.closeDispute(id, outcome)
  const won = outcome === 'won'
  expect(typesOf(api.events)).toEqual([
    'charge.dispute.closed',
    ...(won ? ['charge.dispute.funds_reinstated'] : []),
  ])
  expect(api.events[0]?.data).toMatchObject({
    object: { id, status: outcome },
    previous_attributes: { status: 'needs_response' },
  })
  const { balance_transactions } = await stripe.disputes.retrieve(id)
  expect(balance_transactions.map(({ amount }) => amount)).toEqual(won ? [-2900, 2900] : [-2900])
  expect((await stripe.charges.retrieve(charge.id)).disputed).toBe(true)
  expect(() => sim.closeDispute(id, 'won')).toThrow('already closed')
  expect(() => sim.openDispute(charge.id)).toThrow('already been disputed')
})

test('the merchant accepts a dispute over the API: it is lost', async () => {
  const { stripe, sim } = api
  const id = sim.openDispute((await bought()).charge.id)
  api.events.length = 0
  expect((await stripe.disputes.close(id)).status).toBe('lost')
  expect(typesOf(api.events)).toEqual(['charge.dispute.closed'])
  expect(await refusal(stripe.disputes.close(id))).toMatchObject({ statusCode: 400 })
  expect(await refusal(stripe.disputes.close('du_no'))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
  })
})

test('what is disputed is not refunded, what was won is', async () => {
  const { stripe, sim } = api
  const { charge } = await bought()
  const id = sim.openDispute(charge.id)
  expect(await refusal(stripe.refunds.create({ charge: charge.id }))).toMatchObject({
    statusCode: 400,
    code: 'charge_disputed',
  })
  sim.closeDispute(id, 'won')
  expect((await stripe.refunds.create({ charge: charge.id })).amount).toBe(2900)
})

test('what was refunded is not disputed again, and a failed charge never is', async () => {
  const { stripe, sim } = api
  const { charge, customer } = await bought()
  await stripe.refunds.create({ charge: charge.id, amount: 900 })
  const partly = await stripe.disputes.retrieve(sim.openDispute(charge.id))
  expect(partly.amount).toBe(2000)
  sim.failNextPayment(customer.id)
  sim.advanceCustomer(customer.id, (sim.nextRenewal(customer.id) ?? 0) + 3600)
  const [failed] = (await stripe.charges.list({ customer: customer.id })).data
  expect(failed?.status).toBe('failed')
  expect(() => sim.openDispute(failed?.id ?? '')).toThrow('nothing to dispute')
})

test('disputes are listed by charge and payment intent, and expanded in both shapes', async () => {
  const { stripe, sim } = api
  const { charge, subscription } = await bought()
  const other = await bought()
  const id = sim.openDispute(charge.id)
  sim.openDispute(other.charge.id)
  const ids = async (params: Stripe.DisputeListParams) =>
    (await stripe.disputes.list(params)).data.map((dispute) => dispute.id)
  expect(await ids({})).toHaveLength(2)
  expect(await ids({ charge: charge.id })).toEqual([id])
  expect(await ids({ payment_intent: String(charge.payment_intent) })).toEqual([id])
  expect(await refusal(stripe.disputes.list({ charge: 'ch_no' }))).toMatchObject({
    code: 'resource_missing',
  })
  const expanded = await stripe.disputes.retrieve(id, {
    expand: ['charge.customer', 'payment_intent'],
  })
  expect(expanded).toMatchObject({
    charge: { id: charge.id, customer: { email: 'ada@example.com' } },
    payment_intent: { id: charge.payment_intent },
  })
  const old = clientOf(api, { apiVersion: '2024-06-20' } as object)
  expect(await old.disputes.retrieve(id, { expand: ['charge.invoice'] })).toMatchObject({
    payment_intent: charge.payment_intent,
    charge: { invoice: { subscription: subscription.id } },
  })
})

test('evidence is staged, then goes to the bank', async () => {
  const { stripe, sim } = api
  const id = sim.openDispute((await bought()).charge.id)
  api.events.length = 0
  const evidence = { customer_email_address: 'ada@example.com' }
  expect(await stripe.disputes.update(id, { evidence, submit: false })).toMatchObject({
    status: 'needs_response',
    evidence,
    evidence_details: { has_evidence: true, submission_count: 0 },
  })
  expect(await stripe.disputes.update(id, { submit: true })).toMatchObject({
    status: 'under_review',
    evidence_details: { submission_count: 1, submission_method: 'manual' },
  })
  expect(typesOf(api.events)).toEqual(['charge.dispute.updated', 'charge.dispute.updated'])
  const file = stripe.disputes.update(id, { evidence: { receipt: 'file_1' } })
  expect((await refusal(file)).message).toContain('does not simulate')
})

test.each([
  ['winning_evidence', 'won'],
  ['losing_evidence', 'lost'],
])('the test evidence %s makes it %s', async (text, status) => {
  const { stripe, sim } = api
  const id = sim.openDispute((await bought()).charge.id)
  api.events.length = 0
  const decided = await stripe.disputes.update(id, { evidence: { uncategorized_text: text } })
  expect(decided.status).toBe(status)
  expect(typesOf(api.events)).toContain('charge.dispute.closed')
})

test('the card 4000 0000 0000 0259 pays, and is disputed after all else', async () => {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const { customer } = await buy(api, price.id, { with: card('4000000000000259') })
  expect(typesOf(api.events).slice(-3)).toEqual([
    'checkout.session.completed',
    'charge.dispute.created',
    'charge.dispute.funds_withdrawn',
  ])
  const renewal = sim.nextRenewal(customer.id) ?? 0
  sim.advanceCustomer(customer.id, renewal + 3600)
  const { data } = await stripe.disputes.list()
  expect(data.map(({ created }) => created)).toEqual([renewal + 3600, START])
  expect(api.events.at(-1)).toMatchObject({
    created: renewal + 3600,
    request: { id: null, idempotency_key: null },
  })
})
