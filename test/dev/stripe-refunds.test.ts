// Refunds: in full and in part, by charge or payment intent, and what a charge shows of them.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buy,
  clientOf,
  newPrice,
  refusal,
  type ServedApi,
  startApi,
  typesOf,
} from './stripe-api-client.ts'

let api: ServedApi
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.close())

async function paidCharge(): Promise<Stripe.Charge> {
  const { customer } = await buy(api, (await newPrice(api.stripe)).id)
  const [charge] = (await api.stripe.charges.list({ customer: customer.id })).data
  api.events.length = 0
  if (!charge) throw new Error('Nothing was charged')
  return charge
}

test('a refund in parts: each part is an event, and the last one makes the charge refunded', async () => {
  const { stripe } = api
  const charge = await paidCharge()
  await stripe.refunds.create({ charge: charge.id, amount: 900 })
  const part = api.events.find(({ type }) => type === 'charge.refunded')
  expect(typesOf(api.events)).toEqual(['refund.created', 'charge.refunded'])
  expect(part?.data).toMatchObject({
    object: { id: charge.id, amount_refunded: 900, refunded: false },
    previous_attributes: { amount_refunded: 0 },
  })
  expect(part?.data.previous_attributes).not.toHaveProperty('refunded')

  api.events.length = 0
  await stripe.refunds.create({ payment_intent: String(charge.payment_intent) })
  expect(api.events.find(({ type }) => type === 'charge.refunded')?.data).toMatchObject({
    object: { amount_refunded: 2900, refunded: true },
    previous_attributes: { amount_refunded: 900, refunded: false },
  })
  expect(await refusal(stripe.refunds.create({ charge: charge.id }))).toMatchObject({
    code: 'charge_already_refunded',
  })
})

test('a charge lists its refunds only when they are asked for, newest first', async () => {
  const { stripe } = api
  const { id } = await paidCharge()
  const first = await stripe.refunds.create({ charge: id, amount: 100 })
  const second = await stripe.refunds.create({ charge: id, amount: 200 })
  for (const event of api.events) expect(event.data.object).not.toHaveProperty('refunds')
  expect(await stripe.charges.retrieve(id)).not.toHaveProperty('refunds')
  const { refunds } = await stripe.charges.retrieve(id, { expand: ['refunds'] })
  expect(refunds).toMatchObject({ object: 'list', url: `/v1/charges/${id}/refunds` })
  expect(refunds?.data.map((refund) => refund.id)).toEqual([second.id, first.id])
  const listed = await stripe.charges.list({ expand: ['data.refunds'] })
  expect(listed.data[0]?.refunds?.data).toHaveLength(2)
})

test('before 2022-11-15 a charge always lists them', async () => {
  const { id } = await paidCharge()
  const refund = await api.stripe.refunds.create({ charge: id })
  const version = (apiVersion: string) => clientOf(api, { apiVersion } as object)
  expect(await version('2022-08-01').charges.retrieve(id)).toMatchObject({
    refunds: { data: [{ id: refund.id }] },
  })
  expect(await version('2022-11-15').charges.retrieve(id)).not.toHaveProperty('refunds')
})

test('a refund’s metadata can be changed, which says so under both of its names', async () => {
  const { stripe } = api
  const { id } = await paidCharge()
  const refund = await stripe.refunds.create({ charge: id })
  api.events.length = 0
  const changed = await stripe.refunds.update(refund.id, { metadata: { ticket: '42' } })
  expect(changed.metadata).toEqual({ ticket: '42' })
  expect(typesOf(api.events)).toEqual(['refund.updated', 'charge.refund.updated'])
})
