// What is done to an invoice by hand: paid elsewhere, voided, given up; and one that is sent, not charged.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  clientOf,
  DAY,
  newPrice,
  refusal,
  type ServedApi,
  startApi,
  typesOf,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

/** A subscription whose renewal was declined, and that renewal's open invoice. */
async function pastDue() {
  const { stripe, sim } = api
  const { customer, subscription } = await buy(api, (await newPrice(stripe)).id)
  sim.failNextPayment(customer.id)
  sim.advanceCustomer(customer.id, (sim.nextRenewal(customer.id) ?? 0) + 3600)
  const [invoice] = (await stripe.invoices.list({ customer: customer.id, status: 'open' })).data
  api.events.length = 0
  if (!invoice) throw new Error('No open invoice')
  return { customer, subscription, invoice }
}

async function statusOf(subscription: Stripe.Subscription): Promise<string> {
  return (await api.stripe.subscriptions.retrieve(subscription.id)).status
}

/** A subscription whose invoices are sent. */
async function invoiced() {
  const { stripe, sim } = api
  const price = await newPrice(stripe)
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  const made = sim.subscribe(customer.id, price.id, { daysUntilDue: 14 })
  if (!made.ok) throw new Error(made.message)
  const subscription = await stripe.subscriptions.retrieve(made.subscription)
  const invoice = await stripe.invoices.retrieve(String(subscription.latest_invoice))
  return { customer, subscription, invoice }
}

test('what was paid elsewhere is paid, and its payment intent is canceled', async () => {
  const { stripe } = api
  const { subscription, invoice } = await pastDue()
  const paid = await stripe.invoices.pay(invoice.id, { paid_out_of_band: true })
  expect(paid.status).toBe('paid')
  expect(await statusOf(subscription)).toBe('active')
  const [payment] = (await stripe.invoicePayments.list({ invoice: invoice.id })).data
  expect(payment).toMatchObject({ status: 'canceled', amount_paid: null })
  const intent = await stripe.paymentIntents.retrieve(String(payment?.payment.payment_intent))
  expect(intent).toMatchObject({ status: 'canceled', amount_received: 0 })
  expect(typesOf(api.events)).not.toContain('invoice_payment.paid')
  expect(typesOf(api.events)).toContain('invoice.paid')
  const old = clientOf(api, { apiVersion: '2024-06-20' } as object)
  expect(await old.invoices.retrieve(invoice.id)).toMatchObject({
    paid: true,
    paid_out_of_band: true,
  })
})

test('a voided invoice is owed no more, and cannot be paid', async () => {
  const { stripe } = api
  const { invoice } = await pastDue()
  expect((await stripe.invoices.voidInvoice(invoice.id)).status).toBe('void')
  expect(typesOf(api.events)).toContain('invoice.voided')
  expect((await refusal(stripe.invoices.pay(invoice.id))).statusCode).toBe(400)
})

test('an invoice that is given up says why, and can still be paid', async () => {
  const { stripe } = api
  const { invoice } = await pastDue()
  expect(await stripe.invoices.markUncollectible(invoice.id)).toMatchObject({
    status: 'uncollectible',
    status_details: { uncollectible: { reason: 'user_forgiven' } },
  })
  expect(typesOf(api.events)).toContain('invoice.marked_uncollectible')
  const paid = await stripe.invoices.pay(invoice.id)
  expect(paid.status).toBe('paid')
  expect(paid).not.toHaveProperty('status_details')
})

test('an invoice that is sent makes the subscription past due when it is not paid in time', async () => {
  const { stripe, sim } = api
  const { customer, subscription, invoice } = await invoiced()
  expect(typesOf(api.events)).toContain('invoice.sent')
  const due = invoice.due_date ?? 0
  expect(due).toBe(invoice.created + 14 * DAY)
  sim.advanceCustomer(customer.id, due - 1)
  expect(await statusOf(subscription)).toBe('active')
  api.events.length = 0
  sim.advanceCustomer(customer.id, due + DAY)
  expect(await statusOf(subscription)).toBe('past_due')
  expect(typesOf(api.events)).toEqual(['customer.subscription.updated'])
  await stripe.invoices.pay(invoice.id, { paid_out_of_band: true })
  expect(await statusOf(subscription)).toBe('active')
})

test('one that is paid in time stays active, and the next is sent at the renewal', async () => {
  const { stripe, sim } = api
  const { customer, subscription, invoice } = await invoiced()
  await stripe.invoices.pay(invoice.id, { paid_out_of_band: true })
  api.events.length = 0
  sim.advanceCustomer(customer.id, (sim.nextRenewal(customer.id) ?? 0) + 3600)
  expect(await statusOf(subscription)).toBe('active')
  expect(typesOf(api.events)).toContain('invoice.sent')
  const open = await stripe.invoices.list({ customer: customer.id, status: 'open' })
  expect(open.data).toHaveLength(1)
})
