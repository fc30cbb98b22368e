// What every answer carries for browsers, what OPTIONS and HEAD answer: on every route of the table, so that a new
// route is covered by itself.
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { freshAddress, signUp, testApp } from '../support/app.ts'
import { gateway, payingCustomer } from '../support/origin.ts'

const app = testApp({
  ALLOWED_REDIRECT_ORIGINS: 'https://one.example.com, https://app.example.com',
})
const { call } = app
const person = await signUp(app)
const proxied = gateway('/base')
const customer = await payingCustomer(proxied, 'pro')

const WEBHOOK = '/api/v1/billing/webhooks/stripe'
const PAGE = { Origin: 'https://app.example.com' }
/** Whose pages may read an answer, as PAGE is told. */
const readerOf = (path: string) =>
  path === WEBHOOK ? null : path.startsWith('/api/v1/auth/') ? PAGE.Origin : '*'

interface Route {
  method: string
  path: string
}
const routes: Route[] = createApp()
  .routes.filter(({ method }) => method !== 'ALL')
  .map(({ method, path }) => ({ method, path: path.replace(/:\w+/g, '0123456789abcdef') }))
const seen = new Set<string>()
const each = routes.filter(({ method, path }) => {
  const name = `${method} ${path}`
  return !seen.has(name) && seen.add(name)
})
const paths = [...new Set(each.map(({ path }) => path))]
const methodsOf = (wanted: string) =>
  each.filter(({ path }) => path === wanted).map(({ method }) => method)

/** As a page's script sends it. */
const fromPage = (method: string, path: string, headers: Record<string, string> = {}) =>
  call(method, path, { headers: { ...PAGE, ...headers } })

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'no-store',
}

test('the table has routes', () => {
  expect(paths).toEqual(expect.arrayContaining(['/api/v1/health', '/api/v1/auth/login', WEBHOOK]))
})

describe.each(each)('$method $path', ({ method, path }) => {
  const knocks = [
    ['a stranger', {}],
    ['a customer', { token: person.token }],
    ['a key', { key: person.key }],
    ['a page', { headers: PAGE }],
  ] as const

  test.each(knocks)(
    'answers %s with the security headers, uncached, and leads nowhere',
    async (_, who) => {
      const answer = await call(method, path, { ...who, ...(method !== 'GET' && { body: {} }) })
      expect(Object.fromEntries(answer.headers)).toMatchObject(SECURITY)
      expect(answer.headers.get('X-Request-Id')).toMatch(/./)
      expect(answer.headers.has('ETag')).toBe(false)
      expect(answer.headers.has('Location')).toBe(false)
      expect(answer.headers.has('Set-Cookie')).toBe(false)
      expect([answer.status < 300 || answer.status >= 400, answer.status < 500]).toEqual([
        true,
        true,
      ])
      expect(answer.headers.has('Access-Control-Allow-Credentials')).toBe(false)
    },
  )

  test('can be read by a page, if it has a business there', async () => {
    const { headers } = await fromPage(method, path)
    const isOpen = path !== WEBHOOK
    expect(headers.get('Access-Control-Allow-Origin')).toBe(readerOf(path))
    expect(headers.get('Access-Control-Expose-Headers')).toBe(isOpen ? '*' : null)
  })
})

