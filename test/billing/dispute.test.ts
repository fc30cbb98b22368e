// Disputes that are closed: a lost one ends the subscription that the money was for, any other changes nothing.
import { describe, expect, test } from 'vitest'
import { unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { buyer, type Customer, chargesOf } from '../support/life.ts'
import { control, deliver } from '../support/stripe.ts'

const OPEN = { status: 'active', access: true, paid: 'sold' }
const SHUT = { status: 'canceled', access: false, paid: '402 subscription_required' }

describe('a dispute', () => {
  /** Stripe closes a dispute of the newest charge; gives its event. */
  async function closed(person: Customer, status: string, charge?: { payment_intent: unknown }) {
    const [newest] = await chargesOf(person)
    const { payment_intent } = charge ?? newest ?? {}
    const id = `du_${unique().replaceAll('-', '')}`
    const dispute = { id, object: 'dispute', status, payment_intent, charge: newest?.id }
    await inject('stripe', {
      match: { method: 'GET', path: `/v1/disputes/${id}` },
      fault: { kind: 'status', status: 200, body: JSON.stringify(dispute) },
    })
    return {
      id: `evt_${unique().replaceAll('-', '')}`,
      object: 'event',
      type: 'charge.dispute.closed',
      api_version: '2026-10-28.endive',
      created: 1,
      // Whatever the event claims: the dispute is read.
      data: { object: { ...dispute, status: 'lost' } },
    }
  }

  test('that is lost ends the subscription, with the reason where a person sees it', async () => {
    const person = await buyer('pro')
    const event = await closed(person, 'lost')
    expect((await deliver(person.app, event)).json).toMatchObject({
      outcome: 'applied',
      reason: `dispute ${event.data.object.id} was lost: ${person.subscription}: was active, pro, now canceled, pro`,
    })
    expect(await person.look()).toMatchObject(SHUT)
    const { cancellation_details } = await person.app.deps.stripe.subscriptions.retrieve(
      person.subscription,
    )
    expect(cancellation_details?.comment).toBe(`Tollgate: dispute ${event.data.object.id} was lost`)
  })

  test.each(['won', 'warning_closed', 'prevented'])(
    'that ends %s changes nothing',
    async (status) => {
      const person = await buyer()
      const { json } = await deliver(person.app, await closed(person, status))
      expect(json).toMatchObject({ outcome: 'ignored', reason: `the dispute is ${status}` })
      expect(await person.look()).toMatchObject(OPEN)
    },
  )

  test.each([
    ['a one-off charge', { payment_intent: 'pi_of_no_invoice' }],
    ['a charge from before payment intents', { payment_intent: null }],
  ])('of %s changes nothing', async (_, charge) => {
    const person = await buyer()
    const { json } = await deliver(person.app, await closed(person, 'lost', charge))
    expect(json).toMatchObject({
      outcome: 'ignored',
      reason: 'the payment was for no subscription',
    })
    expect(await person.look()).toMatchObject(OPEN)
  })
})

describe('a dispute at Stripe', () => {
  const open = async (person: Customer) => {
    const [charge] = await chargesOf(person)
    const { dispute } = await control<{ dispute: { id: string } }>(
      'POST',
      `/charges/${charge?.id}/dispute`,
    )
    await person.hear()
    return dispute.id
  }

  test('that is lost shuts the door, after being open did not', async () => {
    const person = await buyer()
    const id = await open(person)
    expect(await person.look()).toMatchObject(OPEN)
    await control('POST', `/disputes/${id}/lose`)
    expect(await person.hear()).toContainEqual(expect.stringContaining(`dispute ${id} was lost`))
    expect(await person.look()).toMatchObject(SHUT)
    expect(await person.audit()).toEqual(['none > active hobby', 'active hobby > canceled hobby'])
  })

  test('that is lost months later ends the subscription all the same', async () => {
    const person = await buyer()
    const id = await open(person)
    await person.pass('renewal')
    await person.hear()
    await control('POST', `/disputes/${id}/lose`)
    await person.hear()
    expect(await person.look()).toMatchObject(SHUT)
  })

  test('that is won leaves it open', async () => {
    const person = await buyer()
    const id = await open(person)
    await control('POST', `/disputes/${id}/win`)
    await person.hear()
    expect(await person.look()).toMatchObject(OPEN)
  })
})
