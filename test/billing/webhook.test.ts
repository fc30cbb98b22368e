// Stripe's webhooks, through the real route with real signatures, over Postgres: the field notes' list.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditLog, stripeEvents, subscriptions } from '../../src/data/schema.ts'
import { signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import {
  checkout,
  control,
  deliver,
  type EventJson,
  eventsOf,
  pay,
  signature,
  stack,
  subscribe,
  writeOf,
} from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app

const view = async (person: { token: string }) =>
  (await call('GET', '/billing/subscription', { token: person.token })).json
const rowsOf = (subscription: string) =>
  deps.db.select().from(subscriptions).where(eq(subscriptions.id, subscription))
const ledger = async (event: EventJson) =>
  (await deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, event.id)))[0]

/** Somebody who has paid and of whom the Worker has heard nothing yet, with the events that wait. */
async function paidUnheard(tier = 'hobby', through: TestApp = app) {
  const person = await subscribe(through, await signUp(through), tier, { deliverEvents: false })
  const events = await eventsOf(person.customer)
  const event = (type: string): EventJson => {
    const found = events.find((each) => each.type === type)
    if (!found) throw new Error(`The simulator made no ${type}`)
    return found
  }
  return { ...person, events, event }
}

describe('the signature', () => {
  const event = () => ({
    id: `evt_${unique().replaceAll('-', '')}`,
    object: 'event',
    type: 'x.y',
    created: 1,
    data: { object: {} },
  })
  const post = (body: string, header?: string) =>
    call('POST', '/billing/webhooks/stripe', {
      body,
      ...(header !== undefined && { headers: { 'Stripe-Signature': header } }),
    })

  test('of another secret, of another body, of another time, malformed or absent is refused', async () => {
    const body = JSON.stringify(event())
    const minutes = (count: number) => Date.now() - count * 60_000
    for (const header of [
      undefined,
      '',
      't=1,v1=00',
      'nonsense',
      signature(body, 'whsec_other'),
      signature(`${body} `),
      signature(body, stack.webhookSecret, minutes(6)),
    ]) {
      const { status, json } = await post(body, header)
      expect([status, json.code]).toEqual([400, 'invalid_signature'])
    }
    expect((await post(body, signature(body, stack.webhookSecret, minutes(4)))).status).toBe(200)
  })

  test('covers the body byte for byte: one that is signed but no event is malformed', async () => {
    for (const body of [
      'no json',
      '[]',
      '{}',
      '{"object":"event"}',
      '{"id":"evt_1","object":"event"}',
      '{"id":"evt_1","object":"v2.core.event","type":"x"}',
      '{"id":"evt_1","object":"event","type":"a\\u0000b","created":1,"data":{"object":{}}}',
      '{"id":"evt_1","object":"event","type":"a.b","created":9e15,"data":{"object":{}}}',
      `{"id":"evt_${'x'.repeat(300)}","object":"event","type":"a.b","created":1,"data":{"object":{}}}`,
    ]) {
      const { status, json } = await post(body, signature(body))
      expect([status, json.code]).toEqual([400, 'malformed_event'])
    }
  })

  test('is not even computed over a body that is too large', async () => {
    const body = 'x'.repeat(1024 * 1024 + 1)
    const { status, json } = await post(body, signature(body))
    expect([status, json.code]).toEqual([413, 'payload_too_large'])
  })

  test('holds with the secret’s surrounding white space trimmed', async () => {
    const spaced = testApp({ STRIPE_WEBHOOK_SECRET: ` ${stack.webhookSecret}\n` })
    const body = JSON.stringify(event())
    const { status } = await spaced.call('POST', '/billing/webhooks/stripe', {
      body,
      headers: { 'Stripe-Signature': signature(body) },
    })
    expect(status).toBe(200)
  })
})

