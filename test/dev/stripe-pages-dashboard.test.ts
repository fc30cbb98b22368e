// The dashboard: what it shows, what its buttons do, and who may press them.
import { request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createPrice,
  createSession,
  type Receiver,
  type ServedSimulator,
  startReceiver,
  startSimulator,
  submit,
  subscribe,
} from './stripe-served.ts'

let server: ServedSimulator
let hook: Receiver

beforeEach(async () => {
  server = await startSimulator()
  hook = await startReceiver(() => new Response('{"received":true}'))
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
})
afterEach(async () => {
  await server.close()
  await hook.close()
})

async function bought() {
  const price = await createPrice(server.stripe)
  return subscribe(server, price.id, 'ada@example.com')
}

async function text(path: string): Promise<string> {
  const response = await fetch(`${server.url}${path}`)
  expect(response.status).toBe(200)
  return response.text()
}

/** The actions of the forms on a page: what a person could press. */
function actionsOf(html: string): string[] {
  return [...html.matchAll(/<form method="post" action="([^"]*)"/g)].map((match) => match[1] ?? '')
}

async function press(path: string, fields: Record<string, string> = {}): Promise<string> {
  const answer = await submit(`${server.url}${path}`, fields)
  expect(answer.status).toBe(303)
  const next = new URL(answer.headers.get('Location') ?? '', server.url)
  return text(`${next.pathname}${next.search}`)
}

test('the front page is the dashboard', async () => {
  const answer = await fetch(server.url, { redirect: 'manual' })
  expect(answer.headers.get('Location')).toBe('/dashboard')
  expect(await text('/dashboard')).toContain('Nobody yet')
})

test('it shows who bought what, and how each webhook went', async () => {
  const { customer, subscription } = await bought()
  await server.deliveries.idle()
  const html = await text('/dashboard')
  for (const words of ['ada@example.com', 'Hobby, $29.00 per month', subscription.id, 'active']) {
    expect(html).toContain(words)
  }
  expect(html).toContain('checkout.session.completed')
  expect(html).toMatch(/200 in \d+ ms/)
  expect(html).toContain('{&quot;received&quot;:true}')
  expect(await text(`/dashboard/customers/${customer.id}`)).toContain('Visa ending in 4242')
})

test('customers are found by a part of their email', async () => {
  await server.stripe.customers.create({ email: 'ada@example.com' })
  await server.stripe.customers.create({ email: 'grace@example.com' })
  const html = await text('/dashboard?q=GRACE')
  expect(html).toContain('/dashboard/customers/')
  expect(html.split('Recent events')[0]).not.toContain('ada@example.com')
})

test('the clock’s button renews the subscription', async () => {
  const { customer } = await bought()
  const path = `/dashboard/customers/${customer.id}/advance`
  expect(actionsOf(await text('/dashboard'))).toContain(path)
  expect(await press(path, { to: 'renewal' })).toContain('clock was moved')
  const { data } = await server.stripe.invoices.list({ customer: customer.id })
  expect(data.map(({ status }) => status)).toEqual(['paid', 'paid'])
})

