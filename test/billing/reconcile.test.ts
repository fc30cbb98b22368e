// The reconciliation, through the Worker's own pass: what no delivery told is found and repaired, and nothing else is
// touched. Other tests leave accounts and events behind, so that each looks for its own.
import { eq, inArray, ne } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Report } from '../../src/billing/reconcile/pass.ts'
import { CRON_PASS, reconcile } from '../../src/billing/reconcile/reconcile.ts'
import {
  auditLog,
  reconciliation,
  stripeEvents,
  subscriptions,
  users,
} from '../../src/data/schema.ts'
import { type Person, signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import {
  control,
  deliver,
  type EventJson,
  eventsOf,
  type Subscriber,
  stack,
  subscribe,
} from '../support/stripe.ts'

const DAY_MS = 86_400_000
let app: TestApp
beforeEach(async () => {
  app = testApp()
  await skipToNow()
})
afterEach(skipToNow)

/** What other tests left is none of ours: their accounts count as compared, their events as read. */
async function skipToNow(): Promise<void> {
  const now = new Date()
  // A pass looks ten minutes further back.
  const eventsReadUntil = new Date(now.getTime() + 10 * 60_000)
  await app.deps.db.batch([
    app.deps.db.update(users).set({ reconciledAt: now }),
    app.deps.db
      .update(stripeEvents)
      .set({ attemptedAt: now })
      .where(ne(stripeEvents.state, 'done')),
    app.deps.db
      .insert(reconciliation)
      .values({ id: 1, eventsReadUntil })
      .onConflictDoUpdate({
        target: reconciliation.id,
        set: { eventsReadUntil, holder: null, heldUntil: null },
      }),
  ])
}

const view = async ({ key }: Person) =>
  (await app.call('GET', '/billing/subscription', { key })).json
const rowOf = async ({ subscription }: Subscriber) =>
  (await app.deps.db.select().from(subscriptions).where(eq(subscriptions.id, subscription)))[0]
const entryOf = async ({ id }: EventJson) =>
  (await app.deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id)))[0]
const unheard = async () => subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })
const due = (...people: Person[]) =>
  app.deps.db
    .update(users)
    .set({ reconciledAt: new Date(Date.now() - DAY_MS - 1000) })
    .where(
      inArray(
        users.id,
        people.map(({ id }) => id),
      ),
    )

async function pass(options: Partial<typeof CRON_PASS> = {}): Promise<Report> {
  const report = await reconcile(app.deps, { ...CRON_PASS, ...options })
  if (!report) throw new Error('another pass is under way')
  return report
}

