// Ends and pauses, as their customer notices them: scheduled, taken back, at once, and by whatever the seller clicks.
import { describe, expect, test } from 'vitest'
import { buyAgain, buyer, type Customer, changed, visitor } from '../support/life.ts'
import { control, deliver, stack } from '../support/stripe.ts'

const OPEN = { status: 'active', access: true, paid: 'sold' }
const SHUT = { status: 'canceled', access: false, paid: '402 subscription_required' }
const PAUSED = { access: false, paid: '402 subscription_paused' }

const act = ({ subscription }: Customer, action: string, body?: unknown) =>
  control('POST', `/subscriptions/${subscription}/${action}`, body)
const stripeOf = ({ app }: Customer) => app.deps.stripe
const ms = (instant: string | null) => new Date(String(instant)).getTime()

describe.each([
  [
    'cancel_at_period_end',
    (person: Customer) =>
      stripeOf(person).subscriptions.update(person.subscription, { cancel_at_period_end: true }),
    (person: Customer) =>
      stripeOf(person).subscriptions.update(person.subscription, { cancel_at_period_end: false }),
    true,
  ],
  [
    'cancel_at',
    (person: Customer) => act(person, 'cancel-at-period-end'),
    (person: Customer) => act(person, 'resume'),
    false,
  ],
] as const)('a cancellation scheduled by %s', (_, schedule, takeBack, atPeriodEnd) => {
  test('shows, keeps what was paid, and ends with it', async () => {
    const person = await buyer()
    await schedule(person)
    const told = await person.hear()
    const seen = await person.look()
    const ending = `active, hobby, ends ${seen.cancel_at?.slice(0, 10)}`
    expect(told).toEqual([changed(person.subscription, 'active, hobby', ending)])
    expect(seen).toMatchObject({ ...OPEN, cancel_at_period_end: atPeriodEnd })
    expect(seen.cancel_at).toBe(seen.current_period_end)
    const { canceled_at } = await stripeOf(person).subscriptions.retrieve(person.subscription)
    expect(canceled_at).not.toBeNull()
    // The clock alone ends it, to the millisecond: Stripe's event may be late.
    const end = ms(seen.cancel_at)
    person.app.setNow(new Date(end - 1))
    expect(await person.look()).toMatchObject(OPEN)
    person.app.setNow(new Date(end))
    expect(await person.look()).toMatchObject({ ...SHUT, status: 'active' })
    await person.pass('period_end')
    expect(await person.hear()).toEqual([changed(person.subscription, ending, 'canceled, hobby')])
    expect(await person.look()).toMatchObject(SHUT)
    expect(await person.audit()).toEqual([
      'none > active hobby',
      'active hobby > active hobby',
      'active hobby > canceled hobby',
    ])
  })

  test('and taken back goes on into the next period', async () => {
    const person = await buyer()
    await schedule(person)
    await person.hear()
    await takeBack(person)
    await person.hear()
    expect(await person.look()).toMatchObject({
      ...OPEN,
      cancel_at: null,
      cancel_at_period_end: false,
    })
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
  })
})

describe('an end at once', () => {
  test('shuts the door, and the next purchase opens it', async () => {
    const person = await buyer('pro')
    await act(person, 'cancel-now')
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, pro', 'canceled, pro'),
    ])
    expect(await person.look()).toMatchObject(SHUT)
    const second = await buyAgain(person)
    expect(await person.hear()).toEqual([`applied: ${second}: new, now active, hobby`])
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'hobby' })
  })

  test('by the customer’s deletion in the dashboard', async () => {
    const person = await buyer()
    await stripeOf(person).customers.del(person.customer)
    await person.hear()
    expect(await person.look()).toMatchObject(SHUT)
    expect(await person.audit()).toEqual(['none > active hobby', 'active hobby > canceled hobby'])
  })

  test('set for a day in the middle of a paid month comes on that day', async () => {
    const person = await buyer()
    const at = Math.floor(Date.now() / 1000) + 10 * 86_400
    await stripeOf(person).subscriptions.update(person.subscription, { cancel_at: at })
    await person.hear()
    person.app.setNow(new Date(at * 1000 - 1))
    expect(await person.look()).toMatchObject(OPEN)
    await person.pass({ days: 10.1 })
    expect(await person.look()).toMatchObject({ access: false, paid: SHUT.paid })
    await person.hear()
    expect(await person.look()).toMatchObject(SHUT)
  })
})