test('the failing payment’s button fails the renewal, and paying it by hand repairs it', async () => {
  const { customer, subscription } = await bought()
  const page = `/dashboard/customers/${customer.id}`
  expect(await press(`${page}/fail-next-payment`, { back: page })).toContain('payment will fail')
  const after = await press(`${page}/advance`, { to: 'renewal', back: page })
  expect(after).toContain('past due')
  const pay = actionsOf(after).find((action) => action.endsWith('/pay')) ?? ''
  expect(await press(pay, { back: page })).toContain('The invoice was paid.')
  expect((await server.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active')
})

test('the clock moves by days, and says what it cannot', async () => {
  const customer = await server.stripe.customers.create({})
  const path = `/dashboard/customers/${customer.id}/advance`
  const before = server.sim.customerNow(customer.id)
  await press(path, { days: '3' })
  expect(server.sim.customerNow(customer.id)).toBeGreaterThanOrEqual(before + 3 * 86_400)
  expect((await submit(`${server.url}${path}`, { days: '-1' })).status).toBe(400)
  expect(await press(path, { to: 'renewal' })).toContain('no subscription that will renew')
})

test('a subscription is paused, taken up again, scheduled to end, changed and cancelled', async () => {
  const { customer, subscription } = await bought()
  const pro = await createPrice(server.stripe, 'Pro', 99_900)
  const path = `/dashboard/subscriptions/${subscription.id}`
  const back = `/dashboard/customers/${customer.id}`
  const current = () => server.stripe.subscriptions.retrieve(subscription.id)

  expect(await press(`${path}/pause`, { back })).toContain('collection paused')
  expect((await current()).pause_collection?.behavior).toBe('void')
  await press(`${path}/unpause`, { back })
  expect((await current()).pause_collection).toBe(null)
  expect(await press(`${path}/cancel-at-period-end`, { back })).toContain('Take cancellation back')
  await press(`${path}/resume`, { back })
  expect(await press(`${path}/plan`, { back, price: pro.id })).toContain('Pro, $999.00 per month')
  const last = await press(`${path}/cancel-now`, { back })
  expect((await current()).status).toBe('canceled')
  expect(actionsOf(last)).not.toContain(`${path}/cancel-now`)
})

test('an event is read in another API version, and sent again', async () => {
  const { subscription } = await bought()
  await server.deliveries.idle()
  const event = [...server.sim.data.events.values()].find(
    ({ type }) => type === 'customer.subscription.created',
  )
  const path = `/dashboard/events/${event?.id}`
  const end = subscription.items.data[0]?.current_period_end
  expect(await text(`${path}?api_version=2025-02-24.acacia`)).toContain(
    '&quot;api_version&quot;: &quot;2025-02-24.acacia&quot;',
  )
  expect(end).toBeGreaterThan(0)

  const before = hook.received.length
  expect(await press(`${path}/resend`, { back: path })).toContain('on its way again')
  await server.deliveries.idle()
  expect(hook.received).toHaveLength(before + 1)
  expect(await text(path)).toContain('sent again by hand')

  const other = await server.stripe.webhookEndpoints.create({
    url: `${hook.url}/other`,
    enabled_events: ['*'],
  })
  await press(`${path}/resend`, { back: path, endpoint: other.id })
  await server.deliveries.idle()
  expect(hook.received.slice(before + 1).map((one) => one.path)).toEqual(['/other'])
})

test('the webhooks page shows the endpoints and turns the knobs', async () => {
  const html = await text('/dashboard/webhooks')
  expect(html).toContain(hook.url)
  const fields = {
    delayMs: '0',
    repeat: '2',
    order: 'reversed',
    windowMs: '10',
    seed: '3',
    retryPausesMs: '1, 20, 300',
    timeoutMs: '5000',
    hold: 'on',
  }
  await press('/dashboard/webhooks/knobs', fields)
  expect(server.deliveries.settings()).toEqual({
    delayMs: 0,
    repeat: 2,
    order: 'reversed',
    windowMs: 10,
    seed: 3,
    retryPausesMs: [1, 20, 300],
    timeoutMs: 5000,
    hold: true,
  })
  const refused = await submit(`${server.url}/dashboard/webhooks/knobs`, { ...fields, repeat: '' })
  expect(refused.status).toBe(422)
  expect(await refused.text()).toContain('repeat')

  await server.stripe.customers.create({})
  expect(await text('/dashboard/webhooks')).toContain('2 held')
  await press('/dashboard/webhooks/flush')
  await server.deliveries.idle()
  expect(hook.received).toHaveLength(2)
})

test('a page of another site can press no button', async () => {
  const { customer, subscription } = await bought()
  const session = await createSession(server.stripe, subscription.items.data[0]?.price.id ?? '')
  const portal = await server.stripe.billingPortal.sessions.create({ customer: customer.id })
  const paths = [
    `/dashboard/subscriptions/${subscription.id}/cancel-now`,
    `/dashboard/customers/${customer.id}/fail-next-payment`,
    '/dashboard/webhooks/flush',
    new URL(session.url ?? '').pathname,
    `${new URL(portal.url).pathname}/cancel`,
  ]
  const strangers: Record<string, string>[] = [
    { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-site' },
    { Origin: 'null', 'Sec-Fetch-Site': '' },
  ]
  for (const path of paths) {
    for (const headers of strangers) {
      const answer = await submit(
        `${server.url}${path}`,
        { subscription: subscription.id },
        headers,
      )
      expect([path, answer.status]).toEqual([path, 403])
    }
  }
  const untouched = await server.stripe.subscriptions.retrieve(subscription.id)
  expect([untouched.status, untouched.cancel_at]).toEqual(['active', null])
})

test('nor can one whose name was pointed at this machine', async () => {
  const { port } = new URL(server.url)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const host = `evil.example:${port}`
    const headers = { Host: host, Origin: `http://${host}` }
    request({ host: '127.0.0.1', port, path: '/dashboard', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  expect(status).toBe(403)
})

test('a form leads back to a page of the dashboard and nowhere else', async () => {
  const customer = await server.stripe.customers.create({})
  for (const back of [
    'https://evil.example/',
    '//evil.example/dashboard',
    '/dashboard/../c/pay/x',
  ]) {
    const answer = await submit(
      `${server.url}/dashboard/customers/${customer.id}/fail-next-payment`,
      { back },
    )
    expect(answer.headers.get('Location')).toBe('/dashboard?done=will_fail')
  }
})

test('pages ask nothing of other servers and run no script', async () => {
  await bought()
  const answer = await fetch(`${server.url}/dashboard`)
  expect(answer.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
  const html = await answer.text()
  const loaded = [...html.matchAll(/<(?:link|script|img|iframe)[^>]*(?:href|src)="([^"]*)"/g)]
  expect(loaded.map((match) => match[1])).toEqual(['data:,', '/_pages/style.css'])
  const style = await fetch(`${server.url}/_pages/style.css`)
  expect(style.headers.get('Content-Type')).toContain('text/css')
})

test('a plan that ends by cancel_at has no next renewal', async () => {
  const { customer, subscription } = await bought()
  const shown = async () => {
    const html = await text(`/dashboard/customers/${customer.id}`)
    return /Next renewal<\/dt><dd>(?:<[^>]*>)?([^<]*)/.exec(html)?.[1]
  }
  expect(await shown()).toMatch(/\d{4}/)
  server.sim.cancelAtPeriodEnd(subscription.id)
  expect(await shown()).toBe('none')
})
