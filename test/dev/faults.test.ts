// Each kind of fault, seen from the client and from the app behind it.
import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FaultOrder } from '../../dev/faults/order.ts'
import { withFaults } from '../../dev/faults.ts'
import { type Listening, listen } from './neon-fixture.ts'

/** Bodies that reached the app, in order. */
let carriedOut: string[] = []
let server: Listening
/** Unguessable, so that a fault meets the requests of one test alone. */
let mark = ''

beforeAll(async () => {
  const app = new Hono()
  app.post('/work/*', async (c) => {
    carriedOut.push(await c.req.text())
    return c.json({ done: true }, 201, { 'x-app': 'yes' })
  })
  app.get('/work', (c) => c.text('read'))
  app.delete('/work', (c) => c.body(null, 204))
  app.get('/_sim/state', (c) => c.text('the state'))
  server = await listen(withFaults(app))
})
afterAll(() => server.close())
beforeEach(() => {
  carriedOut = []
  mark = randomUUID()
})

const work = (body = mark, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/work/item`, { method: 'POST', body, ...(signal ? { signal } : {}) })
const control = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${server.url}/_faults${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
async function order(fault: FaultOrder['fault'], more: Partial<FaultOrder> = {}): Promise<string> {
  const response = await control('POST', '', { match: { bodyIncludes: mark }, fault, ...more })
  expect(response.status).toBe(201)
  return ((await response.json()) as { id: string }).id
}
async function state(id: string, wait = ''): Promise<{ hits: number; waiting: number }> {
  const response = await control('GET', `/${id}${wait}`)
  return (await response.json()) as { hits: number; waiting: number }
}
const connectionError = expect.objectContaining({ message: 'fetch failed' })

describe('kinds', () => {
  test('status answers in the place of the app', async () => {
    await order({ kind: 'status', status: 503, body: 'gone fishing', contentType: 'text/plain' })
    const response = await work()
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(await response.text()).toBe('gone fishing')
    expect(carriedOut).toEqual([])
  })

  test('status may be one without a body', async () => {
    await order({ kind: 'status', status: 204, body: 'ignored' })
    expect((await work()).status).toBe(204)
  })

  test('reset breaks the connection and the app never hears of it', async () => {
    await order({ kind: 'reset' }, { times: 1 })
    await expect(work()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(carriedOut).toEqual([])
    expect((await work()).status).toBe(201)
  })

  test('lose-answer carries the request out and breaks the connection', async () => {
    await order({ kind: 'lose-answer' }, { times: 1 })
    await expect(work()).rejects.toEqual(connectionError)
    expect(carriedOut).toEqual([mark])
  })

  test('hang lasts until the client gives up', async () => {
    const id = await order({ kind: 'hang' })
    const patience = new AbortController()
    const answer = work(mark, patience.signal)
    expect(await state(id, '/wait?hits=1')).toEqual({ id, hits: 1, waiting: 1 })
    patience.abort()
    await expect(answer).rejects.toThrow(/abort/)
    // The server hears of it a moment later; a request that it never lets go ends in the time limit.
    while ((await state(id)).waiting > 0);
    expect(carriedOut).toEqual([])
  })

  test('hang ends without an answer when the fault is deleted', async () => {
    const id = await order({ kind: 'hang' })
    const answer = work()
    await state(id, '/wait?hits=1')
    const refused = expect(answer).rejects.toEqual(connectionError)
    expect((await control('DELETE', `/${id}`)).status).toBe(204)
    await refused
    expect(carriedOut).toEqual([])
    expect((await work()).status).toBe(201)
  })

  test('hold delays the request until it is released, then everything passes', async () => {
    const id = await order({ kind: 'hold' })
    const answers = [work(`1 ${mark}`), work(`2 ${mark}`)]
    expect(await state(id, '/wait?hits=2')).toEqual({ id, hits: 2, waiting: 2 })
    expect(carriedOut).toEqual([])
    expect((await control('POST', `/${id}/release`)).status).toBe(200)
    const responses = await Promise.all(answers)
    expect(responses.map((response) => response.status)).toEqual([201, 201])
    expect(responses[0]?.headers.get('x-app')).toBe('yes')
    expect(carriedOut.toSorted()).toEqual([`1 ${mark}`, `2 ${mark}`])
    expect((await work()).status).toBe(201)
    expect(await state(id)).toEqual({ id, hits: 3, waiting: 0 })
  })

  test('a held request is carried out late when its client has gone meanwhile', async () => {
    const id = await order({ kind: 'hold' })
    const patience = new AbortController()
    const answer = work(mark, patience.signal)
    await state(id, '/wait')
    patience.abort()
    await expect(answer).rejects.toThrow(/abort/)
    await control('POST', `/${id}/release`)
    await work(`after ${mark}`)
    expect(carriedOut).toEqual([mark, `after ${mark}`])
  })

  test('a hold that is deleted drops what it holds', async () => {
    const id = await order({ kind: 'hold' })
    const refused = expect(work()).rejects.toEqual(connectionError)
    await state(id, '/wait')
    await control('DELETE', `/${id}`)
    await refused
    expect(carriedOut).toEqual([])
  })

  test('truncate carries the request out and answers with half of the body', async () => {
    await order({ kind: 'truncate' }, { times: 1 })
    const response = await work()
    expect(response.status).toBe(201)
    expect(response.headers.get('x-app')).toBe('yes')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('content-length')).toBe('6')
    expect(await response.text()).toBe('{"done')
    expect(carriedOut).toEqual([mark])
    await expect((await work()).json()).resolves.toEqual({ done: true })
  })

  test('truncate leaves an answer without a body as it is', async () => {
    const id = await order({ kind: 'truncate' }, { match: { method: 'DELETE' }, times: 1 })
    expect((await fetch(`${server.url}/work`, { method: 'DELETE' })).status).toBe(204)
    expect(await state(id)).toMatchObject({ hits: 1 })
  })

  test('break-off carries the request out and breaks the connection within the body', async () => {
    await order({ kind: 'break-off' }, { times: 1 })
    const response = await work()
    expect(response.status).toBe(201)
    expect(response.headers.get('x-app')).toBe('yes')
    expect(response.headers.get('content-length')).toBe('13')
    const received: Uint8Array[] = []
    const read = async () => {
      for await (const chunk of response.body ?? []) received.push(chunk)
    }
    await expect(read()).rejects.toThrow('terminated')
    expect(Buffer.concat(received).toString()).toBe('{"done')
    expect(carriedOut).toEqual([mark])
    expect((await work()).status).toBe(201)
  })

  test('slow carries the request out and answers later', async () => {
    await order({ kind: 'slow', afterMs: 30 }, { times: 1 })
    const sentAt = performance.now()
    const response = await work()
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(30)
    expect(response.status).toBe(201)
    expect(response.headers.get('x-app')).toBe('yes')
    expect(await response.json()).toEqual({ done: true })
  })

  test('slow answers come late side by side, and what they did is done before', async () => {
    const id = await order({ kind: 'slow', afterMs: 60_000 })
    const patience = new AbortController()
    const answers = [work(`1 ${mark}`, patience.signal), work(`2 ${mark}`, patience.signal)]
    while ((await state(id)).waiting < 2);
    expect(carriedOut.toSorted()).toEqual([`1 ${mark}`, `2 ${mark}`])
    patience.abort()
    for (const answer of answers) await expect(answer).rejects.toThrow(/abort/)
    while ((await state(id)).waiting > 0);
  })

  test('a slow answer is lost when the fault is deleted', async () => {
    const id = await order({ kind: 'slow', afterMs: 60_000 })
    const refused = expect(work()).rejects.toEqual(connectionError)
    while ((await state(id)).waiting < 1);
    await control('DELETE', `/${id}`)
    await refused
    expect(carriedOut).toEqual([mark])
  })
})

describe('matching', () => {
  test.each([
    ['another body', { bodyIncludes: randomUUID() }],
    ['another method', { method: 'PUT' }],
    ['another path', { path: '/workshop' }],
  ])('%s passes', async (_what, match) => {
    const id = await order(
      { kind: 'status', status: 500 },
      { match: { bodyIncludes: mark, ...match } },
    )
    expect((await work()).status).toBe(201)
    expect(await state(id)).toMatchObject({ hits: 0 })
  })

  test('method, path prefix and part of the body meet together', async () => {
    const match = { method: 'post', path: '/work/', bodyIncludes: mark }
    await order({ kind: 'status', status: 500 }, { match })
    expect((await work(`{"key":"${mark}"}`)).status).toBe(500)
    expect((await work('{}')).status).toBe(201)
    expect((await fetch(`${server.url}/work`)).status).toBe(200)
  })

  test('a control path is never met', async () => {
    const id = await order({ kind: 'status', status: 500 }, { match: { path: '/_sim' } })
    expect((await fetch(`${server.url}/_sim/state`)).status).toBe(200)
    expect(await state(id)).toMatchObject({ hits: 0 })
  })

  test('times ends it, and the next fault takes over', async () => {
    await order({ kind: 'status', status: 500 }, { times: 2 })
    await order({ kind: 'status', status: 429 }, { times: 1 })
    const statuses = []
    for (let i = 0; i < 4; i += 1) statuses.push((await work()).status)
    expect(statuses).toEqual([500, 500, 429, 201])
  })
})

describe('control', () => {
  test.each([
    ['no JSON', undefined],
    ['no fault', { match: {} }],
    ['an unknown kind', { match: {}, fault: { kind: 'explode' } }],
    ['a status that is none', { match: {}, fault: { kind: 'status', status: 42 } }],
    ['a misspelt member', { match: { bodyInclude: 'x' }, fault: { kind: 'hang' } }],
    ['a delay past all patience', { match: {}, fault: { kind: 'slow', afterMs: 60_001 } }],
    ['no delay', { match: {}, fault: { kind: 'slow' } }],
    ['no times', { match: {}, fault: { kind: 'hang' }, times: 0 }],
  ])('%s is refused', async (_what, body) => {
    const response = await control('POST', '', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.any(String) })
  })

  test('an unknown fault is not found', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/wait'],
      ['POST', '/release'],
      ['DELETE', ''],
    ] as const) {
      expect((await control(method, `/${randomUUID()}${path}`)).status).toBe(404)
    }
  })

  test('who waits for hits hears when the fault is deleted', async () => {
    const id = await order({ kind: 'status', status: 500 })
    const waiting = control('GET', `/${id}/wait?hits=2`)
    await work()
    await control('DELETE', `/${id}`)
    expect((await waiting).status).toBe(404)
  })

  test('only a hold is released', async () => {
    const id = await order({ kind: 'hang' })
    expect((await control('POST', `/${id}/release`)).status).toBe(409)
  })

  test('waiting for no number of hits is refused', async () => {
    const id = await order({ kind: 'hang' })
    expect((await control('GET', `/${id}/wait?hits=none`)).status).toBe(400)
  })
})
