// Whose a subscription is, what its end and its debts are, whatever an event names or when it comes.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { stripeEvents } from '../../src/data/schema.ts'
import { type Person, signUp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import {
  checkout,
  control,
  deliver,
  type EventJson,
  eventsOf,
  type Subscriber,
  signature,
  stack,
  subscribe,
} from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app

const view = async ({ key }: Person) => (await call('GET', '/billing/subscription', { key })).json
const ledger = async ({ id }: EventJson) =>
  (await deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id)))[0]
const logged = (name: string, text: string) =>
  app.logs.filter(({ event, fields }) => event === name && JSON.stringify(fields).includes(text))
const newEventId = () => `evt_${unique().replaceAll('-', '')}`

/** Somebody who has paid and of whom the Worker has heard nothing yet. */
const paidUnheard = async () => subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })

async function eventOf(customer: string, type: string): Promise<EventJson> {
  const found = (await eventsOf(customer)).find((event) => event.type === type)
  if (!found) throw new Error(`The simulator made no ${type}`)
  return found
}

async function cancelNow({ customer, subscription }: Subscriber): Promise<EventJson> {
  await control('POST', `/subscriptions/${subscription}/cancel-now`)
  return eventOf(customer, 'customer.subscription.deleted')
}

describe('an event about what is not there', () => {
  const naming = (id: string): EventJson => ({
    id: newEventId(),
    object: 'event',
    type: 'customer.subscription.updated',
    api_version: '2026-10-28.endive',
    created: 1,
    data: { object: { id, object: 'subscription' } },
  })

  test('a subscription that Stripe does not have is acknowledged, and the operator told', async () => {
    const id = `sub_${unique().replaceAll('-', '')}`
    const event = naming(id)
    const { status, json } = await deliver(app, event)
    expect([status, json.outcome]).toEqual([200, 'ignored'])
    expect(logged('subscription_missing_at_stripe', id)).toHaveLength(1)
    expect(await ledger(event)).toMatchObject({ state: 'done', outcome: 'ignored' })
  })

  test.each(['in_1TgNoSubscription', '../customers', ''])(
    '%j is no subscription: a loud error, on record',
    async (id) => {
      const event = naming(id)
      expect((await deliver(app, event)).status).toBe(500)
      expect(await ledger(event)).toMatchObject({
        state: 'failed',
        lastError: expect.stringContaining('UnknownShapeError'),
      })
    },
  )
})

test('a subscription stays its owner’s after Stripe’s customer was replaced', async () => {
  const person = await signUp(app)
  const { json } = await checkout(app, person, 'hobby')
  const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
  const customer = String(session.customer)
  const started = await deps.stripe.subscriptions.create({
    customer,
    items: [{ price: stack.prices.hobby }],
    payment_behavior: 'default_incomplete',
  })
  await deliver(app, await eventOf(customer, 'customer.subscription.created'))
  expect(await view(person)).toMatchObject({ status: 'incomplete' })
  await deps.stripe.customers.del(customer)
  expect((await checkout(app, person, 'hobby')).status).toBe(200)
  const ended = { ...(await eventOf(customer, 'customer.subscription.created')), id: newEventId() }
  expect((await deliver(app, ended)).json.outcome).toBe('applied')
  const { status } = await deps.stripe.subscriptions.retrieve(started.id)
  expect(status).not.toBe('incomplete')
  expect(await view(person)).toMatchObject({ status, access: false })
})

test('a checkout’s own read never outranks what was read after it', async () => {
  const person = await paidUnheard()
  const held = await inject('postgres', {
    match: { bodyIncludes: "select nextval('sync_ticket')" },
    fault: { kind: 'hold' },
    times: 1,
  })
  const slow = checkout(app, person, 'hobby')
  await held.hit()
  await deliver(app, await cancelNow(person))
  await held.release()
  await slow
  expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
})

test('the grace counts from the first failure, not from a retry or a later invoice', async () => {
  const card = '4000000000000341'
  const person = await subscribe(app, await signUp(app), 'hobby', { card })
  await control('POST', `/customers/${person.customer}/advance`, { to: 'renewal' })
  await person.sync()
  const { grace_until: grace } = await view(person)
  expect(grace).toEqual(expect.any(String))
  await control('POST', `/customers/${person.customer}/advance`, { to: { days: 4 } })
  const { items } = await deps.stripe.subscriptions.retrieve(person.subscription)
  await deps.stripe.subscriptions.update(person.subscription, {
    items: [{ id: String(items.data[0]?.id), price: stack.prices.pro }],
    proration_behavior: 'always_invoice',
  })
  const open = { subscription: person.subscription, status: 'open' } as const
  const { data } = await deps.stripe.invoices.list(open)
  expect(data.map(({ attempt_count }) => attempt_count)).toEqual([1, 2])
  await person.sync()
  expect(await view(person)).toMatchObject({ status: 'past_due', grace_until: grace })
})

test('duplicate_subscription is not reported of one subscription, nor of one beside one that has ended', async () => {
  const first = await subscribe(app, await signUp(app))
  await deliver(app, await cancelNow(first))
  await subscribe(app, first, 'research')
  expect(await view(first)).toMatchObject({ tier: 'research', access: true })
  expect(logged('duplicate_subscription', first.id)).toEqual([])
})

test('a signature holds for five minutes to the second', async () => {
  const own = testApp()
  const now = new Date('2026-11-20T12:00:00Z')
  own.setNow(now)
  const send = async (ageSeconds: number) => {
    const body = JSON.stringify({
      id: newEventId(),
      object: 'event',
      type: 'x.y',
      created: 1,
      data: { object: {} },
    })
    const sentAt = now.getTime() - ageSeconds * 1000
    const headers = { 'Stripe-Signature': signature(body, stack.webhookSecret, sentAt) }
    return (await own.call('POST', '/billing/webhooks/stripe', { body, headers })).status
  }
  expect(await send(300)).toBe(200)
  expect(await send(301)).toBe(400)
})
