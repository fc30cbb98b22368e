// What a paid call costs by how its handler ends: routes of our own behind the paywall, on the real stack.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { describe, expect, test } from 'vitest'
import type { AppEnv } from '../../src/context.ts'
import { answerError } from '../../src/http/errors.ts'
import { openRequest } from '../../src/http/middleware.ts'
import { paywall } from '../../src/paywall/middleware.ts'
import { Problem } from '../../src/problem.ts'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'
import { heldLeases } from '../support/usage.ts'

const app = testApp()
const { deps } = app
const customer = async () => subscribe(app, await signUp(app))

/** Opened by the test of `/settles-later`, once the answer has gone. */
const gate = Promise.withResolvers<void>()

const shop = new Hono<AppEnv>()
shop.onError(answerError)
shop.use(requestId())
shop.use(openRequest(() => deps))
shop.post('/answers/:status', paywall(), (c) =>
  c.body('an answer', Number(c.req.param('status')) as ContentfulStatusCode),
)
shop.post('/throws', paywall(), () => {
  throw new Error('broken')
})
shop.post('/throws-a-problem', paywall(), () => {
  throw new Problem('stripe_unavailable')
})
shop.post(
  '/throws-late',
  paywall(async () => ({ apiCalls: 1, reactions: 50 })),
  (c) => {
    c.var.paid.settleLater()
    throw new Error('broken before the stream began')
  },
)
shop.post(
  '/settles-later',
  paywall(async () => ({ apiCalls: 1, reactions: 50 })),
  (c) => {
    const settle = c.var.paid.settleLater()
    // As a stream does whose reader has left: the answer has gone by then.
    void gate.promise.then(() => settle({ apiCalls: 1, reactions: 7 }))
    return c.text('gone')
  },
)
shop.post(
  '/settles-twice',
  paywall(async () => ({ apiCalls: 1, reactions: 50 })),
  async (c) => {
    const settle = c.var.paid.settleLater()
    await settle({ apiCalls: 1, reactions: 9 })
    await settle({ apiCalls: 1, reactions: 9 })
    return c.text('done')
  },
)
shop.post(
  '/takes-more-than-it-asked-for',
  paywall(async () => ({ apiCalls: 1, reactions: 50 })),
  async (c) => {
    await c.var.paid.settleLater()({ apiCalls: 2, reactions: 51 })
    return c.text('done')
  },
)

/** Asks, reads the answer whole, and leaves what `waitUntil` was given to the caller. */
async function send(path: string, { key }: { key: string }) {
  const ctx = createExecutionContext()
  const response = await shop.request(
    path,
    { method: 'POST', headers: { 'X-API-Key': key } },
    env,
    ctx,
  )
  await response.text()
  return { status: response.status, settled: () => waitOnExecutionContext(ctx) }
}

const used = async (who: { key: string }) => {
  const { json } = await app.call('GET', '/billing/usage', { key: who.key })
  return { api_calls: json.current_month.api_calls, reactions: json.current_month.reactions }
}
const leasesOf = ({ id }: { id: string }) => heldLeases(id)

describe('a call that we fail', () => {
  test.each([
    ['/answers/500', 500],
    ['/answers/503', 503],
    ['/throws', 500],
    ['/throws-a-problem', 502],
  ])('%s costs nothing and holds nothing', async (path, expected) => {
    const person = await customer()
    const { status, settled } = await send(path, person)
    await settled()
    expect(status).toBe(expected)
    expect(await used(person)).toEqual({ api_calls: 0, reactions: 0 })
    expect(await leasesOf(person)).toEqual([])
  })

  test('after it took the settlement upon itself costs nothing and holds nothing', async () => {
    const person = await customer()
    const { status, settled } = await send('/throws-late', person)
    await settled()
    expect(status).toBe(500)
    expect(await used(person)).toEqual({ api_calls: 0, reactions: 0 })
    expect(await leasesOf(person)).toEqual([])
  })
})

describe('a call that we answer', () => {
  test.each([
    ['/answers/200', 200],
    ['/answers/404', 404],
    ['/answers/499', 499],
  ])('%s costs one, settled', async (path, expected) => {
    const person = await customer()
    const { status, settled } = await send(path, person)
    await settled()
    expect(status).toBe(expected)
    expect(await used(person)).toEqual({ api_calls: 1, reactions: 0 })
    expect(await leasesOf(person)).toEqual([])
  })
})

test.each([
  ['/settles-twice', 'is charged once', { api_calls: 1, reactions: 9 }],
  ['/takes-more-than-it-asked-for', 'is charged what it says', { api_calls: 2, reactions: 51 }],
])('%s %s', async (path, _, expected) => {
  const person = await customer()
  const { status, settled } = await send(path, person)
  await settled()
  expect(status).toBe(200)
  expect(await used(person)).toEqual(expected)
  expect(await leasesOf(person)).toEqual([])
})

test('a settlement that begins after the answer has gone is waited for by the platform', async () => {
  const person = await customer()
  const { status, settled } = await send('/settles-later', person)
  let over = false
  const waiting = settled().then(() => {
    over = true
  })
  // A round trip to the stack: ample time for a platform that waits for nothing.
  expect(await used(person)).toEqual({ api_calls: 0, reactions: 0 })
  expect([status, over]).toEqual([200, false])
  gate.resolve()
  await waiting
  expect(await used(person)).toEqual({ api_calls: 1, reactions: 7 })
})

test('a client that stops reading and then leaves is charged for what it got, and its stream ends', async () => {
  const person = await customer()
  const client = new AbortController()
  const ctx = createExecutionContext()
  const request = new Request('http://localhost/api/v1/datasets/generate', {
    method: 'POST',
    headers: { 'X-API-Key': person.key, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      dataset_type: 'reaction_trajectories',
      params: { runs: 1, max_reactions: 9_000, seed: 3 },
    }),
    signal: client.signal,
  })
  const response = await app.app.request(request, undefined, env, ctx)
  const reader = response.body?.getReader()
  const first = await reader?.read()
  client.abort()
  await expect(reader?.read()).rejects.toThrow()
  await waitOnExecutionContext(ctx)
  const lines = new TextDecoder().decode(first?.value).split('\n').length
  const { api_calls, reactions } = await used(person)
  expect(api_calls).toBe(1)
  expect(reactions).toBeGreaterThan(0)
  expect(reactions).toBeLessThanOrEqual(lines)
  expect(await leasesOf(person)).toEqual([])
})