describe('an event', () => {
  test.each([
    'checkout.session.completed',
    'customer.subscription.created',
    'invoice.payment_succeeded',
  ])('%s alone opens the door', async (type) => {
    const person = await paidUnheard('research')
    expect(await view(person)).toMatchObject({ status: 'none', access: false })
    const { status, json } = await deliver(app, person.event(type))
    expect([status, json]).toEqual([
      200,
      {
        received: true,
        outcome: 'applied',
        reason: `${person.subscription}: new, now active, research`,
      },
    ])
    expect(await view(person)).toMatchObject({ tier: 'research', status: 'active', access: true })
    expect(await ledger(person.event(type))).toMatchObject({
      type,
      state: 'done',
      outcome: 'applied',
      attempts: 1,
      subscriptionId: person.subscription,
      lastError: null,
      durationMs: expect.any(Number),
    })
  })

  test('shows the period of Stripe', async () => {
    const person = await subscribe(app, await signUp(app))
    const { items } = await deps.stripe.subscriptions.retrieve(person.subscription)
    const iso = (seconds = 0) => new Date(seconds * 1000).toISOString()
    expect(await view(person)).toMatchObject({
      current_period_start: iso(items.data[0]?.current_period_start),
      current_period_end: iso(items.data[0]?.current_period_end),
      cancel_at_period_end: false,
      cancel_at: null,
      trial_end: null,
      grace_until: null,
    })
  })

  test('of a kind that is not used is acknowledged, and the answer says so', async () => {
    const person = await paidUnheard()
    const { status, json } = await deliver(app, person.event('customer.created'))
    expect(status).toBe(200)
    expect(json).toMatchObject({
      received: true,
      outcome: 'ignored',
      reason: expect.stringContaining('customer.created'),
    })
    expect(await view(person)).toMatchObject({ status: 'none' })
  })

  test('that is delivered again is a duplicate', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    expect((await deliver(app, event)).json).toMatchObject({ received: true, outcome: 'duplicate' })
    expect(await ledger(event)).toMatchObject({ attempts: 1 })
  })

  test('that arrives five times at once has one effect', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    const answers = await Promise.all(Array.from({ length: 5 }, () => deliver(app, event)))
    for (const { status } of answers) expect(status).toBe(200)
    expect(await rowsOf(person.subscription)).toHaveLength(1)
    const entries = await deps.db.select().from(auditLog).where(eq(auditLog.userId, person.id))
    expect(entries.filter(({ action }) => action === 'subscription.changed')).toHaveLength(1)
  })

  test('is a hint: the live state wins, whatever the event claims', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    const lying = structuredClone(event)
    lying.data.object.status = 'canceled'
    lying.data.object.items.data[0].price.id = stack.prices.pro
    await deliver(app, lying)
    expect(await view(person)).toMatchObject({ status: 'active', tier: 'hobby' })
  })

  test('late and out of order converges to what Stripe shows', async () => {
    const person = await paidUnheard()
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    const events = await eventsOf(person.customer)
    for (const event of [...events].reverse()) expect((await deliver(app, event)).status).toBe(200)
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
    const { status } = await deps.stripe.subscriptions.retrieve(person.subscription)
    expect(status).toBe('canceled')
  })

  test('whose read was overtaken by a later one is stale', async () => {
    // The first event's write is held, what it read from Stripe in hand, while a cancellation passes.
    const person = await paidUnheard()
    const early = person.event('customer.subscription.created')
    const held = await inject('postgres', {
      match: { bodyIncludes: writeOf(person.subscription) },
      fault: { kind: 'hold' },
      times: 1,
    })
    const slow = deliver(app, early)
    await held.hit(1)
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    const deleted = (await eventsOf(person.customer)).find(
      ({ type }) => type === 'customer.subscription.deleted',
    )
    if (!deleted) throw new Error('no deleted event')
    expect((await deliver(app, deleted)).json.outcome).toBe('applied')
    await held.release()
    expect((await slow).json).toMatchObject({ outcome: 'stale' })
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
    expect(await ledger(early)).toMatchObject({ state: 'done', outcome: 'stale' })
  })
})

