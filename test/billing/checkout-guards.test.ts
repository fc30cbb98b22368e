// What keeps Checkout from selling twice, giving a trial twice or losing a customer, when calls and payments overlap.
import { describe, expect, test } from 'vitest'
import { type Person, signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { checkout, control, pay, stack, subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const { stripe } = deps
const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }

/** Starts a Checkout; gives the session as Stripe has it. */
async function opened(person: Person, tier = 'hobby', through = app) {
  const { status, json, text } = await checkout(through, person, tier)
  if (status !== 200) throw new Error(`checkout answered ${status}: ${text}`)
  return stripe.checkout.sessions.retrieve(json.session_id)
}

async function openAtStripe(customer: unknown): Promise<string[]> {
  const { data } = await stripe.checkout.sessions.list({
    customer: String(customer),
    status: 'open',
  })
  return data.map(({ id }) => id)
}

const yearly = (name: string) =>
  stripe.prices.create({
    currency: 'usd',
    unit_amount: 4_321,
    recurring: { interval: 'year' },
    product_data: { name },
  })

describe('of several sessions', () => {
  test('one that is paid while another plan is asked for counts: nothing more is for sale', async () => {
    const person = await signUp(app)
    const hobby = await opened(person)
    const held = await inject('stripe', {
      match: { method: 'POST', path: `/v1/checkout/sessions/${hobby.id}/expire` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const asked = checkout(app, person, 'pro')
    await held.hit()
    await pay(hobby.id)
    await held.release()
    expect((await asked).json.code).toBe('already_subscribed')
    expect(await openAtStripe(hobby.customer)).toEqual([])
  })

  test.each([
    [503, { type: 'api_error' }],
    [400, { type: 'invalid_request_error', message: 'This session is locked.' }],
  ])('none is handed out while an older one cannot be closed (%i)', async (status, error) => {
    const person = await signUp(app)
    const hobby = await opened(person)
    const fault = await inject('stripe', {
      match: { method: 'POST', path: `/v1/checkout/sessions/${hobby.id}/expire` },
      fault: { kind: 'status', status, body: JSON.stringify({ error }) },
    })
    const refused = await checkout(app, person, 'pro')
    expect([refused.status, refused.json.code]).toEqual([502, 'stripe_unavailable'])
    await fault.remove()
    const pro = await opened(person, 'pro')
    expect(await openAtStripe(hobby.customer)).toEqual([pro.id])
  })

  test('one stays open, even of two that are the same', async () => {
    const person = await signUp(app)
    const first = await opened(person)
    await stripe.checkout.sessions.create({
      mode: 'subscription',
      customer: String(first.customer),
      client_reference_id: person.id,
      line_items: [{ price: stack.prices.hobby, quantity: 1 }],
      metadata: first.metadata ?? {},
      ...urls,
    })
    const again = await opened(person)
    expect(await openAtStripe(first.customer)).toEqual([again.id])
  })

  test('one that would lead back elsewhere on cancelling is replaced', async () => {
    const person = await signUp(app)
    const first = await opened(person)
    const cancel_url = 'https://app.example.com/elsewhere'
    const { json } = await call('POST', '/billing/checkout/session', {
      token: person.token,
      body: { tier: 'hobby', ...urls, cancel_url },
    })
    const second = await stripe.checkout.sessions.retrieve(json.session_id)
    expect(second.cancel_url).toBe(cancel_url)
    expect(await openAtStripe(first.customer)).toEqual([second.id])
  })

  test('one with a price that is sold no more is replaced', async () => {
    const person = await signUp(app)
    const first = await opened(person)
    const { id: price } = await yearly('Hobby, dearer')
    const dearer = testApp({ STRIPE_PRICE_ID_HOBBY: `${price},${stack.prices.hobby}` })
    const second = await opened(person, 'hobby', dearer)
    expect(second.amount_total).toBe(4_321)
    expect(await openAtStripe(first.customer)).toEqual([second.id])
  })
})

describe('a trial is not given', () => {
  const trials = testApp({ TRIAL_DAYS: '14' })

  test('to somebody whose first subscription came and went before its events arrived', async () => {
    const first = await subscribe(trials, await signUp(trials), 'hobby', { deliverEvents: false })
    expect((await stripe.subscriptions.retrieve(first.subscription)).status).toBe('trialing')
    await control('POST', `/subscriptions/${first.subscription}/cancel-now`)
    const second = await subscribe(trials, first)
    expect((await stripe.subscriptions.retrieve(second.subscription)).status).toBe('active')
  })

  test('to somebody whose customer at Stripe was deleted with the first one', async () => {
    const first = await subscribe(trials, await signUp(trials))
    await stripe.customers.del(first.customer)
    await first.sync()
    const second = await subscribe(trials, first)
    expect(second.customer).not.toBe(first.customer)
    expect((await stripe.subscriptions.retrieve(second.subscription)).status).toBe('active')
  })

  test('to somebody whose customer was deleted at Stripe before its events arrived, nor at the next try', async () => {
    const first = await subscribe(trials, await signUp(trials), 'hobby', { deliverEvents: false })
    await stripe.customers.del(first.customer)
    await checkout(trials, first, 'research')
    const second = await subscribe(trials, first)
    expect((await stripe.subscriptions.retrieve(second.subscription)).status).toBe('active')
    const { json } = await trials.call('GET', '/billing/subscription', { key: first.key })
    expect(json).toMatchObject({ status: 'active', access: true })
  })
})

test('a subscription to another product of the seller is no reason to refuse', async () => {
  const person = await signUp(app)
  const customer = String((await opened(person)).customer)
  const { id: card } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  const { id: price } = await yearly('A mug a year')
  const mug = await stripe.subscriptions.create({
    customer,
    items: [{ price }],
    default_payment_method: card,
  })
  expect(mug.status).toBe('active')
  expect((await checkout(app, person, 'pro')).status).toBe(200)
})

test('Stripe’s dashboard shows on session and subscription whose they are and of which plan', async () => {
  const person = await subscribe(app, await signUp(app), 'research')
  const owner = { user_id: person.id, tier: 'research' }
  const { metadata } = await stripe.subscriptions.retrieve(person.subscription)
  expect(metadata).toMatchObject(owner)
  const { data } = await stripe.checkout.sessions.list({ customer: person.customer })
  expect(data.map((session) => session.metadata)).toEqual([expect.objectContaining(owner)])
})

describe('one customer an account', () => {
  const customersOf = async ({ email }: Person) =>
    (await stripe.customers.list({ email })).data.map(({ id }) => id)

  test.each([
    [429, { type: 'invalid_request_error', code: 'rate_limit' }],
    [403, { type: 'invalid_request_error' }],
    [503, { type: 'api_error' }],
    [404, { type: 'invalid_request_error', message: 'Unrecognized request URL' }],
  ])('though its look-up fails with %i', async (status, error) => {
    const person = await signUp(app)
    const { customer } = await opened(person)
    const fault = await inject('stripe', {
      match: { method: 'GET', path: `/v1/customers/${customer}` },
      fault: { kind: 'status', status, body: JSON.stringify({ error }) },
    })
    expect((await checkout(app, person, 'hobby')).json.code).toBe('stripe_unavailable')
    await fault.remove()
    expect((await opened(person)).customer).toBe(customer)
    expect(await customersOf(person)).toEqual([customer])
  })

  test('though the answer to its creation was lost an hour ago', async () => {
    const own = testApp()
    const person = await signUp(own)
    const fault = await inject('stripe', {
      match: {
        method: 'POST',
        path: '/v1/customers',
        bodyIncludes: encodeURIComponent(person.email),
      },
      fault: { kind: 'lose-answer' },
    })
    expect((await checkout(own, person, 'hobby')).json.code).toBe('stripe_unavailable')
    await fault.remove()
    own.setNow(new Date(Date.now() + 3_600_000))
    const { customer } = await opened(person, 'hobby', own)
    expect(await customersOf(person)).toEqual([customer])
  })

  test('though a slow first call comes back when its customer has been deleted and replaced', async () => {
    const person = await signUp(app)
    const held = await inject('stripe', {
      match: {
        method: 'POST',
        path: '/v1/customers',
        bodyIncludes: encodeURIComponent(person.email),
      },
      fault: { kind: 'hold' },
      times: 1,
    })
    const slow = checkout(app, person, 'hobby')
    await held.hit()
    const first = await opened(person)
    await stripe.customers.del(String(first.customer))
    const second = await opened(person)
    expect(second.customer).not.toBe(first.customer)
    await held.release()
    expect((await slow).json.session_id).toBe(second.id)
    expect((await opened(person)).id).toBe(second.id)
    expect(await customersOf(person)).toEqual([second.customer])
  })
})
