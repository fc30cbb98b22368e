// Payments that fail, as their customer notices it: grace, retries, recovery, and the end of Stripe's patience.
import type Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { inject } from '../support/faults.ts'
import { buyer, type Customer, changed } from '../support/life.ts'
import { control, deliver, stack } from '../support/stripe.ts'

const OPEN = { access: true, paid: 'sold' }
const OWING = { access: false, paid: '402 payment_past_due' }
const DAY_MS = 86_400_000
const FAILS_LATER = '4000000000000341'

const owing = (since: number) =>
  `past_due, hobby, owes since ${new Date(since).toISOString().slice(0, 10)}`

/** When the newest open invoice was finalised, and so tried for the first time; in milliseconds. */
async function failedAt({ app, subscription }: Customer): Promise<number> {
  const { data } = await app.deps.stripe.invoices.list({ subscription, status: 'open' })
  return (data[0]?.status_transitions.finalized_at ?? 0) * 1000
}

/** Pays what is open with a card that works; it stays the card. */
async function payUp({ app, customer, subscription }: Customer): Promise<void> {
  const { stripe } = app.deps
  const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  await stripe.subscriptions.update(subscription, { default_payment_method: id })
  const { data } = await stripe.invoices.list({ subscription, status: 'open' })
  for (const invoice of data) await stripe.invoices.pay(String(invoice.id), { payment_method: id })
}

/** From the moment `since` the customer is let in for `days` more, to the millisecond. */
async function expectGrace(person: Customer, since: number, days = 3): Promise<void> {
  const until = since + days * DAY_MS
  person.app.setNow(new Date(until - 1))
  expect(await person.look()).toMatchObject({
    ...OPEN,
    status: 'past_due',
    grace_until: new Date(until).toISOString(),
  })
  person.app.setNow(new Date(until))
  expect(await person.look()).toMatchObject({ ...OWING, status: 'past_due' })
}

/** What Stripe answers to the next reads, as no person could bring the simulator to. */
async function stripeShows(path: string, object: unknown): Promise<void> {
  await inject('stripe', {
    match: { method: 'GET', path },
    fault: { kind: 'status', status: 200, body: JSON.stringify(object) },
  })
}

describe('a renewal that is not paid', () => {
  test('leaves grace from the failure, not from a retry, and payment restores all', async () => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    await person.pass('renewal')
    const since = await failedAt(person)
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby', owing(since)),
    ])
    await person.pass({ days: 3.5 })
    await person.hear()
    await expectGrace(person, since)
    await payUp(person)
    expect(await person.hear()).toEqual([
      changed(person.subscription, owing(since), 'active, hobby'),
    ])
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active', grace_until: null })
    expect(await person.audit()).toEqual([
      'none > active hobby',
      'active hobby > past_due hobby',
      'past_due hobby > active hobby',
    ])
  })

  test('without grace (PAST_DUE_GRACE_DAYS=0) shuts at once; with a week after a week', async () => {
    const strict = await buyer('hobby', { card: FAILS_LATER, vars: { PAST_DUE_GRACE_DAYS: '0' } })
    await strict.pass('renewal')
    await strict.hear()
    expect(await strict.look()).toMatchObject({ ...OWING, status: 'past_due' })
    const kind = await buyer('hobby', { card: FAILS_LATER, vars: { PAST_DUE_GRACE_DAYS: '7' } })
    await kind.pass('renewal')
    await kind.hear()
    await expectGrace(kind, await failedAt(kind), 7)
  })

  test('counts afresh where a paid invoice came after an older debt, though that never was', async () => {
    const person = await buyer()
    const fail = () => control('POST', `/customers/${person.customer}/fail-next-payment`)
    await fail()
    await person.pass('renewal')
    const { data } = await person.app.deps.stripe.invoices.list({ customer: person.customer })
    await person.app.deps.stripe.invoices.markUncollectible(String(data[0]?.id))
    await person.hear()
    expect(await person.look()).toMatchObject({ status: 'past_due' })
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active', grace_until: null })
    await fail()
    await person.pass('renewal')
    await person.hear()
    await expectGrace(person, await failedAt(person))
  })

  test.each([
    ['marked as paid', 'pay'],
    ['voided', 'void'],
  ] as const)('counts from the second of two once the first is %s by hand', async (_, click) => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    const { invoices, subscriptions } = person.app.deps.stripe
    await person.pass('renewal')
    const first = await failedAt(person)
    const [invoice] = (await invoices.list({ customer: person.customer, limit: 1 })).data
    await person.pass({ days: 1 })
    const { items } = await subscriptions.retrieve(person.subscription)
    await subscriptions.update(person.subscription, {
      items: [{ id: String(items.data[0]?.id), price: stack.prices.pro }],
      proration_behavior: 'always_invoice',
    })
    await person.hear()
    expect(await person.look()).toMatchObject({
      status: 'past_due',
      grace_until: new Date(first + 3 * DAY_MS).toISOString(),
    })
    const second = await failedAt(person)
    expect(second).not.toEqual(first)
    if (click === 'pay') await invoices.pay(String(invoice?.id), { paid_out_of_band: true })
    else await invoices.voidInvoice(String(invoice?.id))
    await person.hear()
    await expectGrace(person, second)
  })

  test('counts afresh after months that the seller gave away (mark_uncollectible)', async () => {
    const person = await buyer()
    await control('POST', `/subscriptions/${person.subscription}/pause-collection`, {
      behavior: 'mark_uncollectible',
    })
    await person.pass('renewal')
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
    await control('POST', `/subscriptions/${person.subscription}/unpause-collection`)
    await control('POST', `/customers/${person.customer}/fail-next-payment`)
    await person.pass('renewal')
    await person.hear()
    await expectGrace(person, await failedAt(person))
  })

  test('counts from the first of two, also when the first was written off after its retries', async () => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    await person.pass('renewal')
    await person.hear()
    const since = await failedAt(person)
    const { stripe } = person.app.deps
    const [owed] = (
      await stripe.invoices.list({ subscription: person.subscription, status: 'open' })
    ).data
    await stripe.invoices.markUncollectible(String(owed?.id))
    const { items } = await stripe.subscriptions.retrieve(person.subscription)
    await stripe.subscriptions.update(person.subscription, {
      items: [{ id: String(items.data[0]?.id), price: stack.prices.pro }],
      proration_behavior: 'always_invoice',
    })
    await person.hear()
    await expectGrace(person, since)
  })

  test('ends when Stripe gives up, and not before', async () => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    await person.pass('renewal')
    const since = await failedAt(person)
    await person.hear()
    await person.pass({ days: 14 })
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OWING, status: 'past_due' })
    await person.pass({ days: 2 })
    expect(await person.hear()).toEqual([
      changed(person.subscription, owing(since), 'canceled, hobby'),
    ])
    expect(await person.look()).toMatchObject({
      access: false,
      paid: '402 subscription_required',
      status: 'canceled',
    })
  })

  test('is told of by the invoice alone: its event is enough', async () => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    await person.pass('renewal')
    const since = await failedAt(person)
    const { json } = await deliver(person.app, await person.event('invoice.payment_failed'))
    expect(json.reason).toContain('now past_due')
    await expectGrace(person, since)
  })
})

