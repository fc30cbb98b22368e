// When Stripe says no, says it is busy, or is away for a moment: what the caller hears of it.
import { describe, expect, test } from 'vitest'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const home = 'https://app.example.com/'

const REFUSALS = [
  ['too many requests', 429, { type: 'invalid_request_error', code: 'rate_limit' }],
  ['a key without the permission', 403, { type: 'invalid_request_error' }],
  ['parameters that it refuses', 400, { type: 'invalid_request_error', param: 'line_items' }],
] as const

describe.each(REFUSALS)('%s (%i) at Stripe', (_, status, error) => {
  const fault = { kind: 'status', status, body: JSON.stringify({ error }) } as const

  test('is 502 to somebody who wants to buy', async () => {
    const person = await signUp(app)
    await inject('stripe', {
      match: { method: 'POST', path: '/v1/checkout/sessions', bodyIncludes: person.id },
      fault,
    })
    const body = { tier: 'hobby', success_url: home, cancel_url: home }
    const answer = await call('POST', '/billing/checkout/session', { token: person.token, body })
    expect([answer.status, answer.json.code]).toEqual([502, 'stripe_unavailable'])
  })

  test('is 502 to somebody who wants to the portal', async () => {
    const person = await subscribe(app, await signUp(app))
    await inject('stripe', {
      match: { path: '/v1/billing_portal/sessions', bodyIncludes: person.customer },
      fault,
    })
    const body = { return_url: home }
    const answer = await call('POST', '/billing/portal', { token: person.token, body })
    expect([answer.status, answer.json.code]).toEqual([502, 'stripe_unavailable'])
  })
})

test('a portal that Stripe cannot open for another reason does not deny the customer', async () => {
  const person = await subscribe(app, await signUp(app))
  const error = {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'configuration',
    message: 'No such configuration',
  }
  await inject('stripe', {
    match: { path: '/v1/billing_portal/sessions', bodyIncludes: person.customer },
    fault: { kind: 'status', status: 400, body: JSON.stringify({ error }) },
  })
  const body = { return_url: home }
  const answer = await call('POST', '/billing/portal', { token: person.token, body })
  expect([answer.status, answer.json.code]).toEqual([502, 'stripe_unavailable'])
})

test('prices outlast a Stripe that is away for five minutes, not for longer', async () => {
  const { id } = await deps.stripe.prices.create({
    currency: 'usd',
    unit_amount: 4_321,
    recurring: { interval: 'month' },
    product_data: { name: 'Hobby' },
  })
  const own = testApp({ STRIPE_PRICE_ID_HOBBY: id })
  const start = Date.now()
  own.setNow(new Date(start))
  const first = await own.call('GET', '/billing/plans')
  expect(first.json.plans[0].price.amount).toBe(4_321)
  await inject('stripe', {
    match: { path: `/v1/prices/${id}` },
    fault: { kind: 'status', status: 503, body: '{"error":{"type":"api_error"}}' },
  })
  own.setNow(new Date(start + 5 * 60_000 - 1))
  expect((await own.call('GET', '/billing/plans')).json).toEqual(first.json)
  own.setNow(new Date(start + 5 * 60_000))
  expect((await own.call('GET', '/billing/plans')).json.code).toBe('stripe_unavailable')
})
