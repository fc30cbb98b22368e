// Late, twice, out of order, again: what the knobs do to webhooks, as their receiver sees it.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDeliveries } from '../../dev/stripe/deliveries.ts'
import {
  type Receiver,
  type ServedSimulator,
  startReceiver,
  startSimulator,
} from './stripe-served.ts'

let server: ServedSimulator
let hook: Receiver

beforeEach(async () => {
  server = await startSimulator()
  hook = await startReceiver()
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
})
afterEach(async () => {
  await server.close()
  await hook.close()
})

const NAMES = ['one', 'two', 'three', 'four', 'five', 'six']

async function createCustomers(names = NAMES): Promise<void> {
  for (const name of names) await server.stripe.customers.create({ name })
}

/** The customers' names in the order of arrival. */
function arrivals(): string[] {
  return hook.received.map(({ body }) => JSON.parse(body).data.object.name)
}

test('each event is sent as often as `repeat` says, under one id', async () => {
  server.deliveries.configure({ repeat: 3 })
  await createCustomers(['one'])
  await server.deliveries.idle()
  const ids = hook.received.map(({ body }) => JSON.parse(body).id)
  expect(ids).toHaveLength(3)
  expect(new Set(ids).size).toBe(1)
  expect((await server.stripe.events.retrieve(ids[0])).pending_webhooks).toBe(0)
})

test('held events leave at a flush and not before', async () => {
  server.deliveries.configure({ hold: true })
  await createCustomers()
  await server.deliveries.idle()
  expect(arrivals()).toEqual([])
  expect(server.deliveries.state()).toEqual({ held: 6, underWay: 0, idle: true })

  expect(server.deliveries.flush()).toBe(6)
  await server.deliveries.idle()
  expect(arrivals()).toEqual(NAMES)
  expect(server.deliveries.settings().hold).toBe(true)
})

test('switching `hold` off sends what was held', async () => {
  server.deliveries.configure({ hold: true })
  await createCustomers(['one'])
  server.deliveries.configure({ hold: false })
  await server.deliveries.idle()
  expect(arrivals()).toEqual(['one'])
})

test('a flush waits for each answer, so that the order sent is the order seen', async () => {
  let open = 0
  let most = 0
  const slow = await startReceiver(async () => {
    open += 1
    most = Math.max(most, open)
    // Round trips of its own: had the next one left, it would arrive during these.
    for (let trip = 0; trip < 5; trip += 1) await server.stripe.customers.list()
    open -= 1
    return new Response('ok')
  })
  await server.stripe.webhookEndpoints.create({ url: slow.url, enabled_events: ['*'] })
  server.deliveries.configure({ hold: true })
  await createCustomers()
  server.deliveries.flush()
  await server.deliveries.idle()
  await slow.close()
  expect(slow.received).toHaveLength(6)
  expect(most).toBe(1)
})

test('a flush can send them backwards', async () => {
  server.deliveries.configure({ hold: true, order: 'reversed' })
  await createCustomers()
  server.deliveries.flush()
  await server.deliveries.idle()
  expect(arrivals()).toEqual(NAMES.toReversed())
})

test('a shuffle is one of its seed: the same again, and another for another', async () => {
  const shuffled = async (seed: number) => {
    hook.received.length = 0
    server.deliveries.configure({ hold: true, order: 'shuffled', seed })
    await createCustomers()
    server.deliveries.flush()
    await server.deliveries.idle()
    return arrivals()
  }
  const first = await shuffled(7)
  expect(first.toSorted()).toEqual(NAMES.toSorted())
  expect(first).not.toEqual(NAMES)
  expect(await shuffled(7)).toEqual(first)
  expect(await shuffled(8)).not.toEqual(first)
})

test('without hold, events gather for the window and leave in the order asked for', async () => {
  const started: (() => void)[] = []
  await server.close()
  // The window ends when the test says so; time limits never do.
  server = await startSimulator(
    { order: 'reversed', windowMs: 1234 },
    {
      setTimeout: (callback, ms) => {
        if (ms === 1234) started.push(callback)
        return setTimeout(callback, ms === 1234 ? 86_400_000 : ms)
      },
      clearTimeout,
    },
  )
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
  await createCustomers()
  expect(server.deliveries.state().underWay).toBe(6)
  expect(arrivals()).toEqual([])
  expect(started).toHaveLength(1)
  started[0]?.()
  await server.deliveries.idle()
  expect(arrivals()).toEqual(NAMES.toReversed())
})

test('`delayMs` is the pause before the first attempt', async () => {
  const pauses: number[] = []
  await server.close()
  server = await startSimulator(
    { delayMs: 4321 },
    {
      setTimeout: (callback, ms) => {
        pauses.push(ms)
        return setTimeout(callback, ms === 4321 ? 0 : ms)
      },
      clearTimeout,
    },
  )
  await server.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] })
  await createCustomers(['one'])
  await server.deliveries.idle()
  expect(arrivals()).toEqual(['one'])
  expect(pauses[0]).toBe(4321)
})

test('an event is sent again to all that ask for it, or to the one named', async () => {
  const other = await server.stripe.webhookEndpoints.create({
    url: `${hook.url}/other`,
    enabled_events: ['invoice.paid'],
  })
  await createCustomers(['one'])
  await server.deliveries.idle()
  const id: string = JSON.parse(hook.received[0]?.body ?? '').id

  // Even while others are held: a person asked for this one now.
  server.deliveries.configure({ hold: true })
  expect(server.deliveries.resend(id)).toMatchObject({ kind: 'sent', deliveries: [{}] })
  await server.deliveries.idle()
  expect(hook.received.map(({ path }) => path)).toEqual(['/', '/'])
  expect(JSON.parse(hook.received[1]?.body ?? '').id).toBe(id)

  server.deliveries.resend(id, other.id)
  await server.deliveries.idle()
  expect(hook.received.map(({ path }) => path)).toEqual(['/', '/', '/other'])
  expect(server.deliveries.of(id).map(({ trigger }) => trigger)).toEqual([
    'automatic',
    'resend',
    'resend',
  ])
})

test('what cannot be sent again is said', async () => {
  expect(server.deliveries.resend('evt_none')).toEqual({ kind: 'unknown_event' })
  await createCustomers(['one'])
  const { id } = [...server.sim.data.events.values()][0] ?? { id: '' }
  expect(server.deliveries.resend(id, 'we_none')).toEqual({ kind: 'unknown_endpoint' })
})

test('a restart delivers what the earlier run did not get through', async () => {
  server.deliveries.configure({ hold: true })
  await createCustomers(['one', 'two'])
  await server.deliveries.close()
  expect(arrivals()).toEqual([])

  const next = createDeliveries({ source: server.sim })
  expect(next.deliverOutstanding()).toBe(2)
  // Those are on their way now: asked again, nothing is sent twice.
  expect(next.deliverOutstanding()).toBe(0)
  await next.idle()
  expect(arrivals().toSorted()).toEqual(['one', 'two'])
  expect(next.deliverOutstanding()).toBe(0)
  await next.close()
})

test('a knob out of range is refused and nothing is turned', async () => {
  expect(() => server.deliveries.configure({ repeat: 0 })).toThrow()
  expect(server.deliveries.settings().repeat).toBe(1)
})
