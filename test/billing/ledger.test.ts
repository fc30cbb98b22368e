// The ledger of Stripe’s events and what is done by it, when deliveries of an event overlap, fail or are lost.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditLog, stripeEvents } from '../../src/data/schema.ts'
import { type Person, signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import {
  control,
  deliver,
  type EventJson,
  eventsOf,
  type Subscriber,
  subscribe,
  writeOf,
} from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const unreachable = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })

const view = async ({ key }: Person) => (await call('GET', '/billing/subscription', { key })).json
const ledger = async ({ id }: EventJson) =>
  (await deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id)))[0]
const logged = (name: string, text: string) =>
  app.logs.filter(({ event, fields }) => event === name && JSON.stringify(fields).includes(text))

/** Somebody who has paid and of whom the Worker has heard nothing yet. */
const paidUnheard = async () => subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })

async function eventOf(customer: string, type: string): Promise<EventJson> {
  const found = (await eventsOf(customer)).find((event) => event.type === type)
  if (!found) throw new Error(`The simulator made no ${type}`)
  return found
}

const created = ({ customer }: Subscriber) => eventOf(customer, 'customer.subscription.created')

async function cancelNow({ customer, subscription }: Subscriber): Promise<EventJson> {
  await control('POST', `/subscriptions/${subscription}/cancel-now`)
  return eventOf(customer, 'customer.subscription.deleted')
}

/** Holds the next write of a subscription that was read as active. */
const holdWrite = ({ subscription }: Subscriber) =>
  inject('postgres', {
    match: { bodyIncludes: writeOf(subscription) },
    fault: { kind: 'hold' },
    times: 1,
  })

describe('the ledger', () => {
  test('closes an event that is not used, with the reason', async () => {
    const person = await paidUnheard()
    const event = await eventOf(person.customer, 'customer.created')
    await deliver(app, event)
    expect(await ledger(event)).toMatchObject({
      state: 'done',
      outcome: 'ignored',
      reason: expect.stringContaining('customer.created'),
      finishedAt: expect.any(Date),
    })
    expect((await deliver(app, event)).json.outcome).toBe('duplicate')
  })

  test('gives a retry a place behind all that was read since the first try', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    expect((await deliver(unreachable, event)).status).toBe(502)
    await deliver(app, await eventOf(person.customer, 'invoice.payment_succeeded'))
    expect(await view(person)).toMatchObject({ status: 'active' })
    await cancelNow(person)
    // The retry is the first to read the end: it must not count as older than the payment's read.
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
  })

  test('keeps what was applied when a slower delivery of the same event turns out stale', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    const held = await holdWrite(person)
    const slow = deliver(app, event)
    await held.hit()
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    await held.release()
    expect((await slow).json.outcome).toBe('stale')
    expect(await ledger(event)).toMatchObject({
      state: 'done',
      outcome: 'applied',
      reason: expect.stringContaining('new, now active'),
    })
  })

  test('keeps an event closed when a slower delivery of it fails', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    const held = await holdWrite(person)
    const slow = deliver(app, event)
    await held.hit()
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    await held.remove()
    expect((await slow).status).toBe(503)
    expect(await ledger(event)).toMatchObject({
      state: 'done',
      outcome: 'applied',
      lastError: null,
    })
    expect(logged('stripe_event_failure_not_noted', event.id)).toEqual([])
  })

  test('keeps an event closed whose work was done though the answer to it was lost', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    const lost = await inject('postgres', {
      match: { bodyIncludes: writeOf(person.subscription) },
      fault: { kind: 'lose-answer' },
      times: 1,
    })
    expect((await deliver(app, event)).status).toBe(503)
    await lost.hit()
    expect(await ledger(event)).toMatchObject({ state: 'done', outcome: 'applied' })
    expect(logged('stripe_event_failure_not_noted', event.id)).toEqual([])
    expect((await deliver(app, event)).json.outcome).toBe('duplicate')
  })

  test('does not call an event failed while a later delivery is at work on it', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    const first = await holdWrite(person)
    const failing = deliver(app, event)
    await first.hit()
    const second = await holdWrite(person)
    const working = deliver(app, event)
    await second.hit()
    await first.remove()
    expect((await failing).status).toBe(503)
    expect(await ledger(event)).toMatchObject({ state: 'processing', lastError: null })
    await second.release()
    expect((await working).json.outcome).toBe('applied')
    expect(await ledger(event)).toMatchObject({ state: 'done', attempts: 2 })
  })

  test('writes nothing into the audit log for a read that was overtaken', async () => {
    const person = await paidUnheard()
    const event = await created(person)
    const held = await holdWrite(person)
    const slow = deliver(app, event)
    await held.hit()
    await deliver(app, await cancelNow(person))
    await held.release()
    expect((await slow).json.outcome).toBe('stale')
    const entries = await deps.db
      .select()
      .from(auditLog)
      .where(eq(auditLog.userId, person.id))
      .orderBy(auditLog.id)
    expect(entries.map(({ detail }) => detail.to)).toEqual([
      undefined,
      { status: 'canceled', tier: 'hobby' },
    ])
  })
})