describe('an account that was not compared for a day', () => {
  test('is brought to what Stripe shows, in the log and in the audit log', async () => {
    const person = await unheard()
    await due(person)
    const report = await pass()
    expect(report.accountsChecked).toBe(1)
    expect(report.differences).toMatchObject([
      { userId: person.id, subscription: person.subscription },
    ])
    expect(report.differences[0]?.changes).toContainEqual({
      field: 'status',
      ours: 'none',
      stripe: 'active',
    })
    expect(await view(person)).toMatchObject({ status: 'active', access: true })
    expect(app.logs).toContainEqual({
      event: 'subscription_repaired',
      fields: expect.objectContaining({ subscription: person.subscription, outcome: 'applied' }),
    })
    const entries = await app.deps.db.select().from(auditLog).where(eq(auditLog.userId, person.id))
    expect(entries.at(-1)).toMatchObject({
      eventId: null,
      detail: { by: 'reconciliation', to: { status: 'active', tier: 'hobby' } },
    })
  })

  test('is let in where the paywall had cached that it is not', async () => {
    const person = await unheard()
    const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } }
    const paid = () => app.call('POST', '/datasets/generate', { key: person.key, body: order })
    expect((await paid()).status).toBe(402)
    await due(person)
    await pass()
    expect((await paid()).status).toBe(200)
  })

  test('is not compared again the same day, and one that agrees is left alone', async () => {
    const person = await subscribe(app, await signUp(app))
    const before = await rowOf(person)
    await due(person)
    expect(await pass()).toMatchObject({ accountsChecked: 1, differences: [] })
    expect(await rowOf(person)).toEqual(before)
    expect(await pass()).toMatchObject({ accountsChecked: 0 })
  })

  test('agrees while past due: the grace counts from the failure that Stripe shows', async () => {
    const person = await subscribe(app, await signUp(app), 'hobby', { card: '4000000000000341' })
    await control('POST', `/customers/${person.customer}/advance`, { to: 'renewal' })
    await person.sync()
    expect(await view(person)).toMatchObject({ status: 'past_due' })
    await due(person)
    expect((await pass()).differences).toEqual([])
    await app.deps.db
      .update(subscriptions)
      .set({ pastDueSince: new Date() })
      .where(eq(subscriptions.id, person.subscription))
    await due(person)
    expect((await pass()).differences[0]?.changes.map(({ field }) => field)).toEqual([
      'pastDueSince',
    ])
  })

  test('loses what has ended, even of a customer that was deleted and replaced', async () => {
    const person = await subscribe(app, await signUp(app))
    await app.deps.stripe.customers.del(person.customer)
    const other = await app.deps.stripe.customers.create({ email: person.email })
    await app.deps.db
      .update(users)
      .set({ stripeCustomerId: other.id })
      .where(eq(users.id, person.id))
    await due(person)
    await pass()
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
  })

  test('keeps its hands off the subscriptions of another product', async () => {
    const person = await subscribe(app, await signUp(app))
    const price = await app.deps.stripe.prices.create({
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
      product_data: { name: 'A mug a month' },
    })
    await app.deps.stripe.subscriptions.create({
      customer: person.customer,
      items: [{ price: price.id }],
      collection_method: 'send_invoice',
      days_until_due: 30,
    })
    await due(person)
    expect((await pass()).differences).toEqual([])
  })

  test('that cannot be read is on record, and the others are compared', async () => {
    const [broken, fine] = [await unheard(), await unheard()]
    const fault = await inject('stripe', {
      match: { method: 'GET', path: '/v1/subscriptions' },
      fault: {
        kind: 'status',
        status: 200,
        body: '{"object":"list","data":[{"id":"sub_x","items":{"data":[]}}],"has_more":false}',
        contentType: 'application/json',
      },
      times: 1,
    })
    await due(broken, fine)
    expect(await pass()).toMatchObject({ accountsChecked: 2 })
    await fault.hit()
    expect(app.logs.filter(({ event }) => event === 'account_not_reconciled')).toHaveLength(1)
    const states = [await view(broken), await view(fine)].map(({ status }) => status)
    expect(states.sort()).toEqual(['active', 'none'])
  })

  test('waits for the next pass where the time is up', async () => {
    const [first, second] = [await unheard(), await unheard()]
    await due(first, second)
    const controller = new AbortController()
    const report = await reconcile(app.deps, {
      ...CRON_PASS,
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === 'accounts') controller.abort()
      },
    })
    expect(report).toMatchObject({ accountsChecked: 1, isComplete: false })
    expect(await pass()).toMatchObject({ accountsChecked: 1, isComplete: true })
    expect([await view(first), await view(second)]).toMatchObject([
      { access: true },
      { access: true },
    ])
  })
})

