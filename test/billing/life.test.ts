// The first half of a subscription's life, as its customer notices it: trial, first payment, renewal. The events come
// newest first and twice each (support/life.ts).
import { describe, expect, test } from 'vitest'
import { buyAgain, buyer, type Customer, changed, smallCall, visitor } from '../support/life.ts'
import { control, deliver, stack } from '../support/stripe.ts'
import { setUsage } from '../support/usage.ts'

const OPEN = { access: true, paid: 'sold' }
const UNPAID = { access: false, paid: '402 subscription_required' }
const DAY_MS = 86_400_000
const iso = (seconds: number | null | undefined) => new Date((seconds ?? 0) * 1000).toISOString()

/** A subscription made in the dashboard. */
function byHand(
  { app, customer }: Customer,
  params: { payment_behavior?: 'default_incomplete' | 'allow_incomplete' } & {
    trial_period_days?: number
    trial_settings?: {
      end_behavior: { missing_payment_method: 'cancel' | 'create_invoice' | 'pause' }
    }
  },
) {
  return app.deps.stripe.subscriptions.create({
    customer,
    items: [{ price: stack.prices.hobby }],
    ...params,
  })
}

/** Gives a customer the card that Stripe charges from now on. */
async function putCard({ app, customer }: Customer, card: string): Promise<string> {
  const { stripe } = app.deps
  const { id } = await stripe.paymentMethods.attach(card, { customer })
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } })
  return id
}

describe('a trial', () => {
  const vars = { TRIAL_DAYS: '14' }

  test('lets in, shows its end, and goes over into the first paid month', async () => {
    const person = await buyer('research', { vars })
    const { trial_end } = await person.app.deps.stripe.subscriptions.retrieve(person.subscription)
    expect(await person.look()).toMatchObject({
      ...OPEN,
      status: 'trialing',
      tier: 'research',
      trial_end: iso(trial_end),
      current_period_end: iso(trial_end),
    })
    await person.pass('renewal')
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'trialing, research', 'active, research'),
    ])
    expect(await person.look()).toMatchObject({
      ...OPEN,
      status: 'active',
      current_period_start: iso(trial_end),
      usage: { api_calls: 1, period_start: iso(trial_end) },
    })
    expect(await person.audit()).toEqual([
      'none > trialing research',
      'trialing research > active research',
    ])
  })

  test('ends with a card that is refused: grace, as after any payment that failed', async () => {
    const person = await buyer('hobby', { vars, card: '4000000000000341' })
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject({
      ...OPEN,
      status: 'past_due',
      grace_until: expect.any(String),
    })
  })

  test.each([
    ['cancel', 'canceled', UNPAID],
    ['pause', 'paused', { access: false, paid: '402 subscription_paused' }],
    ['create_invoice', 'past_due', OPEN],
  ] as const)(
    'without a card, set to %s, ends %s',
    async (missing_payment_method, status, seen) => {
      const person = await visitor()
      const { id } = await byHand(person, {
        trial_period_days: 7,
        trial_settings: { end_behavior: { missing_payment_method } },
      })
      await person.hear()
      expect(await person.look()).toMatchObject({ ...OPEN, status: 'trialing' })
      await person.pass({ days: 7.1 })
      const [told, ...more] = await person.hear()
      expect(told).toContain(changed(id, 'trialing, hobby', `${status}, hobby`))
      expect(more).toEqual([])
      expect(await person.look()).toMatchObject({ ...seen, status })
    },
  )

  test('that was resumed with a card after its end goes on as paid', async () => {
    const person = await visitor()
    const { id } = await byHand(person, {
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    })
    await person.pass({ days: 8 })
    await person.hear()
    await putCard(person, 'pm_card_visa')
    await control('POST', `/subscriptions/${id}/unpause`)
    expect(await person.hear()).toEqual([changed(id, 'paused, hobby', 'active, hobby')])
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
  })

  test('is over for good: who comes back pays at once', async () => {
    const person = await buyer('hobby', { vars })
    await person.pass('renewal')
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.hear()
    expect(await person.look()).toMatchObject({ ...UNPAID, status: 'canceled' })
    const second = await buyAgain(person)
    expect(await person.hear()).toEqual([`applied: ${second}: new, now active, hobby`])
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
  })
})

