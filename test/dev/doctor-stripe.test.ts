// `npm run doctor` on a Stripe account: prices, webhook endpoint, deliveries, portal; one thing at a time is wrong.
import Stripe from 'stripe'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Served, serve } from '../../dev/serve.ts'
import { type Stack, startStack } from '../../dev/stack.ts'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { doctor, serveWorker, wrong } from './doctor-fixture.ts'
import { startReceiver } from './stripe-served.ts'

const PATH = '/api/v1/billing/webhooks/stripe'
let stack: Stack
let worker: Served
let stripe: Stripe
let vars: Record<string, string>

beforeAll(async () => {
  stack = await startStack({ faults: true })
  vars = stack.vars
  worker = await serveWorker(vars)
  const { hostname, port } = new URL(stack.info.stripeApiBase)
  stripe = new Stripe(stack.info.stripeSecretKey, { host: hostname, port, protocol: 'http' })
  await deliver()
  await buy()
})
beforeEach(() => deliver())
afterAll(async () => {
  await worker?.close()
  await stack?.close()
})

/** The one endpoint, as `npm run dev` makes it. */
const deliver = () => stack.deliverTo(`${worker.url}${PATH}`)
const sim = (path: string, init: RequestInit = {}) =>
  fetch(`${stack.info.stripeApiBase}/_sim/${path}`, init)
const idle = () => sim('webhooks/idle')

async function endpoint(): Promise<Stripe.WebhookEndpoint> {
  const [first] = (await stripe.webhookEndpoints.list()).data
  if (!first) throw new Error('no endpoint')
  return first
}

async function buy() {
  const customer = await stripe.customers.create({ email: 'ada@example.com' })
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: stack.info.prices.hobby }],
    trial_period_days: 7,
  })
  await idle()
}

type Json = Record<string, unknown>

/** Stripe, but for what `change` makes of an answer: what no simulator of one test account shows. */
async function throughProxy(
  change: (path: string, body: Json, headers: Headers) => Json | Response,
): Promise<Record<string, string>> {
  const proxy = await serve(
    {
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url)
        const init = { method: request.method, headers: request.headers }
        const answer = await fetch(`${stack.info.stripeApiBase}${pathname}${search}`, init)
        const headers = new Headers({ 'Content-Type': 'application/json' })
        headers.set('Stripe-Version', answer.headers.get('Stripe-Version') ?? '')
        const changed = change(pathname, (await answer.json()) as Json, headers)
        if (changed instanceof Response) return changed
        return new Response(JSON.stringify(changed), { status: answer.status, headers })
      },
    },
    0,
    'a proxy',
  )
  onTestFinished(() => proxy.close())
  return { ...vars, STRIPE_API_BASE: proxy.url }
}

const only = (item: string, says: RegExp, todo: RegExp, level = 'fail') => [
  expect.objectContaining({
    level,
    item,
    says: expect.stringMatching(says),
    todo: expect.stringMatching(todo),
  }),
]

describe('prices', () => {
  const pro = 'STRIPE_PRICE_ID_PRO'
  async function price(more: Partial<Stripe.PriceCreateParams>, name = 'Pro') {
    const base = { currency: 'usd', unit_amount: 99_900, product_data: { name } }
    return stripe.prices.create({ ...base, recurring: { interval: 'month' }, ...more })
  }
  const priced = (says: RegExp) =>
    expect.arrayContaining(only('Price of pro', says, /stripe:setup/))

  test('one that does not exist', async () => {
    const bad = await wrong({ ...vars, [pro]: 'price_nowhere' })
    expect(bad).toEqual(priced(/price_nowhere does not exist in this account/))
  })

  test.each<[string, Partial<Stripe.PriceCreateParams>, RegExp]>([
    ['of another amount', { unit_amount: 9900 }, /costs \$99\.00, not the \$999\.00/],
    ['in another currency', { currency: 'eur' }, /costs 99900 \(smallest units of EUR\)/],
    ['by the quarter', { recurring: { interval: 'month', interval_count: 3 } }, /every 3 month/],
    ['by the week', { recurring: { interval: 'week' } }, /every 1 week/],
  ])('one %s', async (_, more, says) => {
    expect(await wrong({ ...vars, [pro]: (await price(more)).id })).toEqual(priced(says))
  })

  test('one that is charged once', async () => {
    const { id } = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 99_900,
      product_data: { name: 'Once' },
    })
    expect(await wrong({ ...vars, [pro]: id })).toEqual(priced(/charged once/))
  })

  test('one that is archived, or whose product is', async () => {
    const archived = await price({})
    await stripe.prices.update(archived.id, { active: false })
    expect(await wrong({ ...vars, [pro]: archived.id })).toEqual(
      priced(/is archived, and Checkout/),
    )
    const orphan = await price({})
    await stripe.products.update(String(orphan.product), { active: false })
    expect(await wrong({ ...vars, [pro]: orphan.id })).toEqual(priced(/archived product/))
  })

  test('one of the other mode', async () => {
    const live = await throughProxy((path, body) =>
      path.endsWith(stack.info.prices.pro) ? { ...body, livemode: true } : body,
    )
    expect(await wrong(live)).toEqual(priced(/is of live mode/))
  })

  test('a yearly one beside it, and an old one that is archived, are in order', async () => {
    const yearly = await price({ recurring: { interval: 'year' }, unit_amount: 999_000 })
    const old = await price({ unit_amount: 49_900 })
    await stripe.prices.update(old.id, { active: false })
    const all = `${stack.info.prices.pro},${yearly.id},${old.id}`
    const { code, output } = await doctor({ ...vars, [pro]: all })
    expect(output).toMatch(/^ok +Price of pro +price_\w+, \$9990\.00 a year, kept beside it/m)
    expect(output).toMatch(/^ok +Price of pro .*\$499\.00 a month, archived, kept for its/m)
    expect(code).toBe(0)
  })
})