describe('a dry run', () => {
  test('shows what differs and writes nothing', async () => {
    const person = await unheard()
    await due(person)
    const report = await pass({ isDry: true })
    expect(report.differences.map(({ subscription }) => subscription)).toEqual([
      person.subscription,
    ])
    expect(await rowOf(person)).toBeUndefined()
    const again = await pass({ isDry: true })
    expect(again.differences).toEqual(report.differences)
  })

  test('goes through more accounts than one batch holds, each once', async () => {
    const people = await Promise.all(
      Array.from({ length: 60 }, (_, i) => ({
        id: crypto.randomUUID(),
        email: `${unique(`many${i}`)}@example.com`,
      })),
    )
    await app.deps.db.insert(users).values(
      people.map(({ id, email }) => ({
        id,
        email,
        passwordHash: 'none',
        tier: 'hobby' as const,
        stripeCustomerId: `cus_${id.replaceAll('-', '')}`,
        createdAt: new Date(),
      })),
    )
    expect(await pass({ isDry: true })).toMatchObject({ accountsChecked: 60, differences: [] })
    expect(await pass()).toMatchObject({ accountsChecked: 60 })
    expect(await pass()).toMatchObject({ accountsChecked: 0 })
  })
})

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
  const created = async ({ customer }: Subscriber): Promise<EventJson> => {
    const event = (await eventsOf(customer)).find(
      ({ type }) => type === 'customer.subscription.created',
    )
    if (!event) throw new Error('no event')
    return event
  }

  test.each(['processing', 'failed'] as const)('that stayed in %s is finished', async (state) => {
    const person = await unheard()
    const event = await created(person)
    await leave(event, state, minutesAgo(6))
    expect((await pass()).events).toContain(event.id)
    expect(await entryOf(event)).toMatchObject({ state: 'done', outcome: 'applied', attempts: 2 })
    expect(await view(person)).toMatchObject({ access: true })
  })

  test('that somebody may still be at work on, or that fails again and again, is left for later', async () => {
    const [young, stubborn] = [await created(await unheard()), await created(await unheard())]
    await leave(young, 'processing', minutesAgo(4))
    await leave(stubborn, 'failed', minutesAgo(30), 4)
    expect((await pass()).events).toEqual([])
    await app.deps.db
      .update(stripeEvents)
      .set({ attemptedAt: minutesAgo(41) })
      .where(eq(stripeEvents.id, stubborn.id))
    expect((await pass()).events).toEqual([stubborn.id])
  })

  test('that Stripe has no more is finished by what the ledger remembers', async () => {
    const person = await unheard()
    const event = { ...(await created(person)), id: `evt_${unique().replaceAll('-', '')}` }
    await leave(event, 'processing', minutesAgo(6))
    await pass()
    expect(await entryOf(event)).toMatchObject({ state: 'done', outcome: 'applied' })
    expect(await view(person)).toMatchObject({ access: true })
  })

  test('of which no delivery told is found at Stripe, once it is older than two minutes', async () => {
    const person = await unheard()
    const event = await created(person)
    expect((await pass()).events).toEqual([])
    app.setNow(new Date(Date.now() + 3 * 60_000))
    const wanted = (await eventsOf(person.customer)).filter(({ type }) =>
      [
        'customer.subscription.created',
        'invoice.payment_succeeded',
        'checkout.session.completed',
      ].includes(type),
    )
    const { events } = await pass()
    for (const { id } of wanted) expect(events).toContain(id)
    expect(await entryOf(event)).toMatchObject({ state: 'done', attempts: 1 })
    expect(await view(person)).toMatchObject({ access: true })
    expect((await pass()).events).toEqual([])
  })

  test('that was delivered is not run again', async () => {
    const person = await subscribe(app, await signUp(app))
    const event = await created(person)
    app.setNow(new Date(Date.now() + 3 * 60_000))
    expect((await pass()).events).not.toContain(event.id)
    expect(await entryOf(event)).toMatchObject({ attempts: 1 })
  })

  test('of ninety days ago leaves the ledger; what it caused stays in the audit log', async () => {
    const person = await subscribe(app, await signUp(app))
    const event = await created(person)
    const days = (count: number) => new Date(Date.now() - count * DAY_MS)
    const at = (count: number) =>
      app.deps.db
        .update(stripeEvents)
        .set({ receivedAt: days(count) })
        .where(eq(stripeEvents.id, event.id))
    await at(89)
    await pass()
    expect(await entryOf(event)).toBeDefined()
    await at(91)
    expect(await pass({ isDry: true })).toMatchObject({ eventsPruned: 1 })
    expect(await pass()).toMatchObject({ eventsPruned: 1 })
    expect(await entryOf(event)).toBeUndefined()
    const entries = await app.deps.db.select().from(auditLog).where(eq(auditLog.userId, person.id))
    expect(entries.map(({ eventId }) => eventId)).toContain(event.id)
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
    const person = await unheard()
    await due(person)
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    await expect(reconcile(away.deps, CRON_PASS)).rejects.toThrow()
    expect(await pass()).toMatchObject({ accountsChecked: 1 })
    expect(await view(person)).toMatchObject({ access: true })
  })

  test('reads Stripe at most ten times a second', async () => {
    const pauses: number[] = []
    const person = await unheard()
    await due(person)
    await reconcile(
      { ...app.deps, pause: async (milliseconds) => void pauses.push(milliseconds) },
      CRON_PASS,
    )
    // One for the events, one for the account.
    expect(pauses).toEqual([100, 100])
  })
})

test('an event that is delivered while a pass runs it is dealt with once or twice, and ends the same', async () => {
  const person = await unheard()
  await due(person)
  const [created] = (await eventsOf(person.customer)).filter(
    ({ type }) => type === 'customer.subscription.created',
  )
  if (!created) throw new Error('no event')
  await Promise.all([pass(), deliver(app, created)])
  expect(await view(person)).toMatchObject({ status: 'active', access: true })
  expect(stack.prices.hobby).toBe((await rowOf(person))?.priceId)
})