describe.each(paths)('%s', (path) => {
  const methods = methodsOf(path)
  const allowed = [...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])].sort()

  test('answers OPTIONS with its methods', async () => {
    const { status, headers, text } = await call('OPTIONS', path)
    expect([status, text, headers.get('Allow')]).toEqual([204, '', allowed.join(', ')])
    expect(headers.has('Access-Control-Allow-Methods')).toBe(false)
    expect(Object.fromEntries(headers)).toMatchObject(SECURITY)
  })

  test('grants a preflight, without a key', async () => {
    const asked = { 'Access-Control-Request-Method': 'POST' }
    const { status, headers, text } = await fromPage('OPTIONS', path, asked)
    expect([status, text]).toEqual([204, ''])
    const isOpen = path !== WEBHOOK
    expect(headers.get('Access-Control-Allow-Origin')).toBe(readerOf(path))
    expect(headers.get('Access-Control-Allow-Methods')).toBe(isOpen ? allowed.join(', ') : null)
    const names = headers.get('Access-Control-Allow-Headers')
    if (isOpen) {
      expect(names?.split(', ')).toEqual([
        'Authorization',
        'X-API-Key',
        'Content-Type',
        'Idempotency-Key',
        'X-Request-Id',
        'Tollgate-Test-Outcome',
      ])
      expect(Number(headers.get('Access-Control-Max-Age'))).toBeGreaterThan(0)
    } else expect([names, headers.get('Access-Control-Max-Age')]).toEqual([null, null])
  })

  test.each(
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'HEAD'].filter(
      (method) => !allowed.includes(method),
    ),
  )('refuses %s, and names its methods', async (method) => {
    const { status, json, headers } = await call(method, path, { key: person.key })
    expect([status, headers.get('Allow')]).toEqual([405, allowed.join(', ')])
    expect(json.code).toBe(method === 'HEAD' ? undefined : 'method_not_allowed')
  })
})

describe.each(each.filter(({ method }) => method === 'GET'))('HEAD $path', ({ path }) => {
  test.each([
    ['a stranger', {}],
    ['a customer', { token: person.token }],
    ['a page', { headers: PAGE }],
  ])('is to %s what GET is, without its body', async (_, who) => {
    // The id stands in a problem's body.
    const headers = { ...('headers' in who && who.headers), 'X-Request-Id': 'the-same' }
    const get = await call('GET', path, { ...who, headers })
    const head = await call('HEAD', path, { ...who, headers })
    expect([head.status, head.text]).toEqual([get.status, ''])
    expect(Object.fromEntries(head.headers)).toEqual({
      ...Object.fromEntries(get.headers),
      'content-length': String(new Blob([get.text]).size),
    })
  })
})

describe.each(['register', 'login'])('/auth/%s', (name) => {
  const path = `/auth/${name}`
  const asked = { 'Access-Control-Request-Method': 'POST' }

  test.each([
    ['a page of somebody else', app, 'https://evil.example.com'],
    ['a page of nobody', app, 'null'],
    ['any page where no origins are configured', testApp(), PAGE.Origin],
  ])('is closed to %s', async (_, through, origin) => {
    const headers = { Origin: origin }
    const preflight = await through.call('OPTIONS', path, { headers: { ...headers, ...asked } })
    const answer = await through.call('POST', path, { headers, body: {} })
    expect([preflight.status, answer.status]).toEqual([204, 422])
    for (const { headers } of [preflight, answer]) {
      expect([...headers.keys()].filter((one) => one.startsWith('access-control'))).toEqual([])
      expect(headers.get('Vary')).toBe('Origin')
    }
  })

  test('is not worn out by what a page sends without a preflight', async () => {
    const address = { 'CF-Connecting-IP': freshAddress() }
    const codes = new Set<string>()
    // Two windows of the limiter can meet.
    for (let i = 0; i < 45; i += 1) {
      const headers = { ...address, 'Content-Type': 'text/plain' }
      codes.add((await call('POST', path, { headers, body: '{}' })).json.code)
    }
    expect([...codes]).toEqual(['unsupported_media_type'])
    expect((await call('POST', path, { headers: address, body: {} })).status).toBe(422)
  })
})

describe('an unknown path', () => {
  test('is 404 that a page can read', async () => {
    const { status, json, headers } = await fromPage('POST', '/api/v1/keyz')
    expect([status, json.code]).toEqual([404, 'not_found'])
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(Object.fromEntries(headers)).toMatchObject(SECURITY)
  })

  test('grants a preflight, so that the page sees the 404', async () => {
    const asked = { 'Access-Control-Request-Method': 'PUT' }
    const { status, headers } = await fromPage('OPTIONS', '/api/v1/nowhere', asked)
    expect([status, headers.get('Access-Control-Allow-Origin')]).toEqual([204, '*'])
    expect(headers.get('Access-Control-Allow-Methods')).toContain('PUT')
  })

  test('has no OPTIONS of its own', async () => {
    const { status, json } = await call('OPTIONS', '/api/v1/nowhere')
    expect([status, json.code]).toEqual([404, 'not_found'])
  })
})

