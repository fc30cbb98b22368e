// Money that went back: what of it ends a subscription, at Stripe and here, and what does not.
import { describe, expect, test } from 'vitest'
import { unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { buyAgain, buyer, type Customer, chargesOf, visitor } from '../support/life.ts'
import { control, deliver, type EventJson, stack, writeOf } from '../support/stripe.ts'

const OPEN = { status: 'active', access: true, paid: 'sold' }
const SHUT = { status: 'canceled', access: false, paid: '402 subscription_required' }

const stripeOf = ({ app }: Customer) => app.deps.stripe

/** Gives back the newest charge, or `amount` of it. */
async function refund(person: Customer, amount?: number): Promise<string> {
  const [charge] = await chargesOf(person)
  if (!charge) throw new Error('nothing was charged')
  await stripeOf(person).refunds.create({ charge: charge.id, ...(amount && { amount }) })
  return charge.id
}

const statusAtStripe = async (person: Customer, id = person.subscription) =>
  (await stripeOf(person).subscriptions.retrieve(id)).status

/** The same event under another id, as one more refund of the same charge has it. */
const afresh = (event: EventJson) => ({ ...event, id: `evt_${unique().replaceAll('-', '')}` })

describe('a full refund of the running period', () => {
  test('ends the subscription at Stripe and shuts the door, with one event', async () => {
    const person = await buyer()
    const charge = await refund(person)
    const { json } = await deliver(person.app, await person.event('charge.refunded'))
    expect(json).toEqual({
      received: true,
      outcome: 'applied',
      reason: `charge ${charge} was refunded in full: ${person.subscription}: was active, hobby, now canceled, hobby`,
    })
    expect(await person.look()).toMatchObject(SHUT)
    expect(await statusAtStripe(person)).toBe('canceled')
    // The money was given back already: nothing of the period is credited.
    const { data: items } = await stripeOf(person).invoiceItems.list({ customer: person.customer })
    expect(items).toEqual([])
    expect(await person.audit()).toEqual(['none > active hobby', 'active hobby > canceled hobby'])
    expect(person.app.logs).toContainEqual({
      event: 'subscription_ended_after_reversal',
      fields: { subscription: person.subscription, why: `charge ${charge} was refunded in full` },
    })
    // What Stripe tells of the end itself changes nothing more.
    expect(await person.hear()).toEqual(['duplicate: this event was dealt with before'])
  })

  test('in two parts is one when the second comes', async () => {
    const person = await buyer()
    await refund(person, 1_900)
    expect(await person.hear()).toEqual(['ignored: the charge is refunded in part only'])
    expect(await person.look()).toMatchObject(OPEN)
    await refund(person, 1_000)
    await person.hear()
    expect(await person.look()).toMatchObject(SHUT)
  })

  test('of both payments of the period ends it; of one of them does not', async () => {
    const person = await buyer()
    await control('POST', `/subscriptions/${person.subscription}/change-plan`, {
      price: stack.prices.pro,
    })
    await person.hear()
    const [upgrade, first] = await chargesOf(person)
    await stripeOf(person).refunds.create({ charge: String(upgrade?.id) })
    expect(await person.hear()).toEqual(['ignored: another payment of the running period stands'])
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'pro' })
    await stripeOf(person).refunds.create({ charge: String(first?.id) })
    await person.hear()
    expect(await person.look()).toMatchObject(SHUT)
  })

  test('ends nothing that was bought since, however late or often it is told', async () => {
    const person = await buyer()
    await refund(person)
    const event = await person.event('charge.refunded')
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.hear()
    const second = await buyAgain(person, 'research')
    await person.hear()
    expect((await deliver(person.app, event)).json.outcome).toBe('duplicate')
    expect((await deliver(person.app, afresh(event))).json.outcome).toBe('applied')
    expect(person.app.logs.map(({ event: name }) => name)).not.toContain(
      'subscription_ended_after_reversal',
    )
    expect(await person.look()).toMatchObject({ ...OPEN, tier: 'research' })
    expect(await statusAtStripe(person, second)).toBe('active')
  })

  test('told twice at once cancels once and answers both', async () => {
    const person = await buyer()
    await refund(person)
    const event = await person.event('charge.refunded')
    const both = await Promise.all([deliver(person.app, event), deliver(person.app, afresh(event))])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect(await person.look()).toMatchObject(SHUT)
  })

  test('after which the Worker died, before it had stored the end, is finished by the next delivery', async () => {
    const person = await buyer()
    await refund(person)
    const event = await person.event('charge.refunded')
    const fault = await inject('postgres', {
      match: { bodyIncludes: writeOf(person.subscription).replace('active', 'canceled') },
      fault: { kind: 'status', status: 500, body: 'boom', contentType: 'text/plain' },
    })
    expect((await deliver(person.app, event)).status).toBeGreaterThanOrEqual(500)
    await fault.remove()
    expect(await statusAtStripe(person)).toBe('canceled')
    expect(await person.look()).toMatchObject(OPEN)
    expect((await deliver(person.app, event)).json.outcome).toBe('applied')
    expect(await person.look()).toMatchObject(SHUT)
    expect(await person.audit()).toEqual(['none > active hobby', 'active hobby > canceled hobby'])
  })
})