describe('a failure on the way', () => {
  test('of the write answers 5xx, and Stripe’s next try applies', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    const fault = await inject('postgres', {
      match: { bodyIncludes: `"${person.subscription}"`.concat(',') },
      fault: { kind: 'status', status: 500, body: 'boom', contentType: 'text/plain' },
    })
    const failed = await deliver(app, event)
    expect(failed.status).toBeGreaterThanOrEqual(500)
    await fault.remove()
    const retried = await deliver(app, event)
    expect([retried.status, retried.json.outcome]).toEqual([200, 'applied'])
    expect(await view(person)).toMatchObject({ access: true })
  })

  test('of Stripe answers 5xx and is on record; the next try applies', async () => {
    const person = await paidUnheard()
    const event = person.event('invoice.payment_succeeded')
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    const failed = await deliver(away, event)
    expect([failed.status, failed.json.code]).toEqual([502, 'stripe_unavailable'])
    expect(await ledger(event)).toMatchObject({
      state: 'failed',
      outcome: null,
      lastError: expect.stringContaining('Stripe'),
    })
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    expect(await ledger(event)).toMatchObject({
      state: 'done',
      attempts: 2,
      lastError: expect.stringContaining('Stripe'),
    })
  })

  test('of the answer alone, after the write, is a duplicate at the next try', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    const fault = await inject('postgres', {
      match: { bodyIncludes: writeOf(person.subscription) },
      fault: { kind: 'lose-answer' },
      times: 1,
    })
    await deliver(app, event)
    await fault.remove()
    await deliver(app, event)
    expect(await view(person)).toMatchObject({ access: true })
    expect(await rowsOf(person.subscription)).toHaveLength(1)
  })

  test('of Redis does not fail the event: the rows are written, the log says what is missing', async () => {
    const lame = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    const person = await paidUnheard()
    expect((await deliver(lame, person.event('customer.subscription.created'))).json.outcome).toBe(
      'applied',
    )
    expect(lame.logs.map(({ event }) => event)).toContain('account_snapshot_not_cached')
    expect(await view(person)).toMatchObject({ access: true })
  })

  test('a Worker that died before it told Redis: the next delivery does, though it is a duplicate', async () => {
    const person = await paidUnheard()
    const paid = () =>
      call('POST', '/datasets/generate', {
        key: person.key,
        body: { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } },
      })
    expect((await paid()).status).toBe(402)
    const lame = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    const event = person.event('customer.subscription.created')
    expect((await deliver(lame, event)).json.outcome).toBe('applied')
    expect((await paid()).status).toBe(402)
    expect((await deliver(app, event)).json.outcome).toBe('duplicate')
    expect((await paid()).status).toBe(200)
  })

  test('a Worker that died at its work left the event open: the next delivery finishes it', async () => {
    const person = await paidUnheard()
    const event = person.event('customer.subscription.created')
    await deps.db.insert(stripeEvents).values({
      id: event.id,
      type: event.type,
      createdAt: new Date(),
      receivedAt: new Date(),
      state: 'processing',
      ticket: 1,
    })
    expect((await deliver(app, event)).json.outcome).toBe('applied')
    expect(await view(person)).toMatchObject({ access: true })
  })
})

