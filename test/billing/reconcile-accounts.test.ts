// The reconciliation of accounts: what no delivery told is found and repaired, and nothing else is touched.
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CRON_PASS, reconcile } from '../../src/billing/reconcile/reconcile.ts'
import { auditLog, subscriptions, users } from '../../src/data/schema.ts'
import { signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { due, pass, rowOf, skipToNow, unheard, view } from '../support/reconcile.ts'
import { control, subscribe } from '../support/stripe.ts'

let app: TestApp
beforeEach(async () => {
  app = testApp()
  await skipToNow(app)
})
afterEach(() => skipToNow(app))

describe('an account that was not compared for a day', () => {
  test('is brought to what Stripe shows, in the log and in the audit log', async () => {
    const person = await unheard(app)
    await due(app, person)
    const report = await pass(app)
    expect(report.accountsChecked).toBe(1)
    expect(report.differences).toMatchObject([
      { userId: person.id, subscription: person.subscription },
    ])
    expect(report.differences[0]?.changes).toContainEqual({
      field: 'status',
      ours: 'none',
      stripe: 'active',
    })
    expect(await view(app, person)).toMatchObject({ status: 'active', access: true })
    expect(app.logs).toContainEqual({
      event: 'subscription_repaired',
      fields: expect.objectContaining({ subscription: person.subscription }),
    })
    const entries = await app.deps.db.select().from(auditLog).where(eq(auditLog.userId, person.id))
    expect(entries.at(-1)).toMatchObject({
      eventId: null,
      detail: { by: 'reconciliation', to: { status: 'active', tier: 'hobby' } },
    })
  })

  test('is let in where the paywall had cached that it is not', async () => {
    const person = await unheard(app)
    const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } }
    const paid = () => app.call('POST', '/datasets/generate', { key: person.key, body: order })
    expect((await paid()).status).toBe(402)
    await due(app, person)
    await pass(app)
    expect((await paid()).status).toBe(200)
  })

  test('is not compared again the same day, and one that agrees is left alone', async () => {
    const person = await subscribe(app, await signUp(app))
    const before = await rowOf(app, person)
    await due(app, person)
    expect(await pass(app)).toMatchObject({ accountsChecked: 1, differences: [] })
    expect(await rowOf(app, person)).toEqual(before)
    expect(await pass(app)).toMatchObject({ accountsChecked: 0 })
  })

  test('agrees while past due: the grace counts from the failure that Stripe shows', async () => {
    const person = await subscribe(app, await signUp(app), 'hobby', { card: '4000000000000341' })
    await control('POST', `/customers/${person.customer}/advance`, { to: 'renewal' })
    await person.sync()
    expect(await view(app, person)).toMatchObject({ status: 'past_due' })
    await due(app, person)
    expect((await pass(app)).differences).toEqual([])
    await app.deps.db
      .update(subscriptions)
      .set({ pastDueSince: new Date() })
      .where(eq(subscriptions.id, person.subscription))
    await due(app, person)
    expect((await pass(app)).differences[0]?.changes.map(({ field }) => field)).toEqual([
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
    await due(app, person)
    await pass(app)
    expect(await view(app, person)).toMatchObject({ status: 'canceled', access: false })
  })

  test.each([
    ['that Stripe does not have', 'Stripe has no such subscription'],
    ['under a ticket that was never drawn', 'a later read'],
    ['of another account', 'belongs to another account'],
  ])('with a row %s is reported, each time, as what somebody must look at', async (what, why) => {
    const person = await subscribe(app, await signUp(app))
    const { db } = app.deps
    const own = eq(subscriptions.id, person.subscription)
    if (what.startsWith('that')) {
      await db
        .update(subscriptions)
        .set({ id: `sub_${unique().replaceAll('-', '')}` })
        .where(own)
    } else if (what.startsWith('under')) {
      await db.update(subscriptions).set({ ticket: 9e14, tier: 'pro' }).where(own)
    } else {
      const other = await signUp(app)
      await db.update(subscriptions).set({ userId: other.id }).where(own)
    }
    for (const _ of ['today', 'tomorrow']) {
      await due(app, person)
      const { differences } = await pass(app)
      expect(differences).toContainEqual(
        expect.objectContaining({ userId: person.id, remains: expect.stringContaining(why) }),
      )
      expect(app.logs.filter(({ event }) => event === 'subscription_not_repaired')).toHaveLength(1)
      app.logs.length = 0
    }
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
    await due(app, person)
    expect((await pass(app)).differences).toEqual([])
  })

  test('that cannot be read is on record, and the others are compared', async () => {
    const [broken, fine] = [await unheard(app), await unheard(app)]
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
    await due(app, broken, fine)
    expect(await pass(app)).toMatchObject({ accountsChecked: 2, accountsFailed: 1 })
    await fault.hit()
    expect(app.logs.filter(({ event }) => event === 'account_not_reconciled')).toHaveLength(1)
    const states = [await view(app, broken), await view(app, fine)].map(({ status }) => status)
    expect(states.sort()).toEqual(['active', 'none'])
  })

  test('at which alone Stripe fails is passed over; one after the other means that Stripe is away', async () => {
    const people = [await unheard(app), await unheard(app), await unheard(app)]
    const fail = (times: number) =>
      inject('stripe', {
        match: { method: 'GET', path: '/v1/subscriptions' },
        // The client tries each request three times.
        fault: { kind: 'status', status: 500, body: '{"error":{"type":"api_error"}}' },
        times: 3 * times,
      })
    await due(app, ...people)
    const away = await fail(3)
    await expect(pass(app)).rejects.toThrow()
    await away.remove()
    const once = await fail(1)
    expect(await pass(app)).toMatchObject({ accountsChecked: 2, accountsFailed: 1 })
    await once.remove()
    expect(await pass(app)).toMatchObject({ accountsChecked: 0 })
  })

  test('waits for the next pass where the time is up', async () => {
    const [first, second] = [await unheard(app), await unheard(app)]
    await due(app, first, second)
    const controller = new AbortController()
    const report = await reconcile(app.deps, {
      ...CRON_PASS,
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === 'accounts') controller.abort()
      },
    })
    expect(report).toMatchObject({ accountsChecked: 1, isComplete: false })
    expect(await pass(app)).toMatchObject({ accountsChecked: 1, isComplete: true })
    expect([await view(app, first), await view(app, second)]).toMatchObject([
      { access: true },
      { access: true },
    ])
  })
})

describe('a dry run', () => {
  test('shows what differs and writes nothing', async () => {
    const person = await unheard(app)
    await due(app, person)
    const report = await pass(app, { isDry: true })
    expect(report.differences.map(({ subscription }) => subscription)).toEqual([
      person.subscription,
    ])
    expect(await rowOf(app, person)).toBeUndefined()
    const again = await pass(app, { isDry: true })
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
    expect(await pass(app, { isDry: true })).toMatchObject({ accountsChecked: 60, differences: [] })
    expect(await pass(app)).toMatchObject({ accountsChecked: 60 })
    expect(await pass(app)).toMatchObject({ accountsChecked: 0 })
  })
})
