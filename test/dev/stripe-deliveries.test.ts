// Webhooks as a receiver meets them: signatures, bodies, retries, and the record of it all.
import type { Stripe } from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DEFAULT_KNOBS } from '../../dev/stripe/deliveries/knobs.ts'
import { RESPONSE_BYTES_KEPT } from '../../dev/stripe/deliveries/send.ts'
import type { Timers } from '../../dev/stripe/deliveries/timers.ts'
import {
  createPrice,
  type Received,
  type Receiver,
  type ServedSimulator,
  startReceiver,
  startSimulator,
  subscribe,
} from './stripe-served.ts'

const opened: { close(): void | Promise<void> }[] = []
let server: ServedSimulator

beforeEach(async () => {
  server = await startSimulator()
  opened.push(server)
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function receiver(answer?: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  const started = await startReceiver(answer)
  opened.push(started)
  return started
}

async function endpoint(url: string, events: string[] = ['*'], apiVersion?: string) {
  const created = await server.stripe.webhookEndpoints.create({
    url,
    enabled_events: events as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
    ...(apiVersion && {
      api_version: apiVersion as Stripe.WebhookEndpointCreateParams.ApiVersion,
    }),
  })
  if (!created.secret) throw new Error('the secret is shown at creation')
  return { id: created.id, secret: created.secret }
}

function verified(received: Received, secret: string): Stripe.Event {
  const header = received.headers.get('Stripe-Signature') ?? ''
  return server.stripe.webhooks.constructEvent(received.body, header, secret)
}

function eventOf(type: string): Stripe.Event {
  const event = [...server.sim.data.events.values()].find((one) => one.type === type)
  if (!event) throw new Error(`no ${type}`)
  return event
}

function only<T>(list: readonly T[]): T {
  expect(list).toHaveLength(1)
  return list[0] as T
}

test('an event arrives signed, printed and labelled as Stripe does it', async () => {
  const { received, url } = await receiver()
  const { secret } = await endpoint(`${url}/hook`)
  const customer = await server.stripe.customers.create({ email: 'ada@example.com' })
  await server.deliveries.idle()

  const arrival = only(received)
  const event = verified(arrival, secret)
  expect(event).toMatchObject({
    type: 'customer.created',
    pending_webhooks: 1,
    data: { object: { id: customer.id, email: 'ada@example.com' } },
  })
  expect(arrival.path).toBe('/hook')
  expect(arrival.headers.get('Content-Type')).toBe('application/json; charset=utf-8')
  expect(arrival.headers.get('User-Agent')).toBe('Stripe/1.0 (+https://stripe.com/docs/webhooks)')
  expect(arrival.body).toBe(JSON.stringify(JSON.parse(arrival.body), null, 2))
  const stored = await server.stripe.events.retrieve(event.id)
  expect(stored.pending_webhooks).toBe(0)
})

test('the signature holds for one endpoint, one body and its own time', async () => {
  const { received, url } = await receiver()
  const { secret } = await endpoint(url)
  const other = await endpoint(`${url}/other`, ['invoice.paid'])
  await server.stripe.customers.create({})
  await server.deliveries.idle()

  const arrival = only(received)
  expect(() => verified(arrival, other.secret)).toThrow(/signature/i)
  expect(() => verified({ ...arrival, body: `${arrival.body} ` }, secret)).toThrow(/signature/i)
  const signedAt = Number(/t=(\d+)/.exec(arrival.headers.get('Stripe-Signature') ?? '')?.[1])
  expect(Math.abs(Date.now() / 1000 - signedAt)).toBeLessThan(60)
})

test('an endpoint receives what it asked for, and nothing while it is disabled', async () => {
  const { received, url } = await receiver()
  await endpoint(`${url}/products`, ['product.created'])
  const off = await endpoint(`${url}/off`)
  await server.stripe.webhookEndpoints.update(off.id, { disabled: true })
  await server.stripe.customers.create({})
  await server.stripe.products.create({ name: 'Hobby' })
  await server.deliveries.idle()
  expect(received.map(({ path }) => path)).toEqual(['/products'])
})

test('each endpoint gets the shape of its own API version', async () => {
  const { received, url } = await receiver()
  await endpoint(`${url}/new`, ['customer.subscription.created'])
  await endpoint(`${url}/old`, ['customer.subscription.created'], '2025-02-24.acacia')
  const price = await createPrice(server.stripe)
  const { subscription } = await subscribe(server, price.id, 'ada@example.com')
  await server.deliveries.idle()

  const bodyAt = (path: string) =>
    JSON.parse(only(received.filter((one) => one.path === path)).body)
  const end = subscription.items.data[0]?.current_period_end
  expect(end).toBeGreaterThan(0)
  expect(bodyAt('/old')).toMatchObject({
    api_version: '2025-02-24.acacia',
    data: { object: { id: subscription.id, current_period_end: end } },
  })
  expect(bodyAt('/new').data.object).not.toHaveProperty('current_period_end')
})

test('a refused delivery is tried again until it is taken, and each try is on record', async () => {
  const answers = [500, 503, 200]
  const { received, url } = await receiver(
    (_received, count) => new Response(`answer ${count}`, { status: answers[count - 1] ?? 200 }),
  )
  const { id, secret } = await endpoint(url)
  server.deliveries.configure({ retryPausesMs: [0, 0] })
  await server.stripe.customers.create({})
  await server.deliveries.idle()

  const ids = received.map((one) => verified(one, secret).id)
  expect(ids).toHaveLength(3)
  expect(new Set(ids).size).toBe(1)
  const delivery = only(server.deliveries.of(ids[0] ?? ''))
  expect(delivery).toMatchObject({ endpointId: id, url, status: 'succeeded' })
  expect(delivery.attempts.map(({ status, responseBody }) => [status, responseBody])).toEqual([
    [500, 'answer 1'],
    [503, 'answer 2'],
    [200, 'answer 3'],
  ])
  expect(delivery.attempts.map(({ error }) => error === null)).toEqual([false, false, true])
})

test('when no try is left the delivery has failed, and the event stays pending', async () => {
  const { received, url } = await receiver(() => new Response('no', { status: 500 }))
  await endpoint(url)
  server.deliveries.configure({ retryPausesMs: [0, 0] })
  await server.stripe.customers.create({})
  await server.deliveries.idle()

  expect(received).toHaveLength(3)
  const event = eventOf('customer.created')
  expect(only(server.deliveries.of(event.id)).status).toBe('failed')
  expect((await server.stripe.events.retrieve(event.id)).pending_webhooks).toBe(1)
})

test('without knobs there are three more tries over a few hours, with growing pauses', async () => {
  const pauses: number[] = []
  const hurried: Timers = {
    setTimeout: (callback, ms) => {
      pauses.push(ms)
      // The time limit of an attempt must not come at once; everything else may.
      return setTimeout(callback, ms === 20_000 ? ms : 0)
    },
    clearTimeout,
  }
  await server.close()
  server = await startSimulator({ retryPausesMs: DEFAULT_KNOBS.retryPausesMs }, hurried)
  opened.push(server)
  const { received, url } = await receiver(() => new Response('no', { status: 500 }))
  await endpoint(url)
  await server.stripe.customers.create({})
  await server.deliveries.idle()

  expect(received).toHaveLength(4)
  const waits = pauses.filter((ms) => ms !== 0 && ms !== 20_000)
  expect(waits).toHaveLength(3)
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
  expect(waits.reduce((sum, ms) => sum + ms)).toBeGreaterThan(2 * 3_600_000)
})

test('a redirect is not followed', async () => {
  const { received, url } = await receiver(({ path }) =>
    path === '/moved' ? Response.redirect(`${url}/target`, 307) : new Response('ok'),
  )
  await endpoint(`${url}/moved`)
  await server.stripe.customers.create({})
  await server.deliveries.idle()

  expect(received.map(({ path }) => path)).toEqual(['/moved'])
  const delivery = only(server.deliveries.of(eventOf('customer.created').id))
  expect(delivery.status).toBe('failed')
  expect(only(delivery.attempts).status).toBe(307)
})

test('where nothing listens the record says so', async () => {
  const gone = await startReceiver()
  await endpoint(gone.url)
  await gone.close()
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  const delivery = only(server.deliveries.of(eventOf('customer.created').id))
  expect(only(delivery.attempts)).toMatchObject({
    status: null,
    error: expect.stringContaining('ECONNREFUSED'),
  })
})

test('a receiver that never answers runs into the time limit', async () => {
  const { url } = await receiver(() => new Promise<Response>(() => {}))
  await endpoint(url)
  server.deliveries.configure({ timeoutMs: 40 })
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  const delivery = only(server.deliveries.of(eventOf('customer.created').id))
  expect(only(delivery.attempts).error).toContain('40 ms')
  expect(delivery.status).toBe('failed')
})

test('a slow endpoint keeps no other waiting, and loses nothing', async () => {
  const fastOnes = Promise.withResolvers<void>()
  const { received, url } = await receiver(async ({ path }) => {
    if (path === '/slow') await fastOnes.promise
    else if (received.filter((one) => one.path === '/fast').length === 3) fastOnes.resolve()
    return new Response('ok')
  })
  await endpoint(`${url}/slow`)
  await endpoint(`${url}/fast`)
  for (const email of ['a@x.example', 'b@x.example', 'c@x.example']) {
    await server.stripe.customers.create({ email })
  }
  await server.deliveries.idle()
  expect(received.filter(({ path }) => path === '/slow')).toHaveLength(3)
  expect(received.filter(({ path }) => path === '/fast')).toHaveLength(3)
})

test('of a long answer the beginning is kept', async () => {
  const { url } = await receiver(() => new Response('x'.repeat(100_000), { status: 400 }))
  await endpoint(url)
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  const delivery = only(server.deliveries.of(eventOf('customer.created').id))
  expect(only(delivery.attempts).responseBody).toBe('x'.repeat(RESPONSE_BYTES_KEPT))
})

test('an endpoint deleted before the retry is not called again', async () => {
  const { received, url } = await receiver(async () => {
    await server.stripe.webhookEndpoints.del(created.id)
    return new Response('no', { status: 500 })
  })
  const created = await endpoint(url)
  server.deliveries.configure({ retryPausesMs: [0] })
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  expect(received).toHaveLength(1)
  expect(only(server.deliveries.of(eventOf('customer.created').id)).status).toBe('dropped')
})

test('an endpoint disabled before the retry is not called again', async () => {
  const { received, url } = await receiver(async () => {
    await server.stripe.webhookEndpoints.update(created.id, { disabled: true })
    return new Response('no', { status: 500 })
  })
  const created = await endpoint(url)
  server.deliveries.configure({ retryPausesMs: [0] })
  await server.stripe.customers.create({})
  await server.deliveries.idle()
  expect(received).toHaveLength(1)
})

test('closing ends what is under way', async () => {
  const arrived = Promise.withResolvers<void>()
  const { url } = await receiver(() => {
    arrived.resolve()
    return new Promise<Response>(() => {})
  })
  await endpoint(url)
  await server.stripe.customers.create({})
  await arrived.promise
  const idle = server.deliveries.idle()
  await server.deliveries.close()
  await idle
  expect(server.deliveries.state().idle).toBe(true)
  const delivery = only(server.deliveries.of(eventOf('customer.created').id))
  expect(delivery.status).toBe('failed')
  expect(only(delivery.attempts).error).toContain('closed')
})
