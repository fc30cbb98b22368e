// Plans, Checkout and the portal, over the Stripe simulator.
import { describe, expect, test } from 'vitest'
import { signUp, type TestApp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { checkout, control, eventsOf, pay, stack, subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }

describe('GET /billing/plans', () => {
  test('shows the three plans with Stripe’s prices', async () => {
    const { status, json } = await call('GET', '/billing/plans')
    expect(status).toBe(200)
    const price = (amount: number) => ({ amount, currency: 'usd', interval: 'month' })
    expect(json.plans).toEqual([
      {
        tier: 'hobby',
        name: 'Hobby',
        price: price(2900),
        quotas: { reactions: 10_000, api_calls: 1_000 },
        rate_limit: 5,
      },
      {
        tier: 'research',
        name: 'Research',
        price: price(19_900),
        quotas: { reactions: 100_000, api_calls: 10_000 },
        rate_limit: 20,
      },
      {
        tier: 'pro',
        name: 'Pro',
        price: price(99_900),
        quotas: { reactions: 1_000_000, api_calls: 100_000 },
        rate_limit: 100,
      },
    ])
  })

  test('takes the price from Stripe, not from a table', async () => {
    const { id } = await deps.stripe.prices.create({
      currency: 'eur',
      unit_amount: 4_321,
      recurring: { interval: 'year' },
      product_data: { name: 'Hobby, yearly' },
    })
    const { json } = await testApp({ STRIPE_PRICE_ID_HOBBY: id }).call('GET', '/billing/plans')
    expect(json.plans[0].price).toEqual({ amount: 4_321, currency: 'eur', interval: 'year' })
  })

  test('is 502 while Stripe is away', async () => {
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    const { status, json } = await away.call('GET', '/billing/plans')
    expect([status, json.code]).toEqual([502, 'stripe_unavailable'])
  })
})

describe('POST /billing/checkout/session', () => {
  test('opens a session for the plan, the account and the way back', async () => {
    const person = await signUp(app)
    const { status, json } = await checkout(app, person, 'research')
    expect(status).toBe(200)
    expect(json).toEqual({
      session_id: expect.stringMatching(/^cs_test_/),
      url: expect.stringContaining('http'),
      publishable_key: stack.stripePublishableKey,
    })
    const session = await deps.stripe.checkout.sessions.retrieve(json.session_id, {
      expand: ['line_items'],
    })
    expect(session).toMatchObject({
      mode: 'subscription',
      status: 'open',
      client_reference_id: person.id,
      ...urls,
    })
    expect(session.line_items?.data[0]?.price?.id).toBe(stack.prices.research)
    const customer = await deps.stripe.customers.retrieve(String(session.customer))
    expect(customer).toMatchObject({ email: person.email, metadata: { user_id: person.id } })
  })

  test('works by API key too, and ignores a customer, status or user that the client names', async () => {
    const [person, other] = [await signUp(app), await signUp(app)]
    const { status, json } = await call('POST', '/billing/checkout/session', {
      key: person.key,
      body: { tier: 'hobby', ...urls, customer: 'cus_123', user_id: other.id, status: 'active' },
    })
    expect(status).toBe(200)
    const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
    expect(session.client_reference_id).toBe(person.id)
    expect(session.customer).not.toBe('cus_123')
  })

  test('hands out an open session of the same plan again', async () => {
    const person = await signUp(app)
    const first = await checkout(app, person, 'hobby')
    const second = await checkout(app, person, 'hobby')
    expect(second.json).toEqual(first.json)
  })

  test('expires an open session of another plan first', async () => {
    const person = await signUp(app)
    const hobby = await checkout(app, person, 'hobby')
    const pro = await checkout(app, person, 'pro')
    expect(pro.json.session_id).not.toBe(hobby.json.session_id)
    const { status } = await deps.stripe.checkout.sessions.retrieve(hobby.json.session_id)
    expect(status).toBe('expired')
    // And back again the same day: a fresh one, not the expired one replayed.
    const again = await checkout(app, person, 'hobby')
    const session = await deps.stripe.checkout.sessions.retrieve(again.json.session_id)
    expect(session.status).toBe('open')
  })

  test('expires an open session that would lead back elsewhere', async () => {
    const person = await signUp(app)
    const first = await checkout(app, person, 'hobby')
    const second = await call('POST', '/billing/checkout/session', {
      token: person.token,
      body: { tier: 'hobby', ...urls, success_url: 'https://app.example.com/elsewhere' },
    })
    expect(second.json.session_id).not.toBe(first.json.session_id)
    expect((await deps.stripe.checkout.sessions.retrieve(first.json.session_id)).status).toBe(
      'expired',
    )
  })

  test('makes one customer and one session of parallel first calls', async () => {
    const person = await signUp(app)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => checkout(app, person, 'hobby')),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    expect(new Set(answers.map(({ json }) => json.session_id)).size).toBe(1)
    const { data } = await deps.stripe.customers.list({ email: person.email })
    expect(data).toHaveLength(1)
  })

  test('leaves one open session of parallel calls for different plans', async () => {
    const person = await signUp(app)
    await checkout(app, person, 'research')
    const held = await inject('stripe', {
      match: { method: 'POST', path: '/v1/checkout/sessions', bodyIncludes: person.id },
      fault: { kind: 'hold' },
    })
    const both = Promise.all([checkout(app, person, 'hobby'), checkout(app, person, 'pro')])
    await held.hit(2)
    await held.release()
    expect((await both).map(({ status }) => status)).toEqual([200, 200])
    const [customer] = (await deps.stripe.customers.list({ email: person.email })).data
    const { data } = await deps.stripe.checkout.sessions.list({
      customer: customer?.id ?? '',
      status: 'open',
    })
    expect(data).toHaveLength(1)
  })

  test('sells nothing to somebody whose other session is paid meanwhile', async () => {
    const person = await signUp(app)
    const hobby = await checkout(app, person, 'hobby')
    const held = await inject('stripe', {
      match: { method: 'POST', path: '/v1/checkout/sessions', bodyIncludes: person.id },
      fault: { kind: 'hold' },
      times: 1,
    })
    const late = checkout(app, person, 'pro')
    await held.hit()
    await pay(hobby.json.session_id)
    await held.release()
    expect((await late).json.code).toBe('already_subscribed')
    const { customer } = await deps.stripe.checkout.sessions.retrieve(hobby.json.session_id)
    const open = await deps.stripe.checkout.sessions.list({
      customer: String(customer),
      status: 'open',
    })
    expect(open.data).toEqual([])
  })

  test('asks Stripe before it refuses: an end whose event is late locks nobody out', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
  })

  test('keeps the open session where the new one cannot be made', async () => {
    const person = await signUp(app)
    const hobby = await checkout(app, person, 'hobby')
    await inject('stripe', {
      match: { method: 'POST', path: '/v1/checkout/sessions', bodyIncludes: person.id },
      fault: { kind: 'status', status: 503, body: '{"error":{"type":"api_error"}}' },
    })
    expect((await checkout(app, person, 'pro')).json.code).toBe('stripe_unavailable')
    const { status } = await deps.stripe.checkout.sessions.retrieve(hobby.json.session_id)
    expect(status).toBe('open')
  })

  test.each([
    ['https://app.example.com/\ud800', 'https://app.example.com/%EF%BF%BD'],
    ['https:app.example.com', 'https://app.example.com/'],
    ['https://app.exa\tmple.com/', 'https://app.example.com/'],
    ['https://app.example.com\\@evil.example/', 'https://app.example.com/@evil.example/'],
    [
      'https://app.example.com/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}',
      'https://app.example.com/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}',
    ],
  ])('sends %j on in the one spelling that every parser reads alike', async (given, sent) => {
    const strict = testApp({ ALLOWED_REDIRECT_ORIGINS: 'https://app.example.com' })
    const person = await signUp(strict)
    const body = { tier: 'hobby', success_url: given, cancel_url: urls.cancel_url }
    const { json } = await strict.call('POST', '/billing/checkout/session', {
      token: person.token,
      body,
    })
    const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
    expect(session.success_url).toBe(sent)
  })

  test('is 502 where Stripe knows no such price, and the log says which', async () => {
    const wrong = testApp({ STRIPE_PRICE_ID_PRO: 'price_missing' })
    expect((await wrong.call('GET', '/billing/plans')).json.code).toBe('stripe_unavailable')
    expect((await checkout(wrong, await signUp(wrong), 'pro')).json.code).toBe('stripe_unavailable')
    expect(JSON.stringify(wrong.logs)).toContain('price_missing')
  })

  test('is refused while subscribed, with the way to the portal', async () => {
    const person = await subscribe(app, await signUp(app))
    const { status, json } = await checkout(app, person, 'pro')
    expect([status, json.code]).toEqual([409, 'already_subscribed'])
    expect(json.portal).toMatchObject({
      method: 'POST',
      url: expect.stringContaining('/api/v1/billing/portal'),
    })
    const followed = await call(json.portal.method, new URL(json.portal.url).pathname, {
      token: person.token,
      body: json.portal.body,
    })
    expect(followed.status).toBe(200)
  })

  test('is refused as soon as Stripe has the payment, before any webhook, and lets the payer in', async () => {
    const person = await subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })
    expect((await checkout(app, person, 'hobby')).json.code).toBe('already_subscribed')
    const { json } = await call('GET', '/billing/subscription', { token: person.token })
    expect(json).toMatchObject({ status: 'active', access: true })
  })

  test('while past due leads to the portal: no second plan', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/customers/${person.customer}/fail-next-payment`)
    await control('POST', `/customers/${person.customer}/advance`, { to: 'renewal' })
    await person.sync()
    const { json } = await call('GET', '/billing/subscription', { token: person.token })
    expect(json.status).toBe('past_due')
    expect((await checkout(app, person, 'hobby')).json.code).toBe('already_subscribed')
    const portal = await call('POST', '/billing/portal', {
      token: person.token,
      body: { return_url: urls.cancel_url },
    })
    expect(portal.status).toBe(200)
  })

  test('is open again after a cancellation', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
  })

  test('gives a trial once', async () => {
    const trials = testApp({ TRIAL_DAYS: '14' })
    const person = await subscribe(trials, await signUp(trials))
    const view = await trials.call('GET', '/billing/subscription', { token: person.token })
    expect(view.json).toMatchObject({
      status: 'trialing',
      access: true,
      trial_end: expect.any(String),
    })
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    const second = await subscribe(trials, person)
    const { status } = await deps.stripe.subscriptions.retrieve(second.subscription)
    expect(status).toBe('active')
  })

  test('goes on with a new customer where the portal has found the old one deleted', async () => {
    const person = await signUp(app)
    const { json } = await checkout(app, person, 'hobby')
    const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
    await deps.stripe.customers.del(String(session.customer))
    const portal = await call('POST', '/billing/portal', {
      token: person.token,
      body: { return_url: urls.cancel_url },
    })
    expect([portal.status, portal.json.code]).toEqual([409, 'no_customer'])
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
  })

  test('goes on with a new customer where the old one was deleted at Stripe', async () => {
    const person = await signUp(app)
    const { json } = await checkout(app, person, 'hobby')
    const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
    await deps.stripe.customers.del(String(session.customer))
    const again = await checkout(app, person, 'hobby')
    expect(again.status).toBe(200)
    const fresh = await deps.stripe.checkout.sessions.retrieve(again.json.session_id)
    expect(fresh.customer).not.toBe(session.customer)
  })

  test.each([
    [{}, ['tier', 'success_url', 'cancel_url']],
    [{ tier: 'gold', ...urls }, ['tier']],
    [{ tier: 'hobby', ...urls, success_url: 'http://app.example.com/' }, ['success_url']],
    [{ tier: 'hobby', ...urls, cancel_url: 'javascript:alert(1)' }, ['cancel_url']],
    [{ tier: 'hobby', ...urls, cancel_url: '//evil.example' }, ['cancel_url']],
    [{ tier: 'hobby', ...urls, cancel_url: 'https://good.example@evil.example/' }, ['cancel_url']],
    [{ tier: 'hobby', ...urls, cancel_url: 'http://localhost.evil.example/' }, ['cancel_url']],
  ])('refuses %j', async (body, paths) => {
    const { token } = await signUp(app)
    const { status, json } = await call('POST', '/billing/checkout/session', { token, body })
    expect(status).toBe(422)
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual(paths)
  })

  test('sends people back to allowed origins only, where a list is set', async () => {
    const strict = testApp({
      ALLOWED_REDIRECT_ORIGINS: 'https://shop.example.com, https://app.example.com',
    })
    const person = await signUp(strict)
    expect((await checkout(strict, person, 'hobby')).status).toBe(200)
    const { status, json } = await strict.call('POST', '/billing/checkout/session', {
      token: person.token,
      body: { tier: 'hobby', ...urls, success_url: 'https://app.example.com.evil.example/' },
    })
    expect([status, json.errors[0].path]).toEqual([422, 'success_url'])
  })

  test('allows http on loopback, for development', async () => {
    const { token } = await signUp(app)
    const body = {
      tier: 'hobby',
      success_url: 'http://localhost:3000/',
      cancel_url: 'http://127.0.0.1:3000/',
    }
    expect((await call('POST', '/billing/checkout/session', { token, body })).status).toBe(200)
  })
})

describe('while Stripe is away', () => {
  test.each([
    ['/billing/checkout/session', { tier: 'hobby', ...urls }],
    ['/billing/portal', { return_url: urls.cancel_url }],
  ])('%s is 502', async (path, body) => {
    const person = await subscribe(app, await signUp(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    const away = testApp({ STRIPE_API_BASE: 'http://127.0.0.1:9' })
    const { status, json } = await away.call('POST', path, { token: person.token, body })
    expect([status, json.code]).toEqual([502, 'stripe_unavailable'])
  })

  test('nothing half-done stays behind: the next try makes no second customer', async () => {
    const person = await signUp(app)
    const fault = await inject('stripe', {
      match: { method: 'POST', path: '/v1/checkout/sessions', bodyIncludes: person.id },
      fault: { kind: 'status', status: 503, body: '{"error":{"type":"api_error"}}' },
    })
    const failed = await checkout(app, person, 'hobby')
    expect([failed.status, failed.json.code]).toEqual([502, 'stripe_unavailable'])
    await fault.remove()
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
    expect((await deps.stripe.customers.list({ email: person.email })).data).toHaveLength(1)
  })

  test('a customer whose creation was answered to nobody is found again, not made twice', async () => {
    const person = await signUp(app)
    const fault = await inject('stripe', {
      match: {
        method: 'POST',
        path: '/v1/customers',
        bodyIncludes: encodeURIComponent(person.email),
      },
      fault: { kind: 'lose-answer' },
    })
    expect((await checkout(app, person, 'hobby')).json.code).toBe('stripe_unavailable')
    await fault.remove()
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
    expect((await deps.stripe.customers.list({ email: person.email })).data).toHaveLength(1)
  })

  test('a key that Stripe refuses is 502 too, and the log says why', async () => {
    const wrong = testApp({ STRIPE_SECRET_KEY: 'sk_test_wrong' })
    const person = await signUp(wrong)
    expect((await checkout(wrong, person, 'hobby')).json.code).toBe('stripe_unavailable')
    expect(JSON.stringify(wrong.logs)).toContain('Invalid API Key')
  })
})

describe('POST /billing/portal', () => {
  test('opens for a customer and leads back', async () => {
    const person = await subscribe(app, await signUp(app))
    const { status, json } = await call('POST', '/billing/portal', {
      key: person.key,
      body: { return_url: 'https://app.example.com/back' },
    })
    expect(status).toBe(200)
    const page = await fetch(json.url)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('https://app.example.com/back')
  })

  test('offers what the configuration that is set offers, else the account’s default one', async () => {
    const { configurations } = deps.stripe.billingPortal
    const { id } = await configurations.create({
      features: { invoice_history: { enabled: true } },
    })
    const set = testApp({ STRIPE_PORTAL_CONFIGURATION_ID: id })
    const person = await subscribe(app, await signUp(app))
    const open = async (through: TestApp) => {
      const body = { return_url: urls.cancel_url }
      const { json } = await through.call('POST', '/billing/portal', { key: person.key, body })
      return (await fetch(json.url)).text()
    }
    expect(await open(app)).toContain('Change plan')
    expect(await open(set)).not.toContain('Cancel plan')
    const standard = await open(testApp({ STRIPE_PORTAL_CONFIGURATION_ID: undefined }))
    expect(standard).toContain('Cancel plan')
    expect(standard).not.toContain('Change plan')
  })

  test('is 409 before the first checkout', async () => {
    const { token } = await signUp(app)
    const { status, json } = await call('POST', '/billing/portal', {
      token,
      body: { return_url: urls.cancel_url },
    })
    expect([status, json.code]).toEqual([409, 'no_customer'])
  })

  test('refuses a way back that is not safe', async () => {
    const { token } = await signUp(app)
    for (const return_url of ['', 'ftp://x', 'http://example.com', 42]) {
      const { status } = await call('POST', '/billing/portal', { token, body: { return_url } })
      expect(status).toBe(422)
    }
  })
})

test('a declined card leaves the door closed and the session open', async () => {
  const person = await signUp(app)
  const { json } = await checkout(app, person, 'hobby')
  await expect(pay(json.session_id, '4000000000009995')).rejects.toThrow(/402/)
  const session = await deps.stripe.checkout.sessions.retrieve(json.session_id)
  expect(session.status).toBe('open')
  expect((await eventsOf(String(session.customer))).map(({ type }) => type)).not.toContain(
    'checkout.session.completed',
  )
  const view = await call('GET', '/billing/subscription', { token: person.token })
  expect(view.json).toMatchObject({ status: 'none', access: false })
})
