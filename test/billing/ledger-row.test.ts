// What the ledger's row tells a person of an event: what became of it, why, how often it was tried, how long it took.
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { stripeEvents } from '../../src/data/schema.ts'
import { testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { buyer, type Customer, visitor } from '../support/life.ts'
import { control, deliver, type EventJson, stack } from '../support/stripe.ts'

async function rowOf({ app }: Customer, { id }: EventJson) {
  const rows = await app.deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id))
  return rows[0]
}

test('two failures and a success: the last error stays, the time is that of the last try', async () => {
  const person = await buyer()
  await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
  const event = await person.event('customer.subscription.deleted')
  const start = Date.now()
  const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
  for (const seconds of [0, 5]) {
    away.setNow(new Date(start + seconds * 1000))
    expect((await deliver(away, event)).status).toBe(502)
    expect(await rowOf(person, event)).toMatchObject({
      state: 'failed',
      outcome: null,
      reason: null,
      finishedAt: null,
      attempts: seconds === 0 ? 1 : 2,
      receivedAt: new Date(start),
      attemptedAt: new Date(start + seconds * 1000),
      lastError: expect.stringContaining('connection to Stripe'),
      durationMs: 0,
    })
  }
  const held = await inject('stripe', {
    match: { path: `/v1/subscriptions/${person.subscription}` },
    fault: { kind: 'hold' },
  })
  person.app.setNow(new Date(start + 10_000))
  const answer = deliver(person.app, event)
  await held.hit()
  person.app.setNow(new Date(start + 11_234))
  await held.release()
  const { reason } = (await answer).json
  expect(reason).toBe(`${person.subscription}: was active, hobby, now canceled, hobby`)
  expect(await rowOf(person, event)).toEqual({
    id: event.id,
    type: event.type,
    apiVersion: event.api_version,
    createdAt: new Date(event.created * 1000),
    receivedAt: new Date(start),
    attemptedAt: new Date(start + 10_000),
    state: 'done',
    outcome: 'applied',
    reason,
    attempts: 3,
    ticket: expect.any(Number),
    objectId: person.subscription,
    subscriptionId: person.subscription,
    lastError: expect.stringContaining('connection to Stripe'),
    durationMs: 1_234,
    finishedAt: new Date(start + 11_234),
  })
})

test('an event that changed nothing says so', async () => {
  const person = await buyer()
  const event = { ...(await person.event('invoice.payment_succeeded')), id: 'evt_' }
  event.id += crypto.randomUUID().replaceAll('-', '')
  const { json } = await deliver(person.app, event)
  expect(json).toEqual({
    received: true,
    outcome: 'applied',
    reason: `${person.subscription}: as before, now active, hobby`,
  })
  expect(await rowOf(person, event)).toMatchObject({ outcome: 'applied', reason: json.reason })
  expect(await person.audit()).toEqual(['none > active hobby'])
})

test('an event of nobody’s customer says so, and so does its row', async () => {
  const person = await visitor()
  const { stripe } = person.app.deps
  const stranger = await stripe.customers.create({ payment_method: 'pm_card_visa' })
  await stripe.subscriptions.create({
    customer: stranger.id,
    items: [{ price: stack.prices.hobby }],
    payment_behavior: 'default_incomplete',
  })
  const { events } = await control<{ events: EventJson[] }>(
    'GET',
    `/events?customer=${stranger.id}&type=customer.subscription.created`,
  )
  const [event] = events
  if (!event) throw new Error('Stripe made no event')
  const expected = { outcome: 'ignored', reason: 'the customer belongs to no account' }
  expect((await deliver(person.app, event)).json).toEqual({ received: true, ...expected })
  expect(await rowOf(person, event)).toMatchObject({ ...expected, state: 'done', attempts: 1 })
})