describe('the webhook endpoint', () => {
  test('none: a warning on this machine, a failure for a Worker that was named', async () => {
    await stripe.webhookEndpoints.del((await endpoint()).id)
    const item = 'Webhook endpoint'
    expect(await wrong(vars)).toEqual(only(item, /none with the path/, /npm run dev/, 'warn'))
    const args = ['--url', 'https://worker.example.com']
    const { code, failed } = await doctor(vars, { args })
    expect(failed).toEqual([expect.stringMatching(/none for worker\.example\.com.*stripe:setup$/)])
    expect(code).toBe(1)
  })

  test('one for another host than that which was named', async () => {
    const bad = await wrong(vars, { workerUrl: new URL('https://worker.example.com') })
    const says = /none for worker\.example\.com; there is one for 127\.0\.0\.1:\d+/
    expect(bad).toEqual(only('Webhook endpoint', says, /stripe:setup/))
    expect(await wrong(vars, { workerUrl: new URL(worker.url) })).toEqual([])
  })

  test('one that is disabled', async () => {
    await stripe.webhookEndpoints.update((await endpoint()).id, { disabled: true })
    expect(await wrong(vars)).toEqual(only('Webhook endpoint', /is disabled/, /enable it/))
  })

  test('one that lacks an event, or asks for more', async () => {
    const { id } = await endpoint()
    const [first, ...others] = EVENT_TYPES
    await stripe.webhookEndpoints.update(id, { enabled_events: [...others, 'charge.failed'] })
    expect(await wrong(vars)).toEqual([
      ...only('Webhook events', new RegExp(`lacks ${first}$`), /stripe:setup/),
      ...only('Webhook events', /more than is used: charge\.failed$/, /stripe:setup/, 'warn'),
    ])
  })

  test('one of an older version, and one of an account of an older version', async () => {
    const old = '2024-06-20'
    const own = await throughProxy((path, body) => {
      if (!path.endsWith('/webhook_endpoints')) return body
      return { ...body, data: (body.data as Json[]).map((each) => ({ ...each, api_version: old })) }
    })
    const item = 'Webhook API version'
    expect(await wrong(own)).toEqual(only(item, /^2024-06-20 is older/, /new endpoint/, 'warn'))
    const account = await throughProxy((path, body, headers) => {
      if (path.endsWith('/account')) headers.set('Stripe-Version', old)
      return body
    })
    const says = /^2024-06-20 \(the account's\) is older/
    expect(await wrong(account)).toEqual(only(item, says, /new endpoint/, 'warn'))
  })

  test('a secret that the Worker does not have', async () => {
    const bad = await wrong({ ...vars, STRIPE_WEBHOOK_SECRET: 'whsec_another' })
    expect(bad).toEqual(only('Webhook secret', /refuses what it signs/, /wrangler secret put/))
  })

  test('a Worker that is not there', async () => {
    const gone = await startReceiver()
    await stack.deliverTo(`${gone.url}${PATH}`)
    await gone.close()
    expect(await wrong(vars)).toEqual(only('Webhook secret', /not answer/, /npm run dev/, 'warn'))
  })
})

describe('deliveries', () => {
  test('events that could not be delivered, until our ledger has them', async () => {
    const broken = await startReceiver(() => new Response('no', { status: 500 }))
    await stack.deliverTo(`${broken.url}${PATH}`)
    await sim('webhooks', { method: 'PATCH', body: '{"retryPausesMs":[]}' })
    await buy()
    await broken.close()
    await deliver()
    const [event] = (await stripe.events.list({ delivery_success: false })).data
    // On its way, as far as anybody knows.
    const item = 'Webhook deliveries'
    expect(await wrong(vars)).toEqual(only(item, /of the last minute/, /in a minute/, 'warn'))
    const later = { now: () => Date.now() + 70_000 }
    const about = async () => (await wrong(vars, later)).filter((each) => each.item === item)
    const says = new RegExp(`^1 of the last 24 hours failed, the latest is ${event?.id} `)
    expect(await about()).toEqual(only(item, says, new RegExp(`stripe:replay -- ${event?.id}$`)))
    // Another endpoint of the account may fail for ever: what we have is not lost.
    await sim(`events/${event?.id}/resend`, { method: 'POST', body: '{}' })
    await idle()
    const pending = await throughProxy((path, body) =>
      path.endsWith('/events') && event ? { ...body, data: [event] } : body,
    )
    expect((await wrong(pending, later)).filter((each) => each.item === item)).toEqual([])
  })

  test('events in our ledger that failed, or in whose midst a Worker died', async () => {
    const { connectDatabase } = await import('../../src/data/db.ts')
    const { sql } = await import('drizzle-orm')
    const db = connectDatabase(stack.info.databaseUrl, 5_000)
    const insert = (id: string, state: string, minutes: number, error: string | null) =>
      db.execute(sql`insert into stripe_events
        (id, type, created_at, received_at, state, ticket, last_error)
        values (${id}, 'charge.refunded', now(), now() - ${minutes} * interval '1 minute', ${state},
          1, ${error})`)
    await insert('evt_old', 'processing', 40, null)
    await insert('evt_stuck', 'failed', 20, `Error: no such key ${vars.STRIPE_SECRET_KEY}`)
    await insert('evt_fresh', 'processing', 1, null)
    const { code, output, failed } = await doctor(vars)
    await db.execute(sql`delete from stripe_events where type = 'charge.refunded'`)
    expect(failed).toEqual([
      expect.stringMatching(
        /Ledger of events +2 not done .* evt_stuck \(charge\.refunded, failed: Error: no such key \[hidden\]\) -> npm run stripe:replay -- evt_stuck/,
      ),
    ])
    expect(output).not.toContain(vars.STRIPE_SECRET_KEY)
    expect(code).toBe(1)
  })
})

describe('the portal', () => {
  const ITEM = 'Customer portal'
  const list = (change: (first: Stripe.BillingPortal.Configuration) => object[]) =>
    throughProxy((path, body) => {
      if (!path.endsWith('/configurations')) return body
      return {
        ...body,
        data: change((body.data as Stripe.BillingPortal.Configuration[])[0] as never),
      }
    })

  test('plans that cannot be changed, or not to each of ours', async () => {
    const pro = await list((first) => {
      const { products, ...update } = first.features.subscription_update
      const fewer = products?.filter(({ prices }) => !prices.includes(stack.info.prices.pro))
      const features = { ...first.features, subscription_update: { ...update, products: fewer } }
      return [{ ...first, features }]
    })
    expect(await wrong(pro)).toEqual(only(ITEM, /not offer the price of pro$/, /stripe:setup/))
    const off = await list((first) => {
      const update = { ...first.features.subscription_update, enabled: false }
      return [{ ...first, features: { ...first.features, subscription_update: update } }]
    })
    expect(await wrong(off)).toEqual(only(ITEM, /lets nobody change the plan/, /stripe:setup/))
  })

  test('no configuration, or one that sessions would not get', async () => {
    const none = await list(() => [])
    expect(await wrong(none)).toEqual(only(ITEM, /no configuration is active/, /stripe:setup/))
    const other = await list((first) => [{ ...first, is_default: false }])
    expect(await wrong(other)).toEqual(only(ITEM, /is not the default/, /stripe:setup/, 'warn'))
  })
})

describe('the key', () => {
  test('a restricted one that may not read everything warns of what was not checked', async () => {
    const message =
      "The provided key 'rk_test_x' does not have the required permissions for this endpoint on account 'acct_1Seller'."
    const refusal = JSON.stringify({ error: { type: 'invalid_request_error', message } })
    const closed = await throughProxy((path, body) =>
      /account$|webhook_endpoints$|events$|configurations$/.test(path)
        ? new Response(refusal, { status: 403 })
        : body,
    )
    const items = async (key: string) => {
      const bad = await wrong({ ...closed, STRIPE_SECRET_KEY: key })
      return bad.map(({ level, item }) => `${level} ${item}`)
    }
    // The simulator knows one key; the proxy does not hand it on.
    expect(await items(vars.STRIPE_SECRET_KEY ?? '')).toEqual(['fail Stripe account'])
  })

  test('a Stripe that hangs fails within its time limit, and hides nothing else', async () => {
    const origin = stack.info.stripeApiBase
    const order = { match: { path: '/v1/billing_portal' }, fault: { kind: 'hang' } }
    const answer = await fetch(`${origin}/_faults`, { method: 'POST', body: JSON.stringify(order) })
    const { id } = (await answer.json()) as { id: string }
    onTestFinished(async () => void (await fetch(`${origin}/_faults/${id}`, { method: 'DELETE' })))
    expect(await wrong(vars)).toEqual(only('Customer portal', /did not answer/, /try again/))
  })
})
