// Checkout, the portal and the invoice page, used as a browser without scripts would use them.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createPrice,
  createSession,
  type ServedSimulator,
  startSimulator,
  submit,
  subscribe,
} from './stripe-served.ts'

let server: ServedSimulator
let price: Stripe.Price

beforeEach(async () => {
  server = await startSimulator()
  price = await createPrice(server.stripe)
})
afterEach(() => server.close())

const CARD = { number: '4242 4242 4242 4242', expiry: '12 / 34', cvc: '123', name: 'Ada Lovelace' }
const HOSTILE = '<script>alert("1")</script>&\'x'

async function page(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { redirect: 'manual' })
  return { status: response.status, text: await response.text() }
}

/** What a browser would send if the button were pressed now: the form's fields as they stand. */
function prefilledFields(html: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [tag] of html.matchAll(/<input [^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1]
    if (name) fields[name] = /value="([^"]*)"/.exec(tag)?.[1] ?? ''
  }
  return fields
}

function urlOf(session: { url: string | null }): string {
  if (!session.url) throw new Error('the session has no page')
  return session.url
}

async function subscriptionCount(): Promise<number> {
  return (await server.stripe.subscriptions.list({ status: 'all' })).data.length
}

test('Checkout shows the plan, its price and a card to pay with; the button buys it', async () => {
  const customer = await server.stripe.customers.create({ email: 'ada@example.com' })
  const session = await createSession(server.stripe, price.id, { customer: customer.id })
  const { status, text } = await page(urlOf(session))
  expect(status).toBe(200)
  for (const words of ['Hobby', 'The Hobby plan', '$29.00', 'per month', 'ada@example.com']) {
    expect(text).toContain(words)
  }
  expect(text).toContain('No real money')
  expect(text).toContain('href="http://127.0.0.1:8787/pricing"')

  const paid = await submit(urlOf(session), prefilledFields(text))
  expect(paid.status).toBe(303)
  expect(paid.headers.get('Location')).toBe(`http://127.0.0.1:8787/thanks?session_id=${session.id}`)
  const { data } = await server.stripe.subscriptions.list({ customer: customer.id })
  expect(data.map(({ status: state }) => state)).toEqual(['active'])
})

test('a buyer who is not known yet gives an email', async () => {
  const session = await createSession(server.stripe, price.id)
  const refused = await submit(urlOf(session), { ...CARD, email: 'nobody' })
  expect(refused.status).toBe(422)
  expect(await refused.text()).toMatch(/id="email"[^>]*value="nobody"[^>]*aria-invalid="true"/)

  const paid = await submit(urlOf(session), { ...CARD, email: 'ada@example.com' })
  expect(paid.status).toBe(303)
  const { data } = await server.stripe.customers.list({ email: 'ada@example.com' })
  expect(data.map(({ name }) => name)).toEqual(['Ada Lovelace'])
})

test('a declined card is said beside its field, what was typed stays, and another card pays', async () => {
  const session = await createSession(server.stripe, price.id, { customer_email: 'a@x.example' })
  const declined = await submit(urlOf(session), { ...CARD, number: '4000 0000 0000 9995' })
  expect(declined.status).toBe(402)
  const text = await declined.text()
  expect(text).toContain('<p class="error" id="number-error">Your card has insufficient funds.</p>')
  expect(text).toMatch(
    /id="number"[^>]*value="4000 0000 0000 9995"[^>]*aria-describedby="number-error"/,
  )
  expect(text).toContain('value="Ada Lovelace"')
  expect(await subscriptionCount()).toBe(0)

  expect((await submit(urlOf(session), CARD)).status).toBe(303)
  expect(await subscriptionCount()).toBe(1)
})

test.each([
  ['number', '4242', 'Your card number is incomplete.', 422],
  ['number', '4242 4242 4242 4241', 'Your card number is incorrect.', 402],
  ['expiry', 'soon', 'Write the expiry date as MM / YY.', 422],
  ['expiry', '13 / 34', 'Your card&#39;s expiration month is invalid.', 402],
  ['expiry', '12 / 20', 'Your card&#39;s expiration year is invalid.', 402],
  ['cvc', '12', 'Your card&#39;s security code is incomplete.', 422],
] as const)('%s "%s" is refused beside its field: %s', async (field, typed, message, status) => {
  const session = await createSession(server.stripe, price.id, { customer_email: 'a@x.example' })
  const refused = await submit(urlOf(session), { ...CARD, [field]: typed })
  expect(refused.status).toBe(status)
  expect(await refused.text()).toContain(`<p class="error" id="${field}-error">${message}</p>`)
  expect(await subscriptionCount()).toBe(0)
})