describe('a subscription that is unpaid', () => {
  test('is shut whatever the grace, and open again when it is paid', async () => {
    const person = await buyer('hobby', { card: FAILS_LATER })
    await person.pass('renewal')
    const since = await failedAt(person)
    await person.hear()
    const { stripe } = person.app.deps
    const now = await stripe.subscriptions.retrieve(person.subscription)
    const path = `/v1/subscriptions/${person.subscription}`
    const fault = await inject('stripe', {
      match: { method: 'GET', path },
      fault: { kind: 'status', status: 200, body: JSON.stringify({ ...now, status: 'unpaid' }) },
    })
    const event = await person.event('customer.subscription.updated')
    const unpaid = { ...event, id: `${event.id}u`, data: { object: { ...now, status: 'unpaid' } } }
    expect((await deliver(person.app, unpaid)).json.reason).toBe(
      changed(person.subscription, owing(since), 'unpaid, hobby').replace('applied: ', ''),
    )
    expect(await person.look()).toMatchObject({ ...OWING, status: 'unpaid', grace_until: null })
    await fault.remove()
    await payUp(person)
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
  })
})

describe('an invoice that is sent', () => {
  const asOverdue = async (person: Customer, invoice: Partial<Stripe.Invoice>) => {
    const { stripe } = person.app.deps
    const subscription = await stripe.subscriptions.retrieve(person.subscription)
    const { data, ...list } = await stripe.invoices.list({ subscription: person.subscription })
    const [paid] = data
    const overdue = {
      ...paid,
      id: 'in_sent',
      status: 'open',
      attempted: false,
      ...invoice,
      parent: {
        ...paid?.parent,
        subscription_details: {
          ...paid?.parent?.subscription_details,
          subscription: { ...subscription, status: 'past_due', latest_invoice: 'in_sent' },
        },
      },
    }
    await stripeShows('/v1/invoices', { ...list, data: [overdue, ...data] })
    const event = await person.event('customer.subscription.created')
    await deliver(person.app, {
      ...event,
      id: `${event.id}o`,
      data: { object: { ...subscription, status: 'past_due' } },
    })
  }

  test('is owed from its due date, not from the day it was sent', async () => {
    const person = await buyer()
    const sent = Math.floor(Date.now() / 1000)
    const due = sent + 30 * 86_400
    await asOverdue(person, { due_date: due })
    await expectGrace(person, due * 1000)
  })

  test.each([
    ['before it was due is no debt', -1, false],
    ['once it was due still is one', 0, true],
  ])('and written off %s', async (_, seconds, owed) => {
    const person = await buyer()
    const due = Math.floor(Date.now() / 1000) - 2 * 86_400
    const status_transitions = {
      finalized_at: due - 86_400,
      marked_uncollectible_at: due + seconds,
      paid_at: null,
      voided_at: null,
    }
    await asOverdue(person, { due_date: due, status: 'uncollectible', status_transitions })
    const { current_period_start, grace_until } = await person.look()
    const since = owed ? due * 1000 : new Date(String(current_period_start)).getTime()
    expect(grace_until).toBe(new Date(since + 3 * DAY_MS).toISOString())
  })
})
