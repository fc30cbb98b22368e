// Both of Stripe's API shapes, from JSON as Stripe prints it: the ones before basil (2025-03-31) and today's.
import type Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { eventSubject, UnknownShapeError } from '../../src/billing/event-subject.ts'
import { readingOf } from '../../src/billing/stripe-subscription.ts'
import type { StripeEvent } from '../../src/billing/verify.ts'
import refundedOld from '../fixtures/charge-refunded.before-basil.json'
import refundedNew from '../fixtures/charge-refunded.current.json'
import checkoutOld from '../fixtures/checkout-completed.before-basil.json'
import checkoutNew from '../fixtures/checkout-completed.current.json'
import disputeOld from '../fixtures/dispute-closed.before-basil.json'
import disputeNew from '../fixtures/dispute-closed.current.json'
import oneOffOld from '../fixtures/invoice-one-off.before-basil.json'
import oneOffNew from '../fixtures/invoice-one-off.current.json'
import invoiceOld from '../fixtures/invoice-payment-succeeded.before-basil.json'
import invoiceNew from '../fixtures/invoice-payment-succeeded.current.json'
import updatedOld from '../fixtures/subscription-updated.before-basil.json'
import updatedNew from '../fixtures/subscription-updated.current.json'
import { type Json, signUp, testApp } from '../support/app.ts'
import { deliver, eventsOf, subscribe } from '../support/stripe.ts'

const prices = {
  hobby: ['price_1TgHobbyMonthly000000001'],
  research: ['price_r'],
  pro: ['price_p'],
} as const
const read = (event: Json) => readingOf(event.data.object as Stripe.Subscription, prices)
const subject = (event: Json) => eventSubject(event as StripeEvent)

describe('a subscription', () => {
  test.each([
    ['current', updatedNew],
    ['before basil', updatedOld],
  ])('of the shape %s shows its period', (_, event) => {
    expect(read(event)).toMatchObject({
      id: 'sub_1TgFixture000000000000001',
      customerId: 'cus_TgFixture0001',
      tier: 'hobby',
      status: 'active',
      currentPeriodStart: new Date('2026-10-31T10:00:00Z'),
      currentPeriodEnd: new Date('2026-11-30T10:00:00Z'),
      billingCycleAnchor: new Date('2026-10-31T10:00:00Z'),
    })
  })

  test('shows a scheduled cancellation in either of its forms', () => {
    expect(read(updatedOld)).toMatchObject({ cancelAtPeriodEnd: true, cancelAt: null })
    expect(read(updatedNew)).toMatchObject({
      cancelAtPeriodEnd: false,
      cancelAt: new Date('2026-11-30T10:00:00Z'),
    })
  })

  test('without a period, items or a known status is a loud error, never a silent zero', () => {
    const broken = (change: (object: Json) => void) => {
      const event = structuredClone(updatedNew) as Json
      change(event.data.object)
      return () => read(event)
    }
    expect(broken(({ items }) => delete items.data[0].current_period_end)).toThrow(
      UnknownShapeError,
    )
    expect(broken(({ items }) => items.data.pop())).toThrow(UnknownShapeError)
    expect(broken((object) => Object.assign(object, { status: 'dreaming' }))).toThrow(
      UnknownShapeError,
    )
  })

  test('whose collection is paused gives no service once a period’s own invoice was not paid', () => {
    const paused = (behavior: string, billing_reason: string, status: string) => {
      const event = structuredClone(updatedNew) as Json
      event.data.object.pause_collection = { behavior, resumes_at: null }
      event.data.object.latest_invoice = { id: 'in_1', billing_reason, status }
      return read(event).servicePaused
    }
    expect(paused('void', 'subscription_cycle', 'void')).toBe(true)
    expect(paused('void', 'subscription_cycle', 'draft')).toBe(true)
    expect(paused('void', 'subscription_cycle', 'paid')).toBe(false)
    expect(paused('void', 'subscription_update', 'void')).toBe(false)
    expect(paused('keep_as_draft', 'subscription_cycle', 'draft')).toBe(false)
    const event = structuredClone(updatedNew) as Json
    event.data.object.pause_collection = { behavior: 'void', resumes_at: null }
    event.data.object.latest_invoice = 'in_1'
    expect(() => read(event)).toThrow(UnknownShapeError)
  })

  test('of several items counts by the one that is ours', () => {
    const event = structuredClone(updatedNew) as Json
    const [ours] = event.data.object.items.data
    event.data.object.items.data.unshift({ ...ours, price: { ...ours.price, id: 'price_mug' } })
    expect(read(event)).toMatchObject({ tier: 'hobby', priceId: ours.price.id })
  })

  test.each([
    ['the larger plan of two', 1, 'pro'],
    ['none that was set to nothing', 0, 'hobby'],
  ])('counts by %s', (_, quantity, tier) => {
    const event = structuredClone(updatedNew) as Json
    const { data } = event.data.object.items
    data.push({ ...data[0], quantity, price: { ...data[0].price, id: 'price_p' } })
    expect(read(event)).toMatchObject({ tier })
    data.reverse()
    expect(read(event)).toMatchObject({ tier })
  })

  test('of no price that is ours has no tier', () => {
    const event = structuredClone(updatedNew) as Json
    event.data.object.items.data[0].price.id = 'price_mug'
    expect(read(event)).toMatchObject({ tier: null, priceId: 'price_mug' })
  })
})

