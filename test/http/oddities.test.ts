// Paths and headers as an attacker writes them: refused or harmless, and never a 500.
import { describe, expect, test } from 'vitest'
import { signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { call } = app
const person = await subscribe(app, await signUp(app))
const stranger = await signUp(app)
const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } }

const send = async (url: string, init: RequestInit = {}) => {
  const response = await app.app.request(new Request(url, init), undefined, {} as never)
  return [response.status, ((await response.json()) as { code?: string }).code]
}

describe('a path', () => {
  test.each([
    '//api/v1/auth/login',
    '/api//v1/auth/login',
    '/api/v1//auth/login',
    '/api/v1/auth//login',
    '/api/v1/auth/login/',
    '/api/v1/auth/login//',
    '/API/V1/AUTH/LOGIN',
    '/api/v1/auth/Login',
    '/api/v1/auth%2Flogin',
    '/api/v1/auth%252Flogin',
    '/api/v1/auth/login;x=1',
    '/api/v1;x/auth/login',
    '/api/v1/auth/login%00',
    '/api/v1/auth/login%00.json',
    '/api/v1/auth/login%20',
    '/api/v1/auth/login.',
    '/api/v1/auth/login.json',
    '/api/v1/auth/login%3F',
    '/api/v1/auth/login%23',
    '/api/v1/auth%5Clogin',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/api/v1/auth/%C0%AEogin',
    '/api/v1/auth/%',
    '/api/v1/auth/%zz',
    '/api/v1/*',
    '/api/v1/:id',
    '/.git/config',
    '/.env',
    `/${'a'.repeat(16_000)}`,
    `/${'%2e%2e%2f'.repeat(1_500)}`,
    `/${'a/'.repeat(8_000)}`,
  ])('%.60s is nothing', async (path) => {
    expect(await send(`http://tollgate.test${path}`, { method: 'POST', body: '{}' })).toEqual([
      404,
      'not_found',
    ])
  })

  test.each([
    // The URL Standard takes dots out, encoded or not, and makes slashes of backslashes, before anybody looks.
    '/api/v1/x/../health',
    '/api/v1/x/%2e%2e/health',
    '/api/v1/./health',
    '/api\\v1\\health',
    '/api/v1/health?a=%00',
    `/api/v1/health?${'a'.repeat(16_000)}`,
    '/api/v1/health#x',
    // RFC 3986, 6.2.2.2: the same path.
    '/api/v1/%68ealth',
  ])('%.60s is what it stands for', async (path) => {
    expect(await send(`http://tollgate.test${path}`)).toEqual([200, undefined])
  })
})

describe('a header', () => {
  test('X-API-Key twice opens nothing', async () => {
    for (const [method, path, body] of [
      ['GET', '/billing/usage', undefined],
      ['POST', '/datasets/generate', order],
    ] as const) {
      const headers = { 'X-API-Key': `${person.key}, ${person.key}` }
      const { status, json } = await call(method, path, { headers, body })
      expect([status, json.code]).toEqual([401, 'invalid_api_key'])
    }
  })

  test('Authorization twice opens nothing', async () => {
    const headers = { Authorization: `Bearer ${person.token}, Bearer ${person.token}` }
    const { status, json } = await call('GET', '/billing/usage', { headers })
    expect([status, json.code]).toEqual([401, 'invalid_token'])
  })

  test.each([
    ['X-API-Key', 'x'.repeat(100_000)],
    ['X-API-Key', `tg_live_${'A'.repeat(100_000)}`],
    ['X-API-Key', '\u00ff\u0001'],
    ['Authorization', `Bearer ${'x.'.repeat(50_000)}`],
    ['Authorization', `Bearer ${' '.repeat(50_000)}x y`],
    ['Authorization', 'Basic dXNlcjpwYXNz'],
    ['Cookie', 'session=1'],
  ])('%s: %.30s is a refusal like another', async (name, value) => {
    const { status } = await call('GET', '/billing/usage', { headers: { [name]: value } })
    expect(status).toBe(401)
  })

  test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])(
    '%s changes no method',
    async (name) => {
      const { status } = await call('POST', '/billing/usage', {
        token: person.token,
        headers: { [name]: 'GET' },
      })
      expect(status).toBe(405)
    },
  )

  test.each(['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix', 'X-Forwarded-Path'])(
    '%s changes no path',
    async (name) => {
      const { json } = await call('GET', '/nowhere', { headers: { [name]: '/api/v1/health' } })
      expect(json.code).toBe('not_found')
    },
  )

  test('X-Forwarded-* changes neither scheme nor host of what a 402 links to', async () => {
    const { json, headers } = await call('POST', '/datasets/generate', {
      key: stranger.key,
      body: order,
      headers: {
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Port': '444',
        Forwarded: 'host=evil.example;proto=https',
        'X-Host': 'evil.example',
        'X-Original-Host': 'evil.example',
      },
    })
    expect(json.checkout.url).toBe('http://localhost/api/v1/billing/checkout/session')
    expect(JSON.stringify([json, [...headers]])).not.toContain('evil.example')
  })

  test('X-Request-Id that is a key or a token is replaced by one of ours', async () => {
    for (const secret of [person.key, person.token.split('.')[1] ?? '']) {
      const { headers } = await call('GET', '/health', { headers: { 'X-Request-Id': secret } })
      expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f]{24}-[0-9a-z]+$/)
    }
  })

  test.each([
    'tg_live_1',
    'x-tg_test_1-x',
    'TG_LIVE_1',
    'eyJhbGciOi',
    'sk_live_1',
    'pk_test_1',
    'rk_live_1',
    'whsec_1',
  ])('X-Request-Id with %s in it is taken for a secret', async (id) => {
    const { headers } = await call('GET', '/health', { headers: { 'X-Request-Id': id } })
    expect(headers.get('X-Request-Id')).not.toBe(id)
  })

  test.each([
    '6ddbc684-19fc-4d91-a1bc-287dc0e80000',
    'a'.repeat(255),
    'Root=1-67891233-abcdef012345678912345678',
  ])('X-Request-Id that is none is kept: %.40s', async (id) => {
    const { headers } = await call('GET', '/health', { headers: { 'X-Request-Id': id } })
    expect(headers.get('X-Request-Id')).toBe(id)
  })

  test.each(['If-None-Match', 'If-Modified-Since', 'Range', 'Expect', 'Accept'])(
    '%s makes no answer another',
    async (name) => {
      const { status, json } = await call('GET', '/billing/usage', {
        token: person.token,
        headers: { [name]: '*' },
      })
      expect([status, json.current_month.api_calls]).toEqual([200, 0])
    },
  )
})