describe('whose subscription it is', () => {
  test('an unknown customer’s never adopts somebody’s row, whatever its metadata says', async () => {
    const person = await signUp(app)
    const customer = await deps.stripe.customers.create({
      email: person.email,
      metadata: { user_id: person.id },
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    })
    const subscription = await deps.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: stack.prices.pro }],
      metadata: { user_id: person.id, tier: 'pro' },
    })
    for (const event of await eventsOf(customer.id)) {
      expect((await deliver(app, event)).json.outcome).toBe('ignored')
    }
    expect(await view(person)).toMatchObject({ status: 'none', access: false })
    expect(await rowsOf(subscription.id)).toEqual([])
  })

  test('an unknown price’s is ignored, said so, and an error in the log', async () => {
    const person = await subscribe(app, await signUp(app))
    const price = await deps.stripe.prices.create({
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
      product_data: { name: 'A mug a month' },
    })
    const own = await deps.stripe.subscriptions.retrieve(person.subscription)
    const other = await deps.stripe.subscriptions.create({
      customer: person.customer,
      items: [{ price: price.id }],
      default_payment_method: String(own.default_payment_method),
    })
    const created = (await eventsOf(person.customer)).find(
      ({ type, data }) => type === 'customer.subscription.created' && data.object.id === other.id,
    )
    if (!created) throw new Error('no event')
    expect((await deliver(app, created)).json).toMatchObject({
      outcome: 'ignored',
      reason: expect.stringContaining(price.id),
    })
    expect(app.logs).toContainEqual({
      event: 'unknown_price',
      fields: { subscription: other.id, price: price.id },
    })
    expect(await view(person)).toMatchObject({ tier: 'hobby', access: true })
  })

  test('a known one that moves to an unknown price still ends when it ends', async () => {
    const person = await subscribe(app, await signUp(app))
    const price = await deps.stripe.prices.create({
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
      product_data: { name: 'A mug a month' },
    })
    await control('POST', `/subscriptions/${person.subscription}/change-plan`, { price: price.id })
    const changed = (await eventsOf(person.customer)).findLast(
      ({ type }) => type === 'customer.subscription.updated',
    )
    if (!changed) throw new Error('no event')
    expect((await deliver(app, changed)).json).toMatchObject({
      outcome: 'applied',
      reason: expect.stringContaining(`price ${price.id} is not ours, the plan stays`),
    })
    await person.sync()
    expect(await view(person)).toMatchObject({ tier: 'hobby', access: true })
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
  })

  test('cancel A, buy B, then A’s events arrive: B stays', async () => {
    const first = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${first.subscription}/cancel-now`)
    const late = (await eventsOf(first.customer)).filter(
      ({ type }) => type === 'customer.subscription.deleted',
    )
    await first.sync()
    const second = await subscribe(app, first, 'research')
    for (const event of late) await deliver(app, { ...event, id: `${event.id}late` })
    expect(second.subscription).not.toBe(first.subscription)
    expect(await view(first)).toMatchObject({ tier: 'research', status: 'active', access: true })
  })

  test('two open checkouts, both paid: one entitlement, the better one, and the duplicate is reported', async () => {
    const person = await signUp(app)
    const hobby = await checkout(app, person, 'hobby')
    const session = await deps.stripe.checkout.sessions.retrieve(hobby.json.session_id)
    const second = await deps.stripe.checkout.sessions.create({
      mode: 'subscription',
      customer: String(session.customer),
      line_items: [{ price: stack.prices.pro, quantity: 1 }],
      success_url: 'https://app.example.com/',
    })
    await pay(hobby.json.session_id)
    await pay(second.id)
    for (const event of await eventsOf(String(session.customer))) await deliver(app, event)
    expect(await view(person)).toMatchObject({ tier: 'pro', status: 'active', access: true })
    expect(
      app.logs.some(
        ({ event, fields }) => event === 'duplicate_subscription' && fields.user_id === person.id,
      ),
    ).toBe(true)
  })
})

describe('the life of a subscription', () => {
  test('a portal cancellation shows as scheduled and keeps access to the end, then it is over', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-at-period-end`)
    await person.sync()
    const scheduled = await view(person)
    expect(scheduled).toMatchObject({
      status: 'active',
      access: true,
      cancel_at: expect.any(String),
    })
    await control('POST', `/customers/${person.customer}/advance`, { to: 'period_end' })
    await person.sync()
    expect(await view(person)).toMatchObject({ status: 'canceled', access: false })
  })

  test('a scheduled cancellation that is due ends access even when its event is late', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    await control('POST', `/subscriptions/${person.subscription}/cancel-at-period-end`)
    await person.sync()
    const { json } = await own.call('GET', '/billing/subscription', { key: person.key })
    const end = new Date(json.cancel_at).getTime()
    const access = async (at: number) => {
      own.setNow(new Date(at))
      return (await own.call('GET', '/billing/subscription', { key: person.key })).json.access
    }
    expect(await access(end - 1)).toBe(true)
    expect(await access(end)).toBe(false)
  })

  test('a failed renewal leaves grace from the failure, and payment restores access', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own), 'hobby', { card: '4000000000000341' })
    await control('POST', `/customers/${person.customer}/advance`, { to: 'renewal' })
    await person.sync()
    const look = async () =>
      (await own.call('GET', '/billing/subscription', { key: person.key })).json
    const pastDue = await look()
    expect(pastDue.status).toBe('past_due')
    const [invoice] = (
      await deps.stripe.invoices.list({ subscription: person.subscription, status: 'open' })
    ).data
    const failedAt = (invoice?.status_transitions.finalized_at ?? 0) * 1000
    expect(new Date(pastDue.grace_until).getTime()).toBe(failedAt + 3 * 86_400_000)
    own.setNow(new Date(failedAt + 3 * 86_400_000 - 1))
    expect((await look()).access).toBe(true)
    own.setNow(new Date(failedAt + 3 * 86_400_000))
    expect((await look()).access).toBe(false)
    const { id: card } = await deps.stripe.paymentMethods.attach('pm_card_visa', {
      customer: person.customer,
    })
    await deps.stripe.invoices.pay(invoice?.id ?? '', { payment_method: card })
    own.setNow(new Date())
    await person.sync()
    expect(await look()).toMatchObject({ status: 'active', access: true, grace_until: null })
  })

  test('each change of access is in the audit log with the event that caused it', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    const entries = await deps.db
      .select()
      .from(auditLog)
      .where(eq(auditLog.userId, person.id))
      .orderBy(auditLog.id)
    expect(entries.map(({ action, detail }) => [action, detail.to])).toEqual([
      ['account.registered', undefined],
      ['subscription.changed', { status: 'active', tier: 'hobby' }],
      ['subscription.changed', { status: 'canceled', tier: 'hobby' }],
    ])
    expect(entries.at(-1)?.eventId).toMatch(/^evt_/)
  })
})
