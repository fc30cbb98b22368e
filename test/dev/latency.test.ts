// The round trip that is added to the answers of an app.
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { withLatency } from '../../dev/latency.ts'
import { serve } from '../../dev/serve.ts'

function appUnderTest() {
  const carriedOut: string[] = []
  const app = new Hono()
  app.get('/_sim/state', (c) => c.text('the state'))
  app.all('*', async (c) => {
    carriedOut.push(c.req.path)
    return c.json({ body: await c.req.text() }, 201, { 'x-app': 'yes' })
  })
  const far = withLatency(app)
  const order = (body: unknown) =>
    far.request('/_latency', { method: 'PUT', body: JSON.stringify(body) })
  return { far, carriedOut, order }
}

describe('on a clock that the test moves', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Sends requests side by side, and notes which are answered. */
  function send(far: Hono, ...paths: string[]): string[] {
    const answered: string[] = []
    for (const path of paths) {
      void Promise.resolve(far.request(path)).then(() => answered.push(path))
    }
    return answered
  }

  test('answers come that much later, side by side, and the work is done at once', async () => {
    const { far, carriedOut, order } = appUnderTest()
    expect((await order({ roundTripMs: 20 })).status).toBe(204)
    const answered = send(far, '/a', '/b', '/c')
    await vi.advanceTimersByTimeAsync(19)
    expect(answered).toEqual([])
    expect(carriedOut).toEqual(['/a', '/b', '/c'])
    await vi.advanceTimersByTimeAsync(1)
    expect(answered).toEqual(['/a', '/b', '/c'])
  })

  test('a part of a millisecond counts', async () => {
    const { far, order } = appUnderTest()
    await order({ roundTripMs: 2.5 })
    const answered = send(far, '/a')
    await vi.advanceTimersByTimeAsync(2)
    expect(answered).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(answered).toEqual(['/a'])
  })

  test('0 switches it off, for what comes from then on', async () => {
    const { far, order } = appUnderTest()
    await order({ roundTripMs: 20 })
    const before = send(far, '/before')
    expect((await order({ roundTripMs: 0 })).status).toBe(204)
    expect((await far.request('/after')).status).toBe(201)
    expect(before).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(before).toEqual(['/before'])
  })

  test('there is none before it is ordered, and none on control paths ever', async () => {
    const { far, order } = appUnderTest()
    expect((await far.request('/a')).status).toBe(201)
    await order({ roundTripMs: 20 })
    expect(await (await far.request('/_sim/state')).text()).toBe('the state')
  })
})

test('over a connection, the answer is whole and no sooner than the round trip', async () => {
  const { far, order } = appUnderTest()
  const served = await serve(far, 0, 'test')
  try {
    await order({ roundTripMs: 20 })
    for (let i = 0; i < 5; i += 1) {
      const sentAt = performance.now()
      const answer = await fetch(`${served.url}/work`, { method: 'POST', body: 'job' })
      expect(performance.now() - sentAt).toBeGreaterThanOrEqual(20)
      expect(answer.status).toBe(201)
      expect(answer.headers.get('x-app')).toBe('yes')
      expect(await answer.json()).toEqual({ body: 'job' })
    }
  } finally {
    await served.close()
  }
})

test.each([
  ['no JSON', undefined],
  ['no round trip', {}],
  ['a round trip that ends before it begins', { roundTripMs: -1 }],
  ['one past all patience', { roundTripMs: 60_001 }],
  ['a misspelt member', { roundTripMs: 1, roundTrip: 1 }],
])('%s is refused', async (_what, body) => {
  const { order } = appUnderTest()
  const answer = await order(body)
  expect(answer.status).toBe(400)
  expect(await answer.json()).toEqual({ error: expect.any(String) })
})
