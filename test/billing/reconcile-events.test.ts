// The reconciliation of events, and its passes: what was left unfinished is finished, what never came is found.
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CRON_PASS, reconcile } from '../../src/billing/reconcile/reconcile.ts'
import { auditLog, reconciliation, stripeEvents } from '../../src/data/schema.ts'
import { signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import {
  createdEvent,
  DAY_MS,
  due,
  knowEvents,
  pass,
  rowOf,
  skipToNow,
  unheard,
  view,
} from '../support/reconcile.ts'
import { deliver, type EventJson, eventsOf, stack, subscribe } from '../support/stripe.ts'

let app: TestApp
beforeEach(async () => {
  app = testApp()
  await skipToNow(app)
  await knowEvents(app)
})
afterEach(() => skipToNow(app))
const entryOf = async ({ id }: { id: string }) =>
  (await app.deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id)))[0]

const ranEvents = async () => (await pass(app)).events.map(({ id }) => id)

describe('an event', () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  const leave = async (
    event: EventJson,
    state: 'processing' | 'failed',
    attemptedAt: Date,
    attempts = 1,
  ) =>
    app.deps.db.insert(stripeEvents).values({
      id: event.id,
      type: event.type,
      createdAt: new Date(event.created * 1000),
      receivedAt: attemptedAt,
      attemptedAt,
      attempts,
      state,
      ticket: 1,
      subscriptionId: event.data.object.id,
    })
  test.each(['processing', 'failed'] as const)('that stayed in %s is finished', async (state) => {
    const person = await unheard(app)
    const event = await createdEvent(person)
    await leave(event, state, minutesAgo(6))
    expect(await ranEvents()).toContain(event.id)
    expect(await entryOf(event)).toMatchObject({ state: 'done', outcome: 'applied', attempts: 2 })
    expect(await view(app, person)).toMatchObject({ access: true })
  })

  test('that somebody may still be at work on, or that fails again and again, is left for later', async () => {
    const [young, stubborn] = [
      await createdEvent(await unheard(app)),
      await createdEvent(await unheard(app)),
    ]
    await leave(young, 'processing', minutesAgo(4))
    await leave(stubborn, 'failed', minutesAgo(30), 4)
    expect(await ranEvents()).toEqual([])
    await app.deps.db
      .update(stripeEvents)
      .set({ attemptedAt: minutesAgo(41) })
      .where(eq(stripeEvents.id, stubborn.id))
    expect(await ranEvents()).toEqual([stubborn.id])
  })

  test('that Stripe has no more is finished by what the ledger remembers', async () => {
    const person = await unheard(app)
    const event = { ...(await createdEvent(person)), id: `evt_${unique().replaceAll('-', '')}` }
    await leave(event, 'processing', minutesAgo(6))
    await pass(app)
    expect(await entryOf(event)).toMatchObject({ state: 'done', outcome: 'applied' })
    expect(await view(app, person)).toMatchObject({ access: true })
  })

  test('of a refund that Stripe has no more is finished by its charge', async () => {
    const person = await subscribe(app, await signUp(app))
    const { data } = await app.deps.stripe.charges.list({ customer: person.customer })
    await app.deps.stripe.refunds.create({ charge: String(data[0]?.id) })
    const refunded = (await eventsOf(person.customer)).find(
      ({ type }) => type === 'charge.refunded',
    )
    if (!refunded) throw new Error('no event')
    const event = { ...refunded, id: `evt_${unique().replaceAll('-', '')}` }
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    expect((await deliver(away, event)).status).toBe(502)
    await app.deps.db
      .update(stripeEvents)
      .set({ attemptedAt: minutesAgo(6) })
      .where(eq(stripeEvents.id, event.id))
    expect(await ranEvents()).toContain(event.id)
    expect(await entryOf(event)).toMatchObject({
      outcome: 'applied',
      reason: `charge ${data[0]?.id} was refunded in full: ${person.subscription}: was active, hobby, now canceled, hobby`,
    })
  })

  test('that neither Stripe nor the ledger knows is left as it is', async () => {
    const id = `evt_${unique().replaceAll('-', '')}`
    const event = { ...(await createdEvent(await unheard(app))), id, type: 'invoice.paid' }
    await leave(event, 'failed', minutesAgo(6))
    await app.deps.db
      .update(stripeEvents)
      .set({ subscriptionId: null })
      .where(eq(stripeEvents.id, id))
    expect(await pass(app)).toMatchObject({ eventsFailed: 1 })
    expect(await entryOf(event)).toMatchObject({ state: 'failed', attempts: 1 })
  })

  test('for which there was no time is the next pass’s', async () => {
    const person = await unheard(app)
    app.setNow(new Date(Date.now() + 3 * 3_600_000))
    const controller = new AbortController()
    const first = await pass(app, {
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === 'events') controller.abort()
      },
    })
    expect(first).toMatchObject({ isComplete: false })
    expect(first.events).toHaveLength(1)
    // Hours after the events: the overlap alone would not bring the rest again.
    app.setNow(new Date(Date.now() + 4 * 3_600_000))
    await pass(app)
    for (const { id, type } of await eventsOf(person.customer)) {
      if (type === 'checkout.session.completed') expect(await entryOf({ id })).toBeDefined()
    }
  })

  test('of which no delivery told is found at Stripe, once it is older than two minutes', async () => {
    const person = await unheard(app)
    const event = await createdEvent(person)
    expect(await ranEvents()).toEqual([])
    app.setNow(new Date(Date.now() + 3 * 60_000))
    const wanted = (await eventsOf(person.customer)).filter(({ type }) =>
      [
        'customer.subscription.created',
        'invoice.payment_succeeded',
        'checkout.session.completed',
      ].includes(type),
    )
    const events = await ranEvents()
    for (const { id } of wanted) expect(events).toContain(id)
    expect(await entryOf(event)).toMatchObject({ state: 'done', attempts: 1 })
    expect(await view(app, person)).toMatchObject({ access: true })
    const again = await ranEvents()
    for (const { id } of wanted) expect(again).not.toContain(id)
  })

  test('that was delivered is not run again', async () => {
    const person = await subscribe(app, await signUp(app))
    const event = await createdEvent(person)
    app.setNow(new Date(Date.now() + 3 * 60_000))
    expect(await ranEvents()).not.toContain(event.id)
    expect(await entryOf(event)).toMatchObject({ attempts: 1 })
  })

  test('of ninety days ago leaves the ledger; what it caused stays in the audit log', async () => {
    const person = await subscribe(app, await signUp(app))
    const event = await createdEvent(person)
    const days = (count: number) => new Date(Date.now() - count * DAY_MS)
    const at = (count: number) =>
      app.deps.db
        .update(stripeEvents)
        .set({ receivedAt: days(count) })
        .where(eq(stripeEvents.id, event.id))
    await at(89)
    await pass(app)
    expect(await entryOf(event)).toBeDefined()
    await at(91)
    expect(await pass(app, { isDry: true })).toMatchObject({ eventsPruned: 1 })
    expect(await pass(app)).toMatchObject({ eventsPruned: 1 })
    expect(await entryOf(event)).toBeUndefined()
    const entries = await app.deps.db.select().from(auditLog).where(eq(auditLog.userId, person.id))
    expect(entries.map(({ eventId }) => eventId)).toContain(event.id)
  })
})

