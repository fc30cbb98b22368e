// The line that each request has: what it tells, in every way a request may end.
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import type { LogFields } from '../../src/log.ts'
import { signUp, testApp, unique } from '../support/app.ts'
import { gateway, payingCustomer } from '../support/origin.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const person = await subscribe(app, await signUp(app))
const stranger = await signUp(app)
const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } }

/** The lines of one call, and its answer. What needs no configuration has no log but the console. */
async function linesOf(...call: Parameters<typeof app.call>) {
  const before = app.requests.length
  const { value: answer, lines } = await onConsole(() => app.call(...call))
  return { answer, lines: [...app.requests.slice(before), ...lines] }
}

/** What `work` gives, and what was written to the console meanwhile. */
async function onConsole<T>(work: () => Promise<T> | T) {
  const lines: LogFields[] = []
  const { info, error } = console
  console.info = (line: string) => lines.push(JSON.parse(line))
  console.error = console.info
  try {
    return { value: await work(), lines }
  } finally {
    Object.assign(console, { info, error })
  }
}

describe('a request has one line', () => {
  test.each([
    ['GET', '/health', {}, { route: '/api/v1/health', status: 200, layer: 'none' }],
    ['GET', '/billing/plans', {}, { route: '/api/v1/billing/plans', status: 200 }],
    ['HEAD', '/billing/plans', {}, { method: 'HEAD', route: '/api/v1/billing/plans', status: 200 }],
    ['OPTIONS', '/billing/plans', {}, { route: '/api/v1/billing/plans', status: 204 }],
    [
      'GET',
      '/nowhere?secret=1',
      {},
      { route: null, status: 404, code: 'not_found', layer: 'none' },
    ],
    [
      'DELETE',
      '/billing/plans',
      {},
      { route: '/api/v1/billing/plans', status: 405, code: 'method_not_allowed' },
    ],
    [
      'POST',
      '/auth/login',
      { body: {} },
      { route: '/api/v1/auth/login', status: 422, code: 'invalid_request' },
    ],
    [
      'POST',
      '/auth/login',
      { body: { email: person.email, password: person.password } },
      { route: '/api/v1/auth/login', status: 200, account_id: person.id },
    ],
    ['GET', '/billing/usage', {}, { status: 401, code: 'missing_credentials', layer: 'none' }],
    [
      'GET',
      '/billing/usage',
      { token: person.token },
      { route: '/api/v1/billing/usage', status: 200, account_id: person.id },
    ],
    [
      'POST',
      '/datasets/generate',
      { body: order },
      { route: '/api/v1/datasets/generate', status: 401, code: 'missing_api_key', layer: 'none' },
    ],
    [
      'POST',
      '/datasets/generate',
      { body: order, key: stranger.key },
      { status: 402, code: 'subscription_required', account_id: stranger.id, layer: 'redis' },
    ],
    [
      'POST',
      '/datasets/generate',
      { body: {}, key: person.key },
      { status: 422, code: 'invalid_request', account_id: person.id },
    ],
  ] as const)('%s %s %#', async (method, path, call, told) => {
    const { answer, lines } = await linesOf(method, path, call)
    expect(lines).toEqual([expect.objectContaining(told)])
    const id = answer.headers.get('X-Request-Id')
    expect(lines[0]).toMatchObject({ level: 'info', method, status: answer.status, request_id: id })
    expect(lines[0]?.ms).toBeGreaterThanOrEqual(0)
  })
})

test('a paid call’s line tells who let it in, by which key and which layer, and the time of each step', async () => {
  const { answer, lines } = await linesOf('POST', '/datasets/generate', {
    body: order,
    key: person.key,
  })
  expect(answer.status).toBe(200)
  const [line] = lines
  expect(line).toMatchObject({
    account_id: person.id,
    key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    layer: expect.stringMatching(/^(memory|redis|postgres)$/),
  })
  expect(answer.headers.get('Server-Timing')).toContain(`desc="${line?.layer}"`)
  expect([line?.ms, line?.ms_paywall, line?.ms_handler]).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ])
})

test('an account’s own call tells how long its door took', async () => {
  const { lines } = await linesOf('GET', '/billing/usage', { token: person.token })
  expect(lines[0]?.ms_auth).toEqual(expect.any(Number))
})

test('a failure of ours is an error, with the event that says why', async () => {
  const broken = testApp()
  const someone = await signUp(broken)
  broken.deps.db.select = () => {
    throw new Error('the inside')
  }
  const { json } = await broken.call('GET', '/billing/usage', { token: someone.token })
  const line = broken.requests.at(-1)
  expect(line).toMatchObject({
    level: 'error',
    status: 500,
    code: 'internal_error',
    request_id: json.request_id,
  })
  expect(broken.logs.at(-1)).toMatchObject({
    event: 'internal_error',
    fields: { request_id: json.request_id, route: '/api/v1/billing/usage' },
  })
})

test('HEAD whose body breaks has its headers and its line, and no length', async () => {
  const broken = testApp()
  broken.app.get('/api/v1/broken', () => {
    const start = (body: ReadableStreamDefaultController) => body.error(new Error('the inside'))
    return new Response(new ReadableStream({ start }), { headers: { 'X-Own': 'kept' } })
  })
  const { status, headers } = await broken.call('HEAD', '/broken')
  const id = headers.get('X-Request-Id')
  expect([status, headers.get('X-Own'), id]).toEqual([200, 'kept', expect.any(String)])
  expect([headers.get('X-Content-Type-Options'), headers.get('Content-Length')]).toEqual([
    'nosniff',
    null,
  ])
  expect(broken.requests).toMatchObject([{ route: '/api/v1/broken', status: 200, request_id: id }])
  expect(broken.logs).toMatchObject([{ event: 'head_body_failed', fields: { request_id: id } }])
})

describe('the gateway', () => {
  const shop = gateway('/base')

  test('names no path of the origin, and says when the origin has answered', async () => {
    const customer = await payingCustomer(shop, 'pro')
    const secret = unique('in-the-path')
    const before = shop.requests.length
    for (const path of [`/echo/${secret}?q=${secret}`, `/echo?status=503&q=${secret}`]) {
      const { settled } = await shop.send(path, { key: customer.key })
      await settled()
    }
    await shop.send(`/${secret}`)
    const lines = shop.requests.slice(before)
    expect(lines).toMatchObject([
      { route: 'gateway', status: 200, origin: true, account_id: customer.id, layer: 'redis' },
      { route: 'gateway', status: 503, origin: true, account_id: customer.id, level: 'error' },
      { route: 'gateway', status: 401, code: 'missing_api_key', layer: 'none' },
    ])
    expect(lines[2]?.origin).toBeUndefined()
    expect(JSON.stringify(lines)).not.toContain(secret)
  })
})

test('without a configuration there is a line too', async () => {
  const { lines } = await onConsole(() => createApp().request('/api/v1/billing/plans', {}, {}))
  expect(lines).toMatchObject([
    { event: 'misconfigured' },
    { event: 'request', status: 500, code: 'misconfigured', level: 'error' },
  ])
})
