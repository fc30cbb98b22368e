// The control API: what the demo and the tests do to the simulator, over HTTP.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createPrice,
  createSession,
  type Receiver,
  type ServedSimulator,
  startReceiver,
  startSimulator,
  subscribe,
  WEBHOOK_SECRET,
} from './stripe-served.ts'

let server: ServedSimulator
let hook: Receiver

beforeEach(async () => {
  server = await startSimulator()
  hook = await startReceiver()
})
afterEach(async () => {
  await server.close()
  await hook.close()
})

interface Answer {
  status: number
  body: Record<string, unknown>
}

async function call(method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/_sim${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

function errorOf({ status, body }: Answer): [number, unknown] {
  const error = body.error as { code: string; message: string }
  expect(error.message).not.toBe('')
  return [status, error.code]
}

async function statusOf(id: string): Promise<string> {
  return (await server.stripe.subscriptions.retrieve(id)).status
}

test('the local endpoint is made once, moved later, and signs with the fixed secret', async () => {
  const first = await call('PUT', '/webhooks/endpoint', { url: `${hook.url}/old` })
  expect(first).toMatchObject({
    status: 200,
    body: { secret: WEBHOOK_SECRET, endpoint: { url: `${hook.url}/old`, status: 'enabled' } },
  })
  const second = await call('PUT', '/webhooks/endpoint', { url: `${hook.url}/new` })
  expect(second.status).toBe(200)
  const { data } = await server.stripe.webhookEndpoints.list()
  expect(data.map(({ url }) => url)).toEqual([`${hook.url}/new`])

  const price = await createPrice(server.stripe)
  await subscribe(server, price.id, 'ada@example.com')
  expect((await call('GET', '/webhooks/idle')).body).toEqual({ held: 0, underWay: 0, idle: true })
  const types = hook.received.map(({ path, headers, body }) => {
    expect(path).toBe('/new')
    const signature = headers.get('Stripe-Signature') ?? ''
    return server.stripe.webhooks.constructEvent(body, signature, WEBHOOK_SECRET).type
  })
  expect(types.toSorted()).toEqual([
    'checkout.session.completed',
    'customer.subscription.created',
    'invoice.paid',
    'invoice.payment_succeeded',
  ])
})

test('events are listed oldest first, of one customer, in the version asked for', async () => {
  const price = await createPrice(server.stripe)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  await server.stripe.customers.create({ email: 'grace@example.com' })

  const listed = await call('GET', `/events?customer=${customer.id}`)
  const events = listed.body.events as { type: string; created: number }[]
  expect(events[0]?.type).toBe('customer.created')
  expect(events.map(({ type }) => type)).toContain('checkout.session.completed')
  expect(events.filter(({ type }) => type === 'customer.created')).toHaveLength(1)
  expect(events.map(({ created }) => created)).toEqual(
    events.map(({ created }) => created).toSorted((a, b) => a - b),
  )

  const query = `customer=${customer.id}&type=customer.subscription.created`
  const old = await call('GET', `/events?${query}&api_version=2025-02-24.acacia`)
  const end = subscription.items.data[0]?.current_period_end
  expect(old.body.events).toMatchObject([
    { api_version: '2025-02-24.acacia', data: { object: { current_period_end: end } } },
  ])
})

test('deliveries of an event are shown, and it is sent again', async () => {
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  const events = (await call('GET', '/events?type=customer.created')).body.events
  const [event] = events as [{ id: string }]
  expect((await call('POST', `/events/${event.id}/resend`)).status).toBe(200)
  await server.deliveries.idle()
  expect(hook.received).toHaveLength(2)
  const { body } = await call('GET', `/events/${event.id}/deliveries`)
  expect(body.deliveries).toMatchObject([
    { trigger: 'automatic', status: 'succeeded', attempts: [{ status: 200, responseBody: 'ok' }] },
    { trigger: 'resend', status: 'succeeded', attempts: [{ status: 200 }] },
  ])
})

test('an event that nobody asks for, or of unknown id, is not sent again', async () => {
  await server.stripe.customers.create({})
  const events = (await call('GET', '/events')).body.events
  const [event] = events as [{ id: string }]
  expect(errorOf(await call('POST', `/events/${event.id}/resend`))).toEqual([409, 'no_endpoint'])
  const named = { endpoint: 'we_none' }
  expect(errorOf(await call('POST', `/events/${event.id}/resend`, named))).toEqual([
    404,
    'resource_missing',
  ])
  for (const [method, path] of [
    ['POST', '/events/evt_none/resend'],
    ['GET', '/events/evt_none/deliveries'],
  ] as const) {
    expect(errorOf(await call(method, path))).toEqual([404, 'resource_missing'])
  }
})

test('a Checkout session is paid by card number, or declined', async () => {
  const price = await createPrice(server.stripe)
  const session = await createSession(server.stripe, price.id)
  const path = `/checkout/${session.id}/pay`
  const declined = await call('POST', path, {
    card: '4000000000009995',
    email: 'ada@example.com',
  })
  expect(declined).toMatchObject({
    status: 402,
    body: { error: { code: 'card_declined', decline_code: 'insufficient_funds' } },
  })
  const paid = await call('POST', path, { card: '4242424242424242', email: 'ada@example.com' })
  expect(paid).toEqual({
    status: 200,
    body: { redirect_to: `http://127.0.0.1:8787/thanks?session_id=${session.id}` },
  })
  expect((await server.stripe.checkout.sessions.retrieve(session.id)).status).toBe('complete')
  expect(
    errorOf(await call('POST', '/checkout/cs_none/pay', { card: '4242424242424242' })),
  ).toEqual([404, 'resource_missing'])
})

test('moving to the renewal includes the payment about an hour later', async () => {
  const price = await createPrice(server.stripe)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  const end = subscription.items.data[0]?.current_period_end ?? 0
  const moved = await call('POST', `/customers/${customer.id}/advance`, { to: 'renewal' })
  expect(moved.body.now).toBeGreaterThan(end)
  const { data } = await server.stripe.invoices.list({ customer: customer.id })
  expect(data.map(({ status, billing_reason }) => [status, billing_reason])).toEqual([
    ['paid', 'subscription_cycle'],
    ['paid', 'subscription_create'],
  ])
})

test('a payment told to fail leaves the subscription past due', async () => {
  const price = await createPrice(server.stripe)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  expect((await call('POST', `/customers/${customer.id}/fail-next-payment`)).status).toBe(200)
  await call('POST', `/customers/${customer.id}/advance`, { to: 'renewal' })
  expect(await statusOf(subscription.id)).toBe('past_due')
})

test('a scheduled cancellation ends with the period', async () => {
  const price = await createPrice(server.stripe)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  await call('POST', `/subscriptions/${subscription.id}/cancel-at-period-end`)
  await call('POST', `/subscriptions/${subscription.id}/resume`)
  await call('POST', `/subscriptions/${subscription.id}/cancel-at-period-end`)
  expect(await statusOf(subscription.id)).toBe('active')
  const moved = await call('POST', `/customers/${customer.id}/advance`, { to: 'period_end' })
  expect(moved.status).toBe(200)
  expect(await statusOf(subscription.id)).toBe('canceled')
  expect(
    errorOf(await call('POST', `/customers/${customer.id}/advance`, { to: 'renewal' })),
  ).toEqual([409, 'no_renewal'])
})

test('a clock moves by days or to a moment, and never back', async () => {
  const { id } = await server.stripe.customers.create({})
  const before = server.sim.customerNow(id)
  const byDays = await call('POST', `/customers/${id}/advance`, { to: { days: 2 } })
  expect(byDays.body.now).toBeGreaterThanOrEqual(before + 2 * 86_400)
  const to = before + 5 * 86_400
  expect((await call('POST', `/customers/${id}/advance`, { to })).body.now).toBeGreaterThanOrEqual(
    to,
  )
  expect(errorOf(await call('POST', `/customers/${id}/advance`, { to: before }))).toEqual([
    409,
    'time_in_the_past',
  ])
  expect(errorOf(await call('POST', '/customers/cus_none/advance', { to: 'renewal' }))).toEqual([
    404,
    'resource_missing',
  ])
})

test('a subscription changes plan, pauses, goes on and is cancelled at once', async () => {
  const hobby = await createPrice(server.stripe)
  const pro = await createPrice(server.stripe, 'Pro', 99_900)
  const { subscription } = await subscribe(server, hobby.id, 'ada@example.com')
  const path = `/subscriptions/${subscription.id}`
  const changed = await call('POST', `${path}/change-plan`, { price: pro.id })
  expect(changed.body.subscription).toMatchObject({ items: { data: [{ price: { id: pro.id } }] } })
  const paused = await call('POST', `${path}/pause-collection`, { behavior: 'keep_as_draft' })
  expect(paused.body.subscription).toMatchObject({
    status: 'active',
    pause_collection: { behavior: 'keep_as_draft' },
  })
  const unpaused = await call('POST', `${path}/unpause`)
  expect(unpaused.body.subscription).toMatchObject({ pause_collection: null })
  expect((await call('POST', `${path}/pause`)).body.subscription).toMatchObject({
    status: 'paused',
  })
  expect((await call('POST', `${path}/unpause`)).body.subscription).toMatchObject({
    status: 'active',
  })
  expect((await call('POST', `${path}/cancel-now`)).body.subscription).toMatchObject({
    status: 'canceled',
  })
  expect(errorOf(await call('POST', '/subscriptions/sub_none/cancel-now'))).toEqual([
    404,
    'resource_missing',
  ])
})

test('knobs are read and turned, one by one', async () => {
  const turned = await call('PATCH', '/webhooks', { repeat: 2, retryPausesMs: [1, 2, 3] })
  expect(turned.body.knobs).toMatchObject({ repeat: 2, retryPausesMs: [1, 2, 3], hold: false })
  expect((await call('GET', '/webhooks')).body).toEqual(turned.body)
})

test('held webhooks are flushed over HTTP', async () => {
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
  await call('PATCH', '/webhooks', { hold: true })
  await server.stripe.customers.create({})
  expect((await call('GET', '/webhooks/idle')).body).toMatchObject({ held: 1, idle: true })
  expect((await call('POST', '/webhooks/flush')).body).toEqual({ flushed: 1 })
  await call('GET', '/webhooks/idle')
  expect(hook.received).toHaveLength(1)
})

test.each([
  ['PATCH', '/webhooks', { repeat: 0 }, 422, 'invalid_request'],
  ['PATCH', '/webhooks', { repeats: 2 }, 422, 'invalid_request'],
  ['PATCH', '/webhooks', '{', 400, 'malformed_json'],
  ['PUT', '/webhooks/endpoint', { url: 'ftp://x.example/' }, 422, 'invalid_request'],
  ['POST', '/customers/cus_1/advance', { to: 'tomorrow' }, 422, 'invalid_request'],
  ['POST', '/subscriptions/sub_1/change-plan', {}, 422, 'invalid_request'],
  ['POST', '/checkout/cs_1/pay', undefined, 422, 'invalid_request'],
  ['GET', '/nothing', undefined, 404, 'not_found'],
] as const)('%s %s with %j is refused: %i %s', async (method, path, body, status, code) => {
  expect(errorOf(await call(method, path, body))).toEqual([status, code])
})

test('a page of another site cannot use it, under whatever name', async () => {
  const { id } = await server.stripe.customers.create({})
  const path = `/customers/${id}/fail-next-payment`
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', Origin: server.url },
  ]) {
    expect(errorOf(await call('POST', path, undefined, headers))).toEqual([403, 'cross_site'])
  }
  expect(server.sim.data.failNextPayment.has(id)).toBe(false)
})
