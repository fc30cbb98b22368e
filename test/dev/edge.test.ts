// What stands in front of an app of the stack under test: latency, faults and meter together.
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testEdge } from '../../dev/edge.ts'
import type { FaultOrder } from '../../dev/faults/order.ts'
import { type Served, serve } from '../../dev/serve.ts'

let served: Served

beforeAll(async () => {
  const app = new Hono()
  app.get('/work', (c) => c.json({ done: true }))
  const holdsTwo = () => 2
  served = await serve(testEdge(app, holdsTwo), 0, 'test')
})
afterAll(() => served.close())

const send = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(served.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
async function control(method: string, path: string, body?: unknown): Promise<void> {
  const { ok } = await send(method, path, body)
  expect(ok).toBe(true)
}
/** Meets any path, and that once. */
const orderOnce = (fault: FaultOrder['fault']) =>
  control('POST', '/_faults', { match: {}, fault, times: 1 })
const counted = async () => (await send('GET', '/_meter')).json()

beforeEach(async () => {
  await control('PUT', '/_latency', { roundTripMs: 0 })
  await control('DELETE', '/_meter')
})

test('the meter counts by the rule that it was given', async () => {
  await send('GET', '/work')
  expect(await counted()).toEqual({ requests: 1, commands: 2 })
})

test('what a fault answers in the place of the app takes the round trip and is not counted', async () => {
  await control('PUT', '/_latency', { roundTripMs: 20 })
  await orderOnce({ kind: 'status', status: 503 })
  const sentAt = performance.now()
  expect((await send('GET', '/work')).status).toBe(503)
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(20)
  expect(await counted()).toEqual({ requests: 0, commands: 0 })
})

test.each([
  ['lose-answer', 1],
  ['reset', 0],
] as const)('%s breaks the connection, with %i request carried out', async (kind, requests) => {
  await control('PUT', '/_latency', { roundTripMs: 20 })
  await orderOnce({ kind })
  await expect(send('GET', '/work')).rejects.toThrow('fetch failed')
  expect(await counted()).toMatchObject({ requests })
  expect((await send('GET', '/work')).status).toBe(200)
})

test('a fault that meets everything spares the controls', async () => {
  await orderOnce({ kind: 'status', status: 500 })
  await control('GET', '/_meter')
  await control('DELETE', '/_meter')
  await control('PUT', '/_latency', { roundTripMs: 0 })
  expect((await send('GET', '/work')).status).toBe(500)
})