test('a card that asks for authentication is confirmed by its buyer, or is not charged', async () => {
  const session = await createSession(server.stripe, price.id, { customer_email: 'a@x.example' })
  const card = { ...CARD, number: '4000 0025 0000 3155' }
  const asked = await submit(urlOf(session), card)
  expect(asked.status).toBe(200)
  const fields = prefilledFields(await asked.text())
  expect(await subscriptionCount()).toBe(0)

  const failed = await submit(urlOf(session), { ...fields, authentication: 'fail' })
  expect(failed.status).toBe(402)
  expect(await failed.text()).toContain('unable to authenticate')
  expect(await subscriptionCount()).toBe(0)

  const done = await submit(urlOf(session), { ...fields, authentication: 'complete' })
  expect(done.status).toBe(303)
  expect(await subscriptionCount()).toBe(1)
})

test('a test card is filled in by its link', async () => {
  const session = await createSession(server.stripe, price.id)
  const { text } = await page(urlOf(session))
  const link = /href="([^"]*card=4000000000000341)"/.exec(text)?.[1]
  const chosen = await page(`${server.url}${link}`)
  expect(prefilledFields(chosen.text).number).toBe('4000 0000 0000 0341')
})

test('two clicks pay once, and both lead to the success page', async () => {
  const session = await createSession(server.stripe, price.id, { customer_email: 'a@x.example' })
  const url = urlOf(session)
  const answers = await Promise.all([submit(url, CARD), submit(url, CARD)])
  expect(answers.map(({ status }) => status)).toEqual([303, 303])
  expect(new Set(answers.map(({ headers }) => headers.get('Location'))).size).toBe(1)
  expect(await subscriptionCount()).toBe(1)
  expect((await page(url)).text).toContain('already paid')
})

test('an expired session says so and takes no card', async () => {
  const session = await createSession(server.stripe, price.id, { customer_email: 'a@x.example' })
  await server.stripe.checkout.sessions.expire(session.id)
  expect((await page(urlOf(session))).status).toBe(410)
  const refused = await submit(urlOf(session), CARD)
  expect(refused.status).toBe(410)
  expect(await refused.text()).toContain('expired')
  expect(await subscriptionCount()).toBe(0)
})

test('a trial is announced, and nothing is due today', async () => {
  const session = await createSession(server.stripe, price.id, {
    customer_email: 'a@x.example',
    subscription_data: { trial_period_days: 7 },
  })
  const { text } = await page(urlOf(session))
  expect(text).toContain('7 days free first, then $29.00 per month.')
  expect(text).toMatch(/Due today<\/dt><dd[^>]*>\$0\.00/)
  expect((await submit(urlOf(session), CARD)).status).toBe(303)
  const { data } = await server.stripe.subscriptions.list()
  expect(data.map(({ status }) => status)).toEqual(['trialing'])
})

test('names from the API come out as text, wherever they are shown', async () => {
  const hostile = await createPrice(server.stripe, HOSTILE)
  const customer = await server.stripe.customers.create({ name: HOSTILE, email: 'a@x.example' })
  const session = await createSession(server.stripe, hostile.id, { customer: customer.id })
  const portal = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
  const checkout = await page(urlOf(session))
  await submit(urlOf(session), CARD)
  const pages = [
    checkout,
    await page(portal.url),
    await page(`${server.url}/dashboard`),
    await page(`${server.url}/dashboard/customers/${customer.id}`),
    await page(`${server.url}/dashboard?q=${encodeURIComponent(HOSTILE)}`),
  ]
  for (const { status, text } of pages) {
    expect(status).toBe(200)
    expect(text).not.toContain('<script')
    expect(text).toContain('&lt;script&gt;')
  }
  const typed = await createSession(server.stripe, price.id)
  const echoed = await submit(urlOf(typed), { ...CARD, number: '"><script>', email: HOSTILE })
  expect(await echoed.text()).not.toContain('<script')
})