describe('the subscription that an event speaks of', () => {
  test.each([
    ['invoice, current', invoiceNew],
    ['invoice, before basil', invoiceOld],
    ['subscription, current', updatedNew],
    ['subscription, before basil', updatedOld],
    ['checkout session, current', checkoutNew],
    ['checkout session, before basil', checkoutOld],
  ])('%s', (_, event) => {
    expect(subject(event)).toEqual({
      kind: 'subscription',
      subscriptionId: 'sub_1TgFixture000000000000001',
      owes: false,
    })
  })

  test('is found when Stripe has it expanded', () => {
    const event = structuredClone(invoiceOld) as Json
    event.data.object.subscription = { id: 'sub_expanded', object: 'subscription' }
    expect(subject(event)).toMatchObject({ subscriptionId: 'sub_expanded' })
  })

  test.each([
    ['current', oneOffNew],
    ['before basil', oneOffOld],
  ])('is none for a one-off invoice, %s', (_, event) => {
    expect(subject(event)).toMatchObject({ kind: 'ignored' })
  })

  test('that cannot be found in an invoice is a loud error', () => {
    const event = structuredClone(invoiceNew) as Json
    delete event.data.object.parent
    expect(() => subject(event)).toThrow(UnknownShapeError)
  })

  test.each([
    { parent: { type: 'subscription_details', subscription_details: null } },
    { parent: {} },
    {
      parent: { type: 'subscription_details', subscription_details: { subscription_id: 'sub_1' } },
    },
    { parent: null, billing_reason: 'subscription_cycle' },
    { parent: undefined, subscription: null, billing_reason: 'subscription_create' },
  ])('that an invoice does not show though it has one is a loud error: %j', (shape) => {
    const event = structuredClone(oneOffNew) as Json
    Object.assign(event.data.object, shape)
    expect(() => subject(event)).toThrow(UnknownShapeError)
  })

  test('is none for a checkout that sold none', () => {
    const event = {
      ...updatedNew,
      type: 'checkout.session.completed',
      data: { object: { mode: 'payment' } },
    }
    expect(subject(event)).toMatchObject({ kind: 'ignored' })
  })
})

describe('money that went back', () => {
  const chargeId = 'ch_3TgFixture000000000000001'

  test.each([
    ['charge, current', refundedNew, { kind: 'refund', chargeId }],
    ['charge, before basil', refundedOld, { kind: 'refund', chargeId }],
    [
      'dispute, current',
      disputeNew,
      { kind: 'dispute', disputeId: 'du_1TgFixture000000000000001' },
    ],
    [
      'dispute, before 2020',
      disputeOld,
      { kind: 'dispute', disputeId: 'dp_1TgFixture000000000000001' },
    ],
  ])('%s', (_, event, expected) => {
    expect(subject(event)).toEqual(expected)
  })

  test('of a bank debit of the older kind', () => {
    const event = structuredClone(refundedNew) as Json
    event.data.object.id = 'py_1TgFixture'
    expect(subject(event)).toEqual({ kind: 'refund', chargeId: 'py_1TgFixture' })
  })
})

describe('an object that cannot be found is a loud error', () => {
  const BROKEN = [undefined, null, '', 42, 'xx_1', 'ch_', 'ch_../../customers', 'ch_1?x=1', {}]

  test.each([
    ['charge', refundedNew, 'id'],
    ['charge, before basil', refundedOld, 'id'],
    ['dispute', disputeNew, 'id'],
    ['dispute, before basil', disputeOld, 'id'],
    ['subscription', updatedNew, 'id'],
    ['checkout session', checkoutNew, 'subscription'],
    ['checkout session, before basil', checkoutOld, 'subscription'],
  ])('%s', (_, fixture, member) => {
    for (const value of BROKEN) {
      const event = structuredClone(fixture) as Json
      event.data.object[member] = value
      expect(() => subject(event)).toThrow(UnknownShapeError)
    }
  })

  test('nor is an id of another kind taken for it', () => {
    for (const [fixture, other] of [
      [refundedNew, 're_1TgFixture'],
      [refundedNew, 'sub_1TgFixture'],
      [disputeNew, 'ch_1TgFixture'],
      [updatedNew, 'in_1TgFixture'],
    ] as const) {
      const event = structuredClone(fixture) as Json
      event.data.object.id = other
      expect(() => subject(event)).toThrow(UnknownShapeError)
    }
  })
})

describe('over the real route', () => {
  const app = testApp()

  test.each(['2023-08-16', '2024-06-20', '2026-10-28.endive'])(
    'events of an endpoint pinned to %s open the door',
    async (version) => {
      const person = await subscribe(app, await signUp(app), 'pro', { deliverEvents: false })
      const paid = (await eventsOf(person.customer, version)).find(
        ({ type }) => type === 'invoice.payment_succeeded',
      )
      expect(paid?.api_version).toBe(version)
      if (!paid) throw new Error('The simulator made no invoice.payment_succeeded')
      expect((await deliver(app, paid)).json).toMatchObject({ received: true, outcome: 'applied' })
      const { json } = await app.call('GET', '/billing/subscription', { token: person.token })
      expect(json).toMatchObject({ tier: 'pro', access: true })
    },
  )

  test('an event that cannot be read answers 5xx and is on record', async () => {
    const event = structuredClone(invoiceNew) as Json
    event.id = `evt_${crypto.randomUUID().replaceAll('-', '')}`
    delete event.data.object.parent
    const { status } = await deliver(app, event)
    expect(status).toBe(500)
    const { rows } = await app.deps.db.execute<Json>(
      `select state, last_error from stripe_events where id = '${event.id}'`,
    )
    expect(rows).toEqual([
      { state: 'failed', last_error: expect.stringContaining('UnknownShapeError') },
    ])
  })
})
