// Plans that change and subscriptions that stand beside each other, as their customer notices it.
import { describe, expect, test } from 'vitest'
import { buyer, type Customer, changed, smallCall } from '../support/life.ts'
import { control, stack } from '../support/stripe.ts'
import { setUsage } from '../support/usage.ts'

const OPEN = { status: 'active', access: true, paid: 'sold' }

const changePlan = (subscription: string, price: string) =>
  control('POST', `/subscriptions/${subscription}/change-plan`, { price })

const cancelNow = (subscription: string) =>
  control('POST', `/subscriptions/${subscription}/cancel-now`)

/** One more subscription of the same customer, made in the dashboard; gives its id. */
async function oneMore(person: Customer, price: string): Promise<string> {
  const { stripe } = person.app.deps
  const { default_payment_method } = await stripe.subscriptions.retrieve(person.subscription)
  const { id } = await stripe.subscriptions.create({
    customer: person.customer,
    items: [{ price }],
    default_payment_method: String(default_payment_method),
  })
  return id
}

const reported = ({ app, id }: Customer) =>
  app.logs
    .filter(({ event, fields }) => event === 'duplicate_subscription' && fields.user_id === id)
    .map(({ fields }) => String(fields.subscriptions).split(' '))

describe('another plan, chosen in the portal', () => {
  test('larger: more at once, and what was used is used', async () => {
    const person = await buyer()
    await setUsage(person.app, person, 1_000, 700)
    expect((await smallCall(person.app, person)).json.code).toBe('quota_exceeded')
    const before = await person.look()
    await changePlan(person.subscription, stack.prices.research)
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby', 'active, research'),
    ])
    const after = await person.look()
    expect(after).toMatchObject({
      ...OPEN,
      tier: 'research',
      usage: {
        api_calls: 1_001,
        api_calls_quota: 10_000,
        reactions_quota: 100_000,
        period_end: before.usage.period_end,
      },
    })
    expect(after.usage.reactions).toBeGreaterThanOrEqual(700)
    expect(await person.audit()).toEqual(['none > active hobby', 'active hobby > active research'])
  })

  test('smaller: less at once, for somebody who has used more than that', async () => {
    const person = await buyer('research')
    await setUsage(person.app, person, 4_000)
    expect(await person.look()).toMatchObject(OPEN)
    await changePlan(person.subscription, stack.prices.hobby)
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, research', 'active, hobby'),
    ])
    const { status, json } = await smallCall(person.app, person)
    expect([status, json.code, json.quota]).toEqual([429, 'quota_exceeded', 1_000])
    expect(await person.look()).toMatchObject({
      access: true,
      tier: 'hobby',
      usage: { api_calls: 4_001, api_calls_quota: 1_000 },
    })
    await changePlan(person.subscription, stack.prices.pro)
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, usage: { api_calls: 4_002 } })
  })

  test('up and down before any of it was told: where it ended counts', async () => {
    const person = await buyer()
    await changePlan(person.subscription, stack.prices.pro)
    await changePlan(person.subscription, stack.prices.research)
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby', 'active, research'),
    ])
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'research' })
  })

  test('added in the dashboard beside the old one: the better of the two counts', async () => {
    const person = await buyer()
    const { stripe } = person.app.deps
    const { items } = await stripe.subscriptions.retrieve(person.subscription)
    const old = String(items.data[0]?.id)
    await stripe.subscriptions.update(person.subscription, { items: [{ price: stack.prices.pro }] })
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'pro' })
    await stripe.subscriptions.update(person.subscription, { items: [{ id: old, deleted: true }] })
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'pro' })
  })
})

describe('two subscriptions at once', () => {
  test('the better one counts, and the answer to Stripe says that one is too many', async () => {
    const person = await buyer()
    const pro = await oneMore(person, stack.prices.pro)
    const [told] = await person.hear()
    expect(told).toMatch(
      /^applied: sub_\w+: new, now active, pro; the account pays more than once, cancel and refund all but one of sub_\w+ sub_\w+$/,
    )
    for (const id of [pro, person.subscription]) expect(told).toContain(id)
    expect(new Set(reported(person)[0])).toEqual(new Set([pro, person.subscription]))
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'pro' })
  })

  test('access is never lost when the lesser ends, nor the plan', async () => {
    const person = await buyer()
    const pro = await oneMore(person, stack.prices.pro)
    await person.hear()
    await cancelNow(person.subscription)
    expect(await person.hear()).toEqual([
      changed(person.subscription, 'active, hobby', 'canceled, hobby'),
    ])
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'pro' })
    const before = reported(person).length
    await cancelNow(pro)
    await person.hear()
    expect(await person.look()).toMatchObject({ status: 'canceled', access: false })
    expect(reported(person)).toHaveLength(before)
  })

  test('the lesser takes over when the better ends', async () => {
    const person = await buyer()
    const pro = await oneMore(person, stack.prices.pro)
    await person.hear()
    expect(await person.look()).toMatchObject({ tier: 'pro' })
    await cancelNow(pro)
    await person.hear()
    expect(await person.look()).toMatchObject({
      ...OPEN,
      tier: 'hobby',
      usage: { api_calls_quota: 1_000 },
    })
  })

  test('the one in good standing counts before one that owes, in its grace and after', async () => {
    const person = await buyer('hobby')
    const pro = await oneMore(person, stack.prices.pro)
    await control('POST', `/customers/${person.customer}/advance`, { to: { days: 20 } })
    const { stripe } = person.app.deps
    const { id: card } = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
      customer: person.customer,
    })
    await stripe.subscriptions.update(pro, { default_payment_method: card })
    await person.pass('renewal')
    await person.hear()
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'hobby' })
    await person.pass({ days: 3 })
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'hobby' })
  })
})