test('a link never runs code: only web addresses become links', async () => {
  const customer = await server.stripe.customers.create({})
  const portal = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
  // The API would refuse such an address; the page must not rely on it.
  const stored = server.sim.data.portalSessions.get(portal.id)
  if (stored) stored.return_url = 'javascript:alert(1)'
  expect((await page(portal.url)).text).not.toContain('javascript:')
})

/** The default configuration comes to offer these prices. */
async function offer(prices: Stripe.Price[], proration: 'always_invoice' | 'none'): Promise<void> {
  const { configurations } = server.stripe.billingPortal
  const [standard] = (await configurations.list({ is_default: true })).data
  await configurations.update(standard?.id ?? '', {
    features: {
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        proration_behavior: proration,
        products: prices.map(({ id, product }) => ({ product: String(product), prices: [id] })),
      },
    },
  })
}

test('the portal changes the plan, cancels at the period’s end, and takes that back', async () => {
  const pro = await createPrice(server.stripe, 'Pro', 99_900)
  await offer([price, pro], 'always_invoice')
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  const portal = await server.stripe.billingPortal.sessions.create({
    customer: customer.id,
    return_url: 'http://127.0.0.1:8787/account',
  })
  const path = portal.url
  const before = await page(path)
  expect(before.text).toContain('Your plan renews on')
  expect(before.text).toContain('href="http://127.0.0.1:8787/account"')
  expect(before.text).toMatch(new RegExp(`value="${pro.id}"`))

  const fields = { subscription: subscription.id }
  const changed = await submit(`${path}/plan`, { ...fields, price: pro.id })
  expect(changed.status).toBe(303)
  const moved = await server.stripe.subscriptions.retrieve(subscription.id)
  expect(moved.items.data[0]?.price.id).toBe(pro.id)

  const cancelled = await submit(`${path}/cancel`, fields)
  expect(cancelled.status).toBe(303)
  const after = await page(new URL(cancelled.headers.get('Location') ?? '', path).href)
  expect(after.text).toContain('You keep access until then.')
  const scheduled = await server.stripe.subscriptions.retrieve(subscription.id)
  expect(scheduled.cancel_at ?? scheduled.cancel_at_period_end).toBeTruthy()

  expect((await submit(`${path}/resume`, fields)).status).toBe(303)
  const resumed = await server.stripe.subscriptions.retrieve(subscription.id)
  expect([resumed.cancel_at, resumed.cancel_at_period_end]).toEqual([null, false])
})

test('the portal offers what its configuration allows, and refuses the rest', async () => {
  const pro = await createPrice(server.stripe, 'Pro', 99_900)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  const configuration = await server.stripe.billingPortal.configurations.create({
    features: {
      subscription_cancel: { enabled: false },
      payment_method_update: { enabled: false },
      invoice_history: { enabled: true },
    },
  })
  const { url } = await server.stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
  })
  const { text } = await page(url)
  expect(text).not.toMatch(/Cancel plan|Update card|Change plan/)
  expect(text).toContain('Invoices')
  const fields = { subscription: subscription.id, price: pro.id }
  for (const action of ['cancel', 'plan']) {
    expect((await submit(`${url}/${action}`, fields)).status).toBe(400)
  }
  expect((await submit(`${url}/card`, CARD)).status).toBe(400)
  const untouched = await server.stripe.subscriptions.retrieve(subscription.id)
  expect(untouched.cancel_at).toBe(null)
  expect(untouched.items.data[0]?.price.id).toBe(price.id)
})

test('the portal offers the prices that its configuration names, and no other', async () => {
  const research = await createPrice(server.stripe, 'Research', 19_900)
  const pro = await createPrice(server.stripe, 'Pro', 99_900)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  const configuration = await server.stripe.billingPortal.configurations.create({
    features: {
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        products: [{ product: String(research.product), prices: [research.id] }],
      },
    },
  })
  const { url } = await server.stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
  })
  const { text } = await page(url)
  const offered = [...text.matchAll(/type="radio" name="price" value="([^"]*)"/g)]
  expect(offered.map((match) => match[1])).toEqual([price.id, research.id])
  const fields = { subscription: subscription.id }
  expect((await submit(`${url}/plan`, { ...fields, price: pro.id })).status).toBe(400)
  expect((await submit(`${url}/plan`, { ...fields, price: research.id })).status).toBe(303)
})

