// `npm run doctor` on what Stripe delivers: the endpoint, its secret, the deliveries, our ledger; one at a time is wrong.
import Stripe from 'stripe'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Served } from '../../dev/serve.ts'
import { type Stack, startStack } from '../../dev/stack.ts'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { doctor, type Json, only, serveWorker, throughProxy, wrong } from './doctor-fixture.ts'
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

describe('the webhook endpoint', () => {
  test('none: a warning on this machine, a failure for a Worker that was named', async () => {
    const none = await throughProxy(stack, (path, body) =>
      path.endsWith('/webhook_endpoints') ? { ...body, data: [] } : body,
    )
    const item = 'Webhook endpoint'
    expect(await wrong(none)).toEqual(only(item, /none with the path/, /npm run dev/, 'warn'))
    const args = ['--url', 'https://worker.example.com']
    const { code, failed } = await doctor(none, { args })
    expect(failed).toEqual([
      expect.stringMatching(
        /none for worker\.example\.com.*stripe:setup -- --url https:\/\/worker\.example\.com$/,
      ),
    ])
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
    const own = await throughProxy(stack, (path, body) => {
      if (!path.endsWith('/webhook_endpoints')) return body
      return { ...body, data: (body.data as Json[]).map((each) => ({ ...each, api_version: old })) }
    })
    const item = 'Webhook API version'
    expect(await wrong(own)).toEqual(
      only(
        item,
        /^2024-06-20 is older/,
        /stripe:setup -- --url http:.* --yes makes a new one/,
        'warn',
      ),
    )
    const account = await throughProxy(stack, (path, body, headers) => {
      if (path.endsWith('/account')) headers.set('Stripe-Version', old)
      return body
    })
    const says = /^2024-06-20 \(the account's\) is older/
    expect(await wrong(account)).toEqual(
      only(item, says, /stripe:setup -- --url http:.* --yes makes a new one/, 'warn'),
    )
  })

  test('a secret that the Worker does not have', async () => {
    const bad = await wrong({ ...vars, STRIPE_WEBHOOK_SECRET: 'whsec_another' })
    expect(bad).toEqual(only('Webhook secret', /refuses what it signs/, /wrangler secret put/))
  })

  test('a secret of which nobody knows yet: no event that the endpoint asks for was delivered', async () => {
    await stripe.webhookEndpoints.update((await endpoint()).id, {
      enabled_events: ['charge.dispute.closed'],
    })
    const about = (await wrong(vars)).filter(({ item }) => item === 'Webhook secret')
    expect(about).toEqual(only('Webhook secret', /cannot be read/, /buy a plan/, 'warn'))
  })

  test('a Worker that is not there', async () => {
    const gone = await startReceiver()
    await stack.deliverTo(`${gone.url}${PATH}`)
    await gone.close()
    expect(await wrong(vars)).toEqual(only('Webhook secret', /not answer/, /npm run dev/, 'warn'))
  })
})

describe('deliveries', () => {
  async function resendAll() {
    for (const { id } of (await stripe.events.list({ delivery_success: false })).data) {
      await sim(`events/${id}/resend`, { method: 'POST', body: '{}' })
    }
    await idle()
  }

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
    const says = new RegExp(`^\\d+ of the last 24 hours failed, the latest is ${event?.id} `)
    expect(await about()).toEqual(only(item, says, new RegExp(`stripe:replay -- ${event?.id}$`)))
    // Another endpoint of the account may fail for ever: what we have is not lost.
    await resendAll()
    const pending = await throughProxy(stack, (path, body) =>
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
