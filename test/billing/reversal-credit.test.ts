// A refund where the running period was not paid by card alone: what was paid in another way has not gone back.
import { expect, test } from 'vitest'
import { inject } from '../support/faults.ts'
import { buyer, type Customer, chargesOf } from '../support/life.ts'
import { deliver, stack } from '../support/stripe.ts'

const OPEN = { status: 'active', access: true, paid: 'sold' }
const STANDS = 'ignored: another payment of the running period stands'
const SHUT = { status: 'canceled', access: false, paid: '402 subscription_required' }

async function changePlan({ app, subscription }: Customer, price: string): Promise<void> {
  const { items } = await app.deps.stripe.subscriptions.retrieve(subscription)
  await app.deps.stripe.subscriptions.update(subscription, {
    items: [{ id: String(items.data[0]?.id), price }],
    proration_behavior: 'always_invoice',
  })
}

async function refundNewest(person: Customer): Promise<void> {
  const [charge] = await chargesOf(person)
  await person.app.deps.stripe.refunds.create({ charge: String(charge?.id) })
}

test('of an upgrade leaves a period that was paid by credit', async () => {
  const person = await buyer('research')
  await changePlan(person, stack.prices.hobby)
  await person.pass('renewal')
  await person.hear()
  expect(await chargesOf(person)).toHaveLength(1)
  await changePlan(person, stack.prices.pro)
  expect(await chargesOf(person)).toHaveLength(2)
  await refundNewest(person)
  await changePlan(person, stack.prices.hobby)
  expect(await person.hear()).toContainEqual(STANDS)
  expect(await person.look()).toMatchObject(OPEN)
})

test('of an upgrade leaves a period that was paid by hand', async () => {
  const person = await buyer('hobby', { card: '4000000000000341' })
  const { stripe } = person.app.deps
  await person.pass('renewal')
  const open = { subscription: person.subscription, status: 'open' } as const
  const [invoice] = (await stripe.invoices.list(open)).data
  await stripe.invoices.pay(String(invoice?.id), { paid_out_of_band: true })
  const { customer } = person
  const { id: card } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  await stripe.subscriptions.update(person.subscription, { default_payment_method: card })
  await changePlan(person, stack.prices.pro)
  await refundNewest(person)
  expect(await person.hear()).toContainEqual(STANDS)
  expect(await person.look()).toMatchObject(OPEN)
})

test('of all that was charged after a free trial ends it: the trial’s invoice of nothing stands for nothing', async () => {
  const person = await buyer('hobby', { vars: { TRIAL_DAYS: '7' } })
  await person.pass({ days: 8 })
  await person.hear()
  expect(await person.look()).toMatchObject(OPEN)
  await refundNewest(person)
  await person.hear()
  expect(await person.look()).toMatchObject(SHUT)
})

test('of all that was charged ends it, though a change of plan since had an invoice of nothing', async () => {
  const person = await buyer('pro')
  await changePlan(person, stack.prices.hobby)
  await person.hear()
  await refundNewest(person)
  await person.hear()
  expect(await person.look()).toMatchObject(SHUT)
})

test('of a payment whose invoice is older than the period by a grain of the clock ends it', async () => {
  const person = await buyer()
  await refundNewest(person)
  const { stripe } = person.app.deps
  const { lastResponse: _, ...shown } = await stripe.subscriptions.retrieve(person.subscription, {
    expand: ['latest_invoice'],
  })
  const [item] = shown.items.data
  if (item) item.current_period_start += 30
  // The first read of it is the one that judges; the others show what there is.
  await inject('stripe', {
    match: { method: 'GET', path: `/v1/subscriptions/${person.subscription}` },
    fault: { kind: 'status', status: 200, body: JSON.stringify(shown) },
    times: 1,
  })
  await deliver(person.app, await person.event('charge.refunded'))
  expect(await person.look()).toMatchObject(SHUT)
})