describe('a first payment', () => {
  test('that never comes: closed while incomplete, and after it has expired', async () => {
    const person = await visitor()
    const { id } = await byHand(person, { payment_behavior: 'default_incomplete' })
    expect(await person.hear()).toEqual([`applied: ${id}: new, now incomplete, hobby`])
    expect(await person.look()).toMatchObject({ ...UNPAID, status: 'incomplete', tier: 'hobby' })
    await person.pass({ days: 1 })
    expect(await person.hear()).toEqual([
      changed(id, 'incomplete, hobby', 'incomplete_expired, hobby'),
    ])
    expect(await person.look()).toMatchObject({ ...UNPAID, status: 'incomplete_expired' })
    const second = await buyAgain(person)
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
    expect(second).not.toBe(id)
  })

  test.each([
    ['is refused', 'pm_card_chargeCustomerFail'],
    ['needs authentication', 'pm_card_authenticationRequired'],
  ])('that %s leaves the door closed until another card pays', async (_, card) => {
    const person = await visitor()
    await putCard(person, card)
    const { id, latest_invoice } = await byHand(person, { payment_behavior: 'allow_incomplete' })
    await person.hear()
    expect(await person.look()).toMatchObject({ ...UNPAID, status: 'incomplete' })
    const payment_method = await putCard(person, 'pm_card_visa')
    await person.app.deps.stripe.invoices.pay(String(latest_invoice), { payment_method })
    expect(await person.hear()).toEqual([changed(id, 'incomplete, hobby', 'active, hobby')])
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
    expect(await person.audit()).toEqual([
      'none > incomplete hobby',
      'incomplete hobby > active hobby',
    ])
  })

  test('opens the door at the next call, though that was just refused', async () => {
    const person = await visitor()
    expect(await person.look()).toMatchObject({ ...UNPAID, status: 'none' })
    const id = await buyAgain(person, 'pro')
    await deliver(person.app, await person.event('customer.subscription.created'))
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active', tier: 'pro' })
    expect(await person.audit()).toEqual(['none > active pro'])
    expect(id).toMatch(/^sub_/)
  })
})

describe('a renewal', () => {
  test('opens a new window of the quota, for somebody who had used theirs up', async () => {
    const person = await buyer()
    await setUsage(person.app, person, 1_000)
    expect((await smallCall(person.app, person)).json.code).toBe('quota_exceeded')
    const before = await person.look()
    await person.pass('renewal')
    await person.hear()
    const after = await person.look()
    expect(after).toMatchObject({ ...OPEN, status: 'active' })
    expect(after.current_period_start).toBe(before.current_period_end)
    expect(after.usage).toMatchObject({
      api_calls: 1,
      api_calls_quota: 1_000,
      period_start: before.current_period_end,
      period_end: after.current_period_end,
    })
    const { json } = await person.app.call('GET', '/billing/usage', { key: person.key })
    expect(json.history[0]).toMatchObject({ api_calls: 1_000 })
  })

  test('whose events are late shuts nobody out: nothing says that it was not paid', async () => {
    const person = await buyer()
    const { current_period_end } = await person.look()
    person.app.setNow(new Date(new Date(String(current_period_end)).getTime() + 2 * DAY_MS))
    expect(await person.look()).toMatchObject({ ...OPEN, status: 'active' })
  })

  test('month after month asks for nothing but its events', async () => {
    const person = await buyer()
    for (let month = 0; month < 3; month += 1) {
      await person.pass('renewal')
      await person.hear()
      expect(await person.look()).toMatchObject({ ...OPEN, usage: { api_calls: 1 } })
    }
    expect(await person.audit()).toEqual(['none > active hobby'])
  })
})