describe('a subscription made in the dashboard', () => {
  test('for a customer of ours opens the door, with no Checkout', async () => {
    const person = await visitor()
    const { stripe } = person.app.deps
    const { id: card } = await stripe.paymentMethods.attach('pm_card_visa', {
      customer: person.customer,
    })
    const { id } = await stripe.subscriptions.create({
      customer: person.customer,
      items: [{ price: stack.prices.research }],
      default_payment_method: card,
    })
    expect(await person.hear()).toEqual([`applied: ${id}: new, now active, research`])
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'research' })
  })
})

describe('collection paused without service (void)', () => {
  test('leaves what was paid, then shuts, and opens when it is resumed', async () => {
    const person = await buyer()
    await act(person, 'pause-collection', { behavior: 'void' })
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
    await person.pass('renewal')
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby', 'active, hobby, without service'),
    ])
    expect(await person.look()).toMatchObject({ ...PAUSED, status: 'active' })
    await act(person, 'unpause-collection')
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby, without service', 'active, hobby'),
    ])
    expect(await person.look()).toMatchObject(OPEN)
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
    expect(await person.audit()).toEqual([
      'none > active hobby',
      'active hobby > active hobby',
      'active hobby > active hobby',
    ])
  })

  test('shuts with the period, though its invoice is still a draft', async () => {
    const person = await buyer()
    await act(person, 'pause-collection', { behavior: 'void' })
    await person.pass('period_end')
    await person.hear()
    expect(await person.look()).toMatchObject({ ...PAUSED, status: 'active' })
  })

  test('stays shut though the plan is changed meanwhile', async () => {
    const person = await buyer()
    await act(person, 'pause-collection', { behavior: 'void' })
    await person.pass('renewal')
    await act(person, 'change-plan', { price: stack.prices.pro })
    await person.hear()
    expect(await person.look()).toMatchObject({ ...PAUSED, tier: 'pro' })
  })

  test('ends by itself on the day that was set', async () => {
    const person = await buyer()
    const resumes_at = Math.floor(Date.now() / 1000) + 40 * 86_400
    await act(person, 'pause-collection', { behavior: 'void', resumes_at })
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject(PAUSED)
    await person.pass({ days: 11 })
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
  })
})

test.each(['keep_as_draft', 'mark_uncollectible'] as const)(
  'collection paused with %s: service goes on',
  async (behavior) => {
    const person = await buyer()
    await act(person, 'pause-collection', { behavior })
    await person.hear()
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
    await act(person, 'unpause-collection')
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
  },
)

test('the status paused shuts at once, and resuming opens with a new window of the quota', async () => {
  const person = await buyer()
  await person.look()
  await act(person, 'pause')
  const told = await deliver(person.app, await person.event('customer.subscription.paused'))
  expect(told.json.reason).toBe(
    changed(person.subscription, 'active, hobby', 'paused, hobby').replace('applied: ', ''),
  )
  expect(await person.look()).toMatchObject({ ...PAUSED, status: 'paused' })
  await person.pass({ days: 5 })
  await act(person, 'unpause')
  await deliver(person.app, await person.event('customer.subscription.resumed'))
  expect(await person.look()).toMatchObject({ ...OPEN, usage: { api_calls: 1 } })
  expect(await person.audit()).toEqual([
    'none > active hobby',
    'active hobby > paused hobby',
    'paused hobby > active hobby',
  ])
})