test.each([
  ['none', 1],
  ['always_invoice', 2],
] as const)(
  'a change in a portal of proration_behavior=%s leaves %i invoices',
  async (how, count) => {
    const pro = await createPrice(server.stripe, 'Pro', 99_900)
    await offer([pro], how)
    const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
    const { url } = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
    const fields = { subscription: subscription.id, price: pro.id }
    expect((await submit(`${url}/plan`, fields)).status).toBe(303)
    const { data } = await server.stripe.invoices.list({ customer: customer.id })
    expect(data).toHaveLength(count)
  },
)

test('a portal whose configuration allows no update offers no plan', async () => {
  const { customer } = await subscribe(server, price.id, 'ada@example.com')
  await createPrice(server.stripe, 'Pro', 99_900)
  const { url } = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
  expect((await page(url)).text).not.toContain('Change plan')
  await offer([price, await createPrice(server.stripe, 'Team', 49_900)], 'none')
  expect((await page(url)).text).toContain('Change plan')
  const { configurations } = server.stripe.billingPortal
  const [standard] = (await configurations.list({ is_default: true })).data
  await configurations.update(standard?.id ?? '', {
    features: { subscription_update: { default_allowed_updates: '' } },
  })
  expect((await page(url)).text).not.toContain('Change plan')
})

test('a portal session reaches no other customer’s subscription', async () => {
  const ada = await subscribe(server, price.id, 'ada@example.com')
  const eve = await subscribe(server, price.id, 'eve@example.com')
  const { url } = await server.stripe.billingPortal.sessions.create({ customer: eve.customer.id })
  const refused = await submit(`${url}/cancel`, { subscription: ada.subscription.id })
  expect(refused.status).toBe(404)
  const untouched = await server.stripe.subscriptions.retrieve(ada.subscription.id)
  expect(untouched.cancel_at).toBe(null)
})

test('the portal takes a new card, and says why it does not take another', async () => {
  const { customer } = await subscribe(server, price.id, 'ada@example.com')
  const { url } = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
  const refused = await submit(`${url}/card`, { ...CARD, number: '4000000000000002' })
  expect(refused.status).toBe(402)
  expect(await refused.text()).toContain('id="number-error">Your card was declined.')
  const taken = await submit(`${url}/card`, { ...CARD, number: '5555 5555 5555 4444' })
  expect(taken.status).toBe(303)
  expect((await page(url)).text).toContain('Mastercard ending in 4444')
})

test('an open invoice is paid on its page', async () => {
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  server.sim.failNextPayment(customer.id)
  const renewal = server.sim.nextRenewal(customer.id) ?? 0
  server.sim.advanceCustomer(customer.id, renewal + 4000)
  const { data } = await server.stripe.invoices.list({ customer: customer.id, status: 'open' })
  const url = data[0]?.hosted_invoice_url ?? ''
  expect((await page(url)).text).toContain('Pay $29.00')
  expect((await submit(url, { ...CARD, number: '4000000000000002' })).status).toBe(402)
  expect((await submit(url, CARD)).status).toBe(303)
  expect((await page(url)).text).not.toContain('Pay this invoice')
  expect((await server.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('Checkout asks for no card where none is needed, and a trial begins without one', async () => {
  const session = await createSession(server.stripe, price.id, {
    customer_email: 'ada@example.com',
    payment_method_collection: 'if_required',
    subscription_data: { trial_period_days: 7 },
  })
  const { text } = await page(urlOf(session))
  expect(text).toContain('No card is needed now.')
  expect(text).not.toContain('name="number"')
  expect((await submit(urlOf(session), prefilledFields(text))).status).toBe(303)
  const { subscription } = await server.stripe.checkout.sessions.retrieve(session.id)
  expect(await server.stripe.subscriptions.retrieve(String(subscription))).toMatchObject({
    status: 'trialing',
    default_payment_method: null,
  })
})

test('a card is asked for where the first period costs something', async () => {
  const session = await createSession(server.stripe, price.id, {
    customer_email: 'ada@example.com',
    payment_method_collection: 'if_required',
  })
  expect((await page(urlOf(session))).text).toContain('name="number"')
  expect((await submit(urlOf(session), {})).status).toBe(422)
})

test('pages that do not exist say so', async () => {
  for (const path of ['/c/pay/cs_none', '/p/session/bps_none', '/i/in_none', '/nothing']) {
    const { status, text } = await page(`${server.url}${path}`)
    expect([path, status]).toEqual([path, 404])
    expect(text).toContain('Not found')
  }
})
