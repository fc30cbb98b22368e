// The HTTP skin: every answer's id, every refusal's form.
import { env } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { freshAddress, signUp, testApp } from '../support/app.ts'

const app = testApp()
const { call } = app

test('health needs nothing, not even a configuration', async () => {
  const { status, json } = await call('GET', '/health')
  expect([status, json]).toEqual([
    200,
    { status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
  ])
  const { status: unconfigured } = await createApp().request('/api/v1/health', {}, {})
  expect(unconfigured).toBe(200)
})

describe('an error', () => {
  test('is a problem document with all members', async () => {
    const { status, json, headers } = await call('GET', '/nowhere')
    expect(status).toBe(404)
    expect(headers.get('Content-Type')).toBe('application/problem+json')
    expect(json).toEqual({
      type: 'urn:tollgate:problem:not_found',
      title: 'Not found',
      status: 404,
      detail: expect.stringMatching(/\w/),
      code: 'not_found',
      request_id: headers.get('X-Request-Id'),
    })
  })

  test.each([
    '/',
    '/api',
    '/api/v1',
    '/api/v1/',
    '/api/v1/auth/',
    '/api/v2/health',
    '//api/v1/health',
  ])('at the unknown path %s is 404', async (path) => {
    const response = await app.app.request(path, {}, {})
    expect(response.status).toBe(404)
    expect(((await response.json()) as { code: string }).code).toBe('not_found')
  })
})

describe('a body', () => {
  const post = (body: string, type = 'application/json') =>
    call('POST', '/auth/login', { body, headers: { 'Content-Type': type } })
  const upload = (body: ReadableStream) =>
    app.app.request(
      new Request('http://localhost/api/v1/auth/login', {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
      }),
      undefined,
      {},
    )
  /** Chunks of 32 KiB, as they are asked for. */
  function uploadOf(chunks: number) {
    let sent = 0
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === chunks) return controller.close()
        sent += 1
        controller.enqueue(new Uint8Array(32 * 1024))
      },
      cancel() {
        isCancelled = true
      },
    })
    return { body, sent: () => sent, isCancelled: () => isCancelled }
  }

  test.each(['', '{', '{"email":}', 'email=a'])('%j is malformed', async (body) => {
    const { status, json } = await post(body)
    expect([status, json.code]).toEqual([400, 'malformed_json'])
  })

  test('that is not UTF-8 is malformed', async () => {
    const response = await app.app.request(
      '/api/v1/auth/login',
      {
        method: 'POST',
        body: new Uint8Array([0x7b, 0xff, 0x7d]),
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': '2001:db8::77' },
      },
      {},
    )
    expect(response.status).toBe(400)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'of the media type %j is refused',
    async (type) => {
      const { status, json } = await post('{}', type)
      expect([status, json.code]).toEqual([415, 'unsupported_media_type'])
    },
  )

  test('of JSON with a charset is read', async () => {
    expect((await post('{}', 'Application/JSON; charset=utf-8')).json.code).toBe('invalid_request')
  })

  test('too large is refused, whether its length is told or not', async () => {
    const large = `{"email":"${'x'.repeat(70_000)}"}`
    expect((await post(large)).json.code).toBe('payload_too_large')
    expect((await upload(new Blob([large]).stream())).status).toBe(413)
  })

  test('too large is heard to its end, so that its sender hears the answer', async () => {
    const stream = uploadOf(100)
    const { status } = await upload(stream.body)
    expect([status, stream.sent(), stream.isCancelled()]).toEqual([413, 100, false])
  })

  test('without an end is not', async () => {
    const stream = uploadOf(Infinity)
    const { status } = await upload(stream.body)
    expect([status, stream.sent() < 1100]).toEqual([413, true])
  })
})

describe('the request id', () => {
  test('is the caller’s where it is a sensible one, and ours otherwise', async () => {
    const id = (value: string) => call('GET', '/health', { headers: { 'X-Request-Id': value } })
    expect((await id('trace-123')).headers.get('X-Request-Id')).toBe('trace-123')
    expect((await id('a b<script>')).headers.get('X-Request-Id')).toMatch(
      /^[0-9a-f]{24}-[0-9a-z]+$/,
    )
    expect((await call('GET', '/health')).headers.get('X-Request-Id')).toMatch(
      /^[0-9a-f]{24}-[0-9a-z]+$/,
    )
  })
})

describe('the configuration', () => {
  test('that is incomplete answers once, naming every variable and no value', async () => {
    const response = await createApp().request(
      '/api/v1/billing/plans',
      {},
      { STRIPE_SECRET_KEY: 'hush', JWT_SECRET_KEY: 'short' },
    )
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(JSON.parse(text).code).toBe('misconfigured')
    for (const name of [
      'DATABASE_URL',
      'STRIPE_SECRET_KEY',
      'JWT_SECRET_KEY',
      'UPSTASH_REDIS_REST_URL',
    ]) {
      expect(text).toContain(name)
    }
    expect(text).not.toMatch(/hush|short/)
  })

  test('without rate limiters is incomplete: no door stands open unnoticed', async () => {
    const { AUTH_ADDRESS_LIMIT: _, ...rest } = env as Record<string, unknown>
    const response = await createApp().request('/api/v1/billing/plans', {}, rest)
    expect(await response.text()).toContain('AUTH_ADDRESS_LIMIT')
  })
})

test('an unexpected failure tells its reader nothing but an id', async () => {
  const broken = testApp()
  const person = await signUp(broken)
  broken.deps.db.select = () => {
    throw new Error('secret detail of the inside')
  }
  const { status, json, text } = await broken.call('POST', '/billing/portal', {
    token: person.token,
    body: { return_url: 'https://app.example.com/' },
  })
  expect([status, json.code]).toEqual([500, 'internal_error'])
  expect(text).not.toContain('secret detail')
  expect(broken.logs.find(({ event }) => event === 'internal_error')?.fields.request_id).toBe(
    json.request_id,
  )
})