describe('a refund changes nothing', () => {
  test('in part', async () => {
    const person = await buyer()
    await refund(person, 2_899)
    expect(await person.hear()).toEqual(['ignored: the charge is refunded in part only'])
    expect(await person.look()).toMatchObject(OPEN)
    expect(await statusAtStripe(person)).toBe('active')
  })

  test('of an earlier period', async () => {
    const person = await buyer()
    await person.pass('renewal')
    await person.hear()
    const [, first] = await chargesOf(person)
    await stripeOf(person).refunds.create({ charge: String(first?.id) })
    expect(await person.hear()).toEqual(['ignored: the refund is of an earlier period'])
    expect(await person.look()).toMatchObject(OPEN)
  })

  test('of another product’s subscription, which goes on too', async () => {
    const person = await buyer()
    const { stripe } = person.app.deps
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
      product_data: { name: 'A mug a month' },
    })
    const ours = await stripe.subscriptions.retrieve(person.subscription)
    const mug = await stripe.subscriptions.create({
      customer: person.customer,
      items: [{ price: price.id }],
      default_payment_method: String(ours.default_payment_method),
    })
    await person.hear()
    await refund(person)
    expect(await person.hear()).toEqual([`ignored: price ${price.id} is not ours`])
    expect(await person.look()).toMatchObject(OPEN)
    expect([await statusAtStripe(person), await statusAtStripe(person, mug.id)]).toEqual([
      'active',
      'active',
    ])
  })

  test('where the seller decides by hand (PAYMENT_REVERSAL_POLICY=keep)', async () => {
    const person = await buyer('hobby', { vars: { PAYMENT_REVERSAL_POLICY: 'keep' } })
    await refund(person)
    expect(await person.hear()).toEqual(['ignored: PAYMENT_REVERSAL_POLICY is keep'])
    expect(await person.look()).toMatchObject(OPEN)
    expect(await statusAtStripe(person)).toBe('active')
  })

  test.each([
    ['a one-off charge', 'pi_of_no_invoice'],
    ['a charge without a payment intent', null],
  ])('of %s', async (_, payment_intent) => {
    const person = await buyer()
    await refund(person)
    const event = await person.event('charge.refunded')
    const { object } = event.data
    await inject('stripe', {
      match: { method: 'GET', path: `/v1/charges/${object.id}` },
      fault: { kind: 'status', status: 200, body: JSON.stringify({ ...object, payment_intent }) },
    })
    expect((await deliver(person.app, event)).json).toMatchObject({
      outcome: 'ignored',
      reason: 'the payment was for no subscription',
    })
    expect(await person.look()).toMatchObject(OPEN)
  })

  test.each([
    ['charge.refunded', 'ch_nobodys', 'charge_missing_at_stripe'],
    ['charge.dispute.closed', 'du_nobodys', 'dispute_missing_at_stripe'],
  ])(
    '(%s) of %s, which Stripe does not have: acknowledged, and the operator told',
    async (type, id, log) => {
      const person = await visitor()
      const event = {
        id: `evt_${unique().replaceAll('-', '')}`,
        object: 'event',
        type,
        api_version: '2026-10-28.endive',
        created: 1,
        data: { object: { id } },
      }
      const error = { type: 'invalid_request_error', code: 'resource_missing', param: 'id' }
      for (const path of [`/v1/charges/${id}`, `/v1/disputes/${id}`]) {
        await inject('stripe', {
          match: { path },
          fault: { kind: 'status', status: 404, body: JSON.stringify({ error }) },
        })
      }
      const { status, json } = await deliver(person.app, event)
      expect([status, json.outcome]).toEqual([200, 'ignored'])
      expect(person.app.logs.map(({ event: name }) => name)).toContain(log)
    },
  )
})

test('a subscription that was paid back can be bought again at once', async () => {
  const person = await buyer()
  await refund(person)
  await person.hear()
  const second = await buyAgain(person)
  expect(await person.hear()).toEqual([`applied: ${second}: new, now active, hobby`])
  expect(await person.look()).toMatchObject(OPEN)
})