describe('without a configuration', () => {
  test('the error has the headers too, and a page can read it', async () => {
    const response = await createApp().request('/api/v1/billing/plans', { headers: PAGE }, {})
    expect(response.status).toBe(500)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...SECURITY,
      'access-control-allow-origin': '*',
      'x-request-id': expect.stringMatching(/./),
    })
  })
})

describe('Strict-Transport-Security', () => {
  test.each([
    ['https://tollgate.test', 'max-age=31536000'],
    // RFC 6797, 7.2: not over http.
    ['http://tollgate.test', null],
  ])('from %s is %j', async (origin, value) => {
    const { response } = await proxied.send(`${origin}/api/v1/health`)
    expect(response.headers.get('Strict-Transport-Security')).toBe(value)
    const paid = await proxied.send(`${origin}/echo`, { key: customer.key })
    expect(paid.response.headers.get('Strict-Transport-Security')).toBe(value)
  })
})

describe('the origin’s answer', () => {
  const answering = (...headers: string[]) =>
    `/echo?${new URLSearchParams(headers.map((header) => ['header', header]))}`
  const answerTo = async (path: string, init: RequestInit = {}) =>
    (await proxied.send(path, { key: customer.key, ...init })).response.headers

  test('may be HTML, and acts as nobody on this host', async () => {
    const headers = await answerTo(answering('Content-Type: text/html'))
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private',
    })
  })

  test('keeps the policy, and the caching, that the origin chose', async () => {
    const own = ["Content-Security-Policy: default-src 'self'", 'Cache-Control: public, max-age=60']
    const headers = await answerTo(answering(...own))
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'self'")
    expect(headers.get('Cache-Control')).toBe('public, max-age=60')
  })

  test.each([
    [[], 'X-API-Key'],
    [['Vary: Accept'], 'Accept, X-API-Key'],
  ])('is nobody’s without the key, to a cache that keeps it: %j', async (own, vary) => {
    const headers = await answerTo(answering('Cache-Control: public, max-age=60', ...own))
    expect(headers.get('Vary')).toBe(vary)
  })

  test('can be read by any page, and by none with credentials, whatever the origin says', async () => {
    const headers = await answerTo(
      answering(
        'Access-Control-Allow-Origin: https://one.example',
        'Access-Control-Allow-Credentials: true',
        'Access-Control-Expose-Headers: X-Own',
        'X-Content-Type-Options: none',
      ),
      { headers: PAGE },
    )
    const cors = [...headers].filter(([name]) => name.startsWith('access-control'))
    expect(cors).toEqual([
      ['access-control-allow-origin', '*'],
      ['access-control-expose-headers', '*'],
    ])
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  })

  test('is asked for by a preflight that needs no key and does not reach it', async () => {
    const asked = { ...PAGE, 'Access-Control-Request-Method': 'PATCH' }
    const { response } = await proxied.send('/echo', { method: 'OPTIONS', headers: asked })
    expect([response.status, await response.text()]).toEqual([204, ''])
    const { headers } = response
    expect(headers.get('Access-Control-Allow-Methods')).toContain('PATCH')
    // `*` leaves out Authorization.
    expect(headers.get('Access-Control-Allow-Headers')).toMatch(/^Authorization, X-API-Key.*, \*$/)
  })

  test.each([
    ['no page', {}],
    ['no method asked for', PAGE],
    ['no page that asks', { 'Access-Control-Request-Method': 'PATCH' }],
  ])('OPTIONS is the origin’s own where it is no preflight: %s', async (_, headers) => {
    const own = await proxied.send('/echo', {
      method: 'OPTIONS',
      key: customer.key,
      headers: headers as Record<string, string>,
    })
    expect(((await own.response.json()) as { method: string }).method).toBe('OPTIONS')
    const stranger = await proxied.send('/echo', {
      method: 'OPTIONS',
      headers: headers as Record<string, string>,
    })
    expect(stranger.response.status).toBe(401)
  })

  test('a refusal before it is ours, with our headers', async () => {
    const { response } = await proxied.send('/echo', { headers: PAGE })
    expect(response.status).toBe(401)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...SECURITY,
      'access-control-allow-origin': '*',
    })
  })
})