describe('the first pass of all', () => {
  test('looks three days back, but ends nothing for what was paid back before', async () => {
    const person = await subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })
    const { data } = await app.deps.stripe.charges.list({ customer: person.customer })
    await app.deps.stripe.refunds.create({ charge: String(data[0]?.id) })
    await app.deps.db.update(reconciliation).set({ eventsReadUntil: null })
    app.setNow(new Date(Date.now() + 3 * 60_000))
    expect((await pass(app)).events.map(({ type }) => type)).not.toContain('charge.refunded')
    expect(await view(app, person)).toMatchObject({ status: 'active', access: true })
  })
})

describe('a pass', () => {
  test('is the only one that writes; one that died holds the place for ten minutes', async () => {
    const hold = (heldUntil: Date) =>
      app.deps.db.update(reconciliation).set({ holder: 'another', heldUntil })
    await hold(new Date(Date.now() + 60_000))
    expect(await reconcile(app.deps, CRON_PASS)).toBeNull()
    expect(await reconcile(app.deps, { ...CRON_PASS, isDry: true })).not.toBeNull()
    await hold(new Date(Date.now() - 1))
    expect(await reconcile(app.deps, CRON_PASS)).not.toBeNull()
    expect(await reconcile(app.deps, CRON_PASS)).not.toBeNull()
  })

  test('ends with an error while Stripe is away, gives its place back, and marks nobody', async () => {
    const person = await unheard(app)
    await due(app, person)
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    await expect(reconcile(away.deps, CRON_PASS)).rejects.toThrow()
    expect(await pass(app)).toMatchObject({ accountsChecked: 1 })
    expect(await view(app, person)).toMatchObject({ access: true })
  })

  test('that has lost its turn ends, and counts nobody as compared', async () => {
    const person = await unheard(app)
    await due(app, person)
    const slept = {
      ...app.deps,
      // A laptop that was closed amid the pass; meanwhile the cron took the turn.
      pause: async () => {
        app.setNow(new Date(Date.now() + 3_600_000))
        const heldUntil = new Date(Date.now() + 7_200_000)
        await app.deps.db.update(reconciliation).set({ holder: 'the cron', heldUntil })
      },
    }
    await expect(reconcile(slept, CRON_PASS)).rejects.toThrow('TurnLost')
    app.setNow(new Date())
    await app.deps.db.update(reconciliation).set({ holder: null, heldUntil: null })
    expect(await pass(app)).toMatchObject({ accountsChecked: 1 })
  })

  test('that takes longer than its turn takes another one', async () => {
    const people = [await unheard(app), await unheard(app)]
    await due(app, ...people)
    const start = Date.now()
    const slow = {
      ...app.deps,
      // Nine minutes before each read: a turn lasts ten.
      pause: async () => {
        app.setNow(new Date(app.deps.now().getTime() + 9 * 60_000))
      },
    }
    const report = await reconcile(slow, { ...CRON_PASS, budgetMs: 3_600_000 })
    expect(report).toMatchObject({ accountsChecked: 2, accountsFailed: 0 })
    expect(app.deps.now().getTime() - start).toBeGreaterThan(10 * 60_000)
  })

  test('compares accounts though the key may not read events', async () => {
    const person = await unheard(app)
    await due(app, person)
    app.setNow(new Date(Date.now() + 3 * 60_000))
    const error = { type: 'invalid_request_error', message: 'This key may not read events.' }
    await inject('stripe', {
      match: { method: 'GET', path: '/v1/events' },
      fault: { kind: 'status', status: 403, body: JSON.stringify({ error }) },
    })
    expect(await pass(app)).toMatchObject({ accountsChecked: 1, stepsFailed: 1 })
    expect(await view(app, person)).toMatchObject({ access: true })
  })

  test('reads Stripe at most ten times a second', async () => {
    const pauses: number[] = []
    const person = await unheard(app)
    await due(app, person)
    await reconcile(
      { ...app.deps, pause: async (milliseconds) => void pauses.push(milliseconds) },
      CRON_PASS,
    )
    // One for the account: there was nothing to read of events.
    expect(pauses).toEqual([100])
  })
})

test('an event that is delivered while a pass runs it is dealt with once or twice, and ends the same', async () => {
  const person = await unheard(app)
  await due(app, person)
  const created = await createdEvent(person)
  await Promise.all([pass(app), deliver(app, created)])
  expect(await view(app, person)).toMatchObject({ status: 'active', access: true })
  expect(stack.prices.hobby).toBe((await rowOf(app, person))?.priceId)
})
