// The seller's own API behind the paywall: which paths are its, and what passes both ways.
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { signUp, testApp, unique } from '../support/app.ts'
import { gateway, payingCustomer, story } from '../support/origin.ts'

const app = gateway('/base')
const { send, heard } = app
const customer = await payingCustomer(app, 'pro')
const { key } = customer

/** The path of an echo that answers with these headers. */
const answering = (...headers: string[]) =>
  `/echo?${new URLSearchParams(headers.map((header) => ['header', header]))}`

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code

describe('a path that is not ours', () => {
  test.each([
    '/',
    '/widgets/7',
    '/widgets/7/',
    '/api',
    '/api/v1',
    '/api/v1/widgets',
    '/api/v1/authors',
    '/api/v1/auth-tokens/login',
    '/api/v1/health-records',
    '/api/v1/widgets/auth/login',
    '/api/v2/auth/login',
    '/v1/auth/login',
    '//evil.example/x',
    '/https://evil.example/x',
  ])('%s is the origin’s, below its base', async (path) => {
    expect(await heard(path, { key })).toMatchObject({ method: 'GET', url: `/base${path}` })
  })

  test.each(['/..%2fadmin', '/%252e%252e/admin', '/..;/admin'])(
    '%s could lead above the base: 404, and it costs nothing',
    async (path) => {
      const before = await app.used(customer)
      const { response, settled } = await send(path, { key })
      expect([response.status, await codeOf(response)]).toEqual([404, 'not_found'])
      await settled()
      expect(await app.used(customer)).toBe(before)
    },
  )

  test('goes to the configured host, whatever the caller says of hosts', async () => {
    const { headers } = await heard('http://evil.example/x', {
      key,
      headers: {
        Host: 'evil.example',
        'X-Forwarded-Host': 'evil.example',
        'X-Host': 'evil.example',
      },
    })
    const hosts = headers.filter(([name]) => /host/i.test(name))
    expect(hosts).toEqual([
      ['Host', expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
      ['X-Forwarded-Host', 'evil.example'],
    ])
  })
})

describe('a path of ours', () => {
  test.each([
    ['GET', '/api/v1/auth/login', 405, 'method_not_allowed'],
    ['DELETE', '/api/v1/health', 405, 'method_not_allowed'],
    ['PROPFIND', '/api/v1/datasets/generate', 405, 'method_not_allowed'],
    ['GET', '/x/../api/v1/auth/login', 405, 'method_not_allowed'],
    ['POST', '/api/v1/auth/regsiter', 404, 'not_found'],
    ['POST', '/api/v1/%61uth/regsiter', 404, 'not_found'],
    ['POST', '/api/v1/auth/login/', 404, 'not_found'],
    ['GET', '/api/v1/billing', 404, 'not_found'],
    ['GET', '/api/v1/datasets/42', 404, 'not_found'],
    ['POST', '//api/v1/auth/login', 404, 'not_found'],
    ['POST', '/api//v1///auth/login', 404, 'not_found'],
    ['POST', '/API/v1/auth/login', 404, 'not_found'],
    ['POST', '/api/v1/Auth/LOGIN', 404, 'not_found'],
    ['POST', '/api/v1/auth%2Flogin', 404, 'not_found'],
    ['POST', '/api/v1%252fauth%25252Flogin', 404, 'not_found'],
    ['POST', '/api/v1/auth%5Clogin', 404, 'not_found'],
    ['POST', '/api/v1/%2525%36%31uth/login', 404, 'not_found'],
    ['POST', '/api/v1/%41uth/login', 404, 'not_found'],
    ['GET', '/api/v1/./auth/login', 405, 'method_not_allowed'],
    ['POST', '/api/v1/%2e/%2e%2fauth/login', 404, 'not_found'],
    ['POST', '/api/v1/widgets%2f..%2fauth/login', 404, 'not_found'],
    ['POST', '/api/v1;x=1/auth;y/login', 404, 'not_found'],
    ['POST', '/api/v1/auth%00', 404, 'not_found'],
    ['POST', '/api/v1/auth%20', 404, 'not_found'],
    ['POST', '/api/v1/auth.', 404, 'not_found'],
    ['POST', '/api/v1/auth%3Flogin', 404, 'not_found'],
    ['POST', '/api/v1/auth%23x', 404, 'not_found'],
    ['POST', '/api/v1/auth%09/login', 404, 'not_found'],
    ['POST', '/api/v1/auth%00/login', 404, 'not_found'],
    ['POST', '/api/v1/auth%20/login', 404, 'not_found'],
    ['POST', '/api/v1/%20auth/login', 404, 'not_found'],
    ['GET', '//api/v1/health', 404, 'not_found'],
    ['GET', '/api/v1/HEALTH/', 404, 'not_found'],
  ])('is never the origin’s: %s %s is %i', async (method, path, status, code) => {
    const { id, hits } = story()
    const { response } = await send(`${path}?id=${id}`, { key, method })
    expect([response.status, await codeOf(response), await hits()]).toEqual([status, code, 0])
  })

  test('answers as ever', async () => {
    expect((await app.call('GET', '/health')).json).toMatchObject({ status: 'ok' })
  })
})

describe('without an origin', () => {
  const plain = testApp()

  test.each(['/', '/widgets', '/api/v1/widgets'])('%s is 404, key or no key', async (path) => {
    const request = (headers: HeadersInit) =>
      plain.app.fetch(new Request(`http://tollgate.test${path}`, { headers }), {})
    for (const headers of [{}, { 'X-API-Key': key }] as HeadersInit[]) {
      const response = await request(headers)
      expect([response.status, await codeOf(response)]).toEqual([404, 'not_found'])
    }
  })
})

describe('the paywall stands before the origin', () => {
  const secrets = app.deps.config.apiKeySecrets
  const nobody = { userId: crypto.randomUUID(), keyId: '0123456789abcdef' }

  test.each([
    ['no key', undefined, 401, 'missing_api_key'],
    ['nonsense', 'nonsense', 401, 'invalid_api_key'],
    ['a made-up key', `tg_live_${'A'.repeat(62)}`, 401, 'invalid_api_key'],
    ['a key of nobody', mintApiKey(secrets, nobody), 401, 'invalid_api_key'],
    [
      'a key under another secret',
      mintApiKey([new Uint8Array(32)], nobody),
      401,
      'invalid_api_key',
    ],
  ])('%s is refused', async (_, presented, status, code) => {
    const { id, hits } = story()
    for (const [path, method] of [
      ['/echo', 'GET'],
      ['/echo', 'POST'],
      ['/..%2fadmin', 'GET'],
    ]) {
      const { response } = await send(`${path}?id=${id}`, {
        method: method as string,
        ...(presented && { key: presented }),
      })
      expect([response.status, await codeOf(response)]).toEqual([status, code])
    }
    expect(await hits()).toBe(0)
  })

  test('a token of ours opens nothing', async () => {
    const { response } = await send('/echo', {
      headers: { Authorization: `Bearer ${customer.token}` },
    })
    expect([response.status, await codeOf(response)]).toEqual([401, 'missing_api_key'])
  })

  test('who has not paid is shown how to', async () => {
    const { id, hits } = story()
    const person = await signUp(app)
    const { response } = await send(`/echo?id=${id}`, { key: person.key })
    expect([response.status, await codeOf(response)]).toEqual([402, 'subscription_required'])
    expect(await hits()).toBe(0)
  })
})

describe('a request passes', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'with its method %s and its query as it stands',
    async (method) => {
      const query = '?a=1&a=2&b=%20%2F+%C3%A9&c&=&d=%'
      expect(await heard(`/echo${query}`, { key, method })).toMatchObject({
        method,
        url: `/base/echo${query}`,
      })
    },
  )

  test('as HEAD', async () => {
    const path = answering('Content-Length: 77', 'ETag: "x"')
    const { response } = await send(path, { key, method: 'HEAD' })
    expect([response.status, response.headers.get('ETag')]).toEqual([200, '"x"'])
    expect(response.headers.get('Content-Length')).toBe('77')
    expect(await response.text()).toBe('')
  })

  test.each([
    ['text', 'héllo', 'text/plain;charset=UTF-8'],
    [
      'a form',
      new URLSearchParams({ a: 'b c' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
  ])('with its body: %s', async (_, body, type) => {
    const echo = await heard('/echo', { key, method: 'POST', body })
    expect(echo.body).toBe(String(body))
    const sent = new Headers(echo.headers)
    expect(sent.get('Content-Type')).toBe(type)
    expect(sent.get('Content-Length')).toBe(String(new TextEncoder().encode(String(body)).length))
  })

  test('with a body of 3 MB, whole', async () => {
    const body = 'x'.repeat(3_000_000)
    expect((await heard('/echo', { key, method: 'PUT', body })).body).toBe(body)
  })

  test('with the headers that are its own', async () => {
    const own = {
      Accept: 'application/json',
      'Accept-Language': 'de',
      'Content-Type': 'application/vnd.x+json',
      'If-None-Match': '"1"',
      'Idempotency-Key': 'abc',
      Range: 'bytes=0-1',
      'User-Agent': 'tester/1',
      'X-Trace': 'a, b',
    }
    const echo = await heard('/echo', { key, method: 'POST', headers: own, body: '{}' })
    const sent = new Headers(echo.headers)
    for (const [name, value] of Object.entries(own)) expect(sent.get(name)).toBe(value)
  })

  test.each(['TRACE', 'TRACK', 'CONNECT'])('but not as %s', async (method) => {
    const { id, hits } = story()
    const request = new Request(`http://tollgate.test/echo?id=${id}`, {
      headers: { 'X-API-Key': key },
    })
    // Fetch refuses to make such a request; the wire does not.
    const forged = new Proxy(request, {
      get: (target, name) => {
        if (name === 'method') return method
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const response = await app.app.fetch(forged, {}, {
      waitUntil() {},
      passThroughOnException() {},
      props: {},
    } as never)
    expect([response.status, await codeOf(response)]).toEqual([405, 'method_not_allowed'])
    expect(response.headers.get('Allow')).toContain('GET')
    expect(await hits()).toBe(0)
  })
})

describe('an answer passes', () => {
  test.each([200, 201, 206, 299, 400, 401, 402, 403, 404, 405, 409, 418, 429, 451, 500, 503, 599])(
    'with its status %i and its body',
    async (status) => {
      const { response } = await send(`/echo?status=${status}`, { key })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ url: `/base/echo?status=${status}` })
    },
  )

  test.each([204, 205, 304])('with status %i and no body', async (status) => {
    const { response } = await send(`/echo?status=${status}&header=ETag:"x"`, { key })
    expect([response.status, response.headers.get('ETag')]).toEqual([status, '"x"'])
    expect(response.body).toBeNull()
  })

  test.each([301, 302, 303, 307, 308])('as a redirect, not followed: %i', async (status) => {
    const { id, hits } = story()
    const location = `/base/echo?id=${id}`
    const path = `/echo?${new URLSearchParams({ status: String(status), header: `Location: ${location}` })}`
    const { response } = await send(path, { key, method: 'POST', body: 'x' })
    expect([response.status, response.headers.get('Location')]).toEqual([status, location])
    expect(await hits()).toBe(0)
  })

  test('with its headers, several of a name too', async () => {
    const path = answering(
      'X-Own: 1',
      'Link: <a>',
      'Link: <b>',
      'Cache-Control: private',
      'Vary: Accept',
    )
    const { headers } = (await send(path, { key })).response
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-own': '1',
      link: '<a>, <b>',
      'cache-control': 'private',
      vary: 'Accept, X-API-Key',
      'content-type': 'application/json',
    })
  })

  test('compressed', async () => {
    const { response } = await send('/gzip', { key, headers: { 'Accept-Encoding': 'gzip' } })
    expect(response.headers.get('Content-Encoding')).toBe('gzip')
    expect(await response.text()).toBe('unzipped')
  })

  test('without what only the next hop or we may say', async () => {
    const path = answering(
      'Connection: X-Hop, keep-alive',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'Proxy-Authenticate: Basic',
      'Trailer: X-T',
      'Tollgate-Cost: 1',
      'Tollgate-Debug: 1',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Alt-Svc: h3="evil.example:443"',
      'Clear-Site-Data: "*"',
      'Strict-Transport-Security: max-age=0',
    )
    const { headers } = (await send(path, { key })).response
    const names = [...headers].map(([name]) => name)
    expect(names.sort()).toEqual([
      'access-control-allow-origin',
      'access-control-expose-headers',
      'cache-control',
      'content-security-policy',
      'content-type',
      'date',
      'ratelimit',
      'ratelimit-policy',
      'server-timing',
      'vary',
      'x-content-type-options',
      'x-request-id',
    ])
  })

  test('and says of quota, time and request id what we say', async () => {
    const path = answering(
      'RateLimit: "origin";r=0',
      'RateLimit-Policy: "origin";q=0',
      'Server-Timing: origin;dur=1',
      'X-Request-Id: origin',
    )
    const id = unique('trace')
    const { headers } = (await send(path, { key, headers: { 'X-Request-Id': id } })).response
    expect(headers.get('RateLimit')).toMatch(/^"api-calls";r=\d+/)
    expect(headers.get('RateLimit-Policy')).toMatch(/^"api-calls";q=100000/)
    expect(headers.get('Server-Timing')).toMatch(/^paywall;dur=/)
    expect(headers.get('X-Request-Id')).toBe(id)
  })
})
