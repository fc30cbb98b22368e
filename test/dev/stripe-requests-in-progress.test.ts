// Answers that Stripe gives now and then: a 500 that is kept, a 429, a key that is still in use.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clientOf, refusal } from './stripe-api-client.ts'
import { SECRET_KEY, type ServedSimulator, startSimulator } from './stripe-served.ts'

let server: ServedSimulator
beforeEach(async () => {
  server = await startSimulator()
})
afterEach(() => server.close())

async function control(path: string, body?: object): Promise<{ id: string; waiting: number }> {
  const response = await fetch(`${server.url}/_sim${path}`, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as { id: string; waiting: number }
}

const create = (email: string, idempotencyKey: string) =>
  server.stripe.customers.create({ email }, { idempotencyKey })

test('a 500 of an endpoint that had begun is kept: the key never succeeds', async () => {
  const error = { path: '/v1/customers', status: 500, bodyIncludes: 'ada@', stored: true }
  await control('/faults/next-error', error)
  expect(await create('bob@example.com', 'k0')).toHaveProperty('id')
  const first = await refusal(create('ada@example.com', 'k1'))
  expect(first).toMatchObject({ statusCode: 500, type: 'StripeAPIError' })
  expect(first.headers?.['stripe-should-retry']).toBeUndefined()
  const again = await refusal(create('ada@example.com', 'k1'))
  expect(again).toMatchObject({ statusCode: 500 })
  expect(again.headers?.['idempotent-replayed']).toBe('true')
  expect(await create('ada@example.com', 'k2')).toHaveProperty('id')
})

test.each([
  [500, 'StripeAPIError'],
  [429, 'StripeRateLimitError'],
])('a %i from before the endpoint is not kept', async (status, type) => {
  await control('/faults/next-error', { path: '/v1/customers', status, stored: false })
  expect(await refusal(create('ada@example.com', 'k1'))).toMatchObject({ statusCode: status, type })
  expect(await create('ada@example.com', 'k1')).toHaveProperty('id')
})

test('while a request is in progress its key answers 409, which is not kept', async () => {
  const { id } = await control('/idempotency/hold', { bodyIncludes: 'ada@example.com' })
  const first = create('ada@example.com', 'k1')
  expect(await control(`/idempotency/hold/${id}/wait`)).toEqual({ id, waiting: 1 })
  const second = await refusal(create('ada@example.com', 'k1'))
  expect(second).toMatchObject({
    statusCode: 409,
    rawType: 'idempotency_error',
    code: 'idempotency_key_in_use',
  })
  expect(second.headers?.['stripe-should-retry']).toBe('true')
  expect(await create('bob@example.com', 'k2')).toHaveProperty('id')
  await control(`/idempotency/hold/${id}/release`, {})
  const customer = await first
  expect((await create('ada@example.com', 'k1')).id).toBe(customer.id)
  expect((await server.stripe.customers.list({ email: 'ada@example.com' })).data).toHaveLength(1)
})

test('a client that retries gets past the 409 once the first request is done', async () => {
  const { id } = await control('/idempotency/hold', { bodyIncludes: 'ada@example.com' })
  const first = create('ada@example.com', 'k1')
  await control(`/idempotency/hold/${id}/wait`)
  const port = Number(new URL(server.url).port)
  const patient = clientOf(
    { port, url: server.url, close: async () => undefined },
    { maxNetworkRetries: 2 },
    SECRET_KEY,
  )
  const retried = Promise.withResolvers<void>()
  let requests = 0
  patient.on('request', () => {
    requests += 1
    if (requests === 2) retried.resolve()
  })
  const second = patient.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'k1' })
  await retried.promise
  await control(`/idempotency/hold/${id}/release`, {})
  expect((await second).id).toBe((await first).id)
})
