// Who calls, as the origin hears it: from us, signed, and from nobody else; and the key, which it never hears.
import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { freshAddress, unique } from '../support/app.ts'
import {
  type Echo,
  gateway,
  originUrl,
  payingCustomer,
  SIGNING_SECRET,
  story,
} from '../support/origin.ts'

const app = gateway('/v1')
const { heard } = app
const customer = await payingCustomer(app, 'pro')
const { key } = customer

const valuesOf = ({ headers }: Echo, name: string) =>
  headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value)

/** As the README tells an origin to. */
const verified = (echo: Echo, secret = SIGNING_SECRET, audience = originUrl) =>
  jwtVerify(valuesOf(echo, 'Tollgate-Identity')[0] ?? '', new TextEncoder().encode(secret), {
    algorithms: ['HS256'],
    issuer: 'tollgate',
    audience,
    requiredClaims: ['sub', 'exp', 'iat', 'jti'],
  })

describe('the origin hears', () => {
  test('user, plan and request, signed for it alone and for a minute', async () => {
    const id = unique('trace')
    const { payload, protectedHeader } = await verified(
      await heard('/echo', { key, headers: { 'X-Request-Id': id } }),
    )
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect(payload).toEqual({
      iss: 'tollgate',
      aud: originUrl,
      sub: customer.id,
      tier: 'pro',
      mode: 'live',
      request_id: id,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 60,
    })
  })

  test('another token each time, even where the caller repeats its request id', async () => {
    const headers = { 'X-Request-Id': unique('trace') }
    const one = await verified(await heard('/echo', { key, headers }))
    const two = await verified(await heard('/echo', { key, headers }))
    expect(one.payload.jti).not.toBe(two.payload.jti)
  })

  test('a token that holds under no other secret and for no other audience', async () => {
    const echo = await heard('/echo', { key })
    await expect(verified(echo, app.deps.config.jwtSecrets[0])).rejects.toThrow('signature')
    await expect(verified(echo, SIGNING_SECRET, 'tollgate-api')).rejects.toThrow('aud')
  })

  test('a token that does not log in here', async () => {
    const [token = ''] = valuesOf(await heard('/echo', { key }), 'Tollgate-Identity')
    const { json } = await app.call('GET', '/billing/usage', { token })
    expect(json.code).toBe('invalid_token')
  })

  test('where the caller came from and what was asked for, from us alone', async () => {
    const address = freshAddress()
    const id = unique('trace')
    const echo = await heard('https://shop.example/echo', {
      key,
      headers: {
        'CF-Connecting-IP': address,
        'X-Request-Id': id,
        'X-Forwarded-For': '6.6.6.6',
        'X-Forwarded-Proto': 'gopher',
        'X-Forwarded-Host': 'evil.example',
      },
    })
    expect(valuesOf(echo, 'X-Forwarded-For')).toEqual([address])
    expect(valuesOf(echo, 'X-Forwarded-Proto')).toEqual(['https'])
    expect(valuesOf(echo, 'X-Forwarded-Host')).toEqual(['shop.example'])
    expect(valuesOf(echo, 'X-Request-Id')).toEqual([id])
    expect(valuesOf(echo, 'CF-Connecting-IP')).toEqual([])
  })
})

test('a header that is percent-encoded, and holds no key, passes as it is', async () => {
  const own = { Referer: 'https://shop.example/?q=%C3%A9%2F%252F%', 'X-Whatever': '100%25' }
  const echo = await heard('/echo', { key, headers: own })
  for (const [name, value] of Object.entries(own)) expect(valuesOf(echo, name)).toEqual([value])
})

test.each([
  'Tollgate-Identity',
  'TOLLGATE-IDENTITY',
  'Tollgate_Identity',
  'Tollgate-User',
  'Tollgate-Cost',
  'X-Tollgate-Identity',
  'Forwarded',
  'X-Forwarded',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X_Forwarded_For',
  'X-Real-IP',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'True-Client-IP',
  'Fastly-Client-IP',
  'CF-Connecting-IPv6',
  'CF-Access-Authenticated-User-Email',
  'CF-Access-Jwt-Assertion',
  'X-Envoy-External-Address',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Host',
  'X-HTTP-Host-Override',
  'Remote-User',
  'X-Remote-User',
  'X-User',
  'X-User-Id',
  'X_USER_ID',
  'X-UserId',
  'X-Auth-Request-User',
  'X-Authenticated-Userid',
  'X-Account-Id',
  'X-Consumer-Username',
  'X-Credential-Identifier',
  'X-Email',
  'X-Groups',
  'X-Role',
  'X-Tenant-Id',
  'X-Tier',
  'X-JWT-Assertion',
  'X-Id-Token',
  'X-Access-Token',
  'X-Amzn-Oidc-Identity',
  'X-Goog-Authenticated-User-Email',
  'X-Goog-IAP-JWT-Assertion',
  'X-MS-Client-Principal-Id',
  'Client-Cert',
  'X-SSL-Client-Cert',
  'X-Client-Cert',
  'Authorization',
  'Proxy-Authorization',
  'Cookie',
])('a caller cannot be somebody by %s', async (name) => {
  const forged = unique('forged')
  const echo = await heard('/echo', { key, headers: { [name]: forged } })
  expect(JSON.stringify(echo)).not.toContain(forged)
  expect((await verified(echo)).payload.sub).toBe(customer.id)
})

describe('between two neighbours only', () => {
  test.each([
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Something',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Extensions',
  ])('%s', async (name) => {
    const echo = await heard('/echo', { key, headers: { [name]: 'x-marker' } })
    expect(JSON.stringify(echo)).not.toContain('x-marker')
  })

  test('and what Connection names, in any case and with an underscore', async () => {
    const echo = await heard('/echo', {
      key,
      headers: {
        Connection: 'close, X-Hop ,x-other-hop',
        'x-hop': 'x-marker',
        X_Other_Hop: 'x-marker',
      },
    })
    expect(JSON.stringify(echo)).not.toMatch(/x-marker|hop/i)
  })

  test('but Connection cannot take away what we say', async () => {
    const echo = await heard('/echo', {
      key,
      headers: { Connection: 'Tollgate-Identity, X-Forwarded-Proto, X-Request-Id' },
    })
    expect((await verified(echo)).payload.sub).toBe(customer.id)
    expect(valuesOf(echo, 'X-Forwarded-Proto')).toEqual(['http'])
    expect(valuesOf(echo, 'X-Request-Id')).toHaveLength(1)
  })
})

describe('the key', () => {
  /** Each character of it. */
  const encoded = (text: string) =>
    text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`)
  const partly = `%74${key.slice(1).replaceAll('_', '%5F')}`

  test.each([
    ['its own header', {}],
    ['a header with underscores', { X_API_Key: key }],
    ['a bearer’s place', { Authorization: `Bearer ${key}` }],
    ['a cookie', { Cookie: `key=${key}` }],
    ['a header of any name', { 'X-Whatever': `before ${key} after` }],
    ['the referrer', { Referer: `https://shop.example/?key=${key}` }],
    ['the referrer, encoded', { Referer: `https://shop.example/?k=${encoded(key)}` }],
    ['the referrer, partly', { Referer: `https://shop.example/?k=${partly}` }],
    ['a header of any name, encoded twice', { 'X-Whatever': encoded(encoded(key)) }],
    ['the subprotocol of a WebSocket', { 'Sec-WebSocket-Protocol': `chat, ${key}` }],
  ])('is not passed on in %s', async (_, headers) => {
    const echo = await heard('/echo', { key, headers: headers as Record<string, string> })
    for (const form of [key, partly, encoded(key), encoded(encoded(key))]) {
      expect(JSON.stringify(echo)).not.toContain(form)
    }
    expect(JSON.stringify(echo.headers).toLowerCase()).not.toMatch(/x.api.key/)
    const { payload } = await verified(echo)
    expect(JSON.stringify(payload)).not.toContain(key)
  })

  test.each([
    ['the query', 'url', `/echo?api_key=${key}&`, {}],
    ['the path', 'url', `/${key}/echo?`, {}],
    ['the query, encoded', 'url', `/echo?k=${partly}&`, {}],
    ['the query, encoded twice', 'url', `/echo?k=${encoded(encoded(key))}&`, {}],
    ['the path, encoded twice', 'url', `/${encoded(encoded(key))}?`, {}],
    ['the path, encoded', 'url', `/%74${key.slice(1)}?`, {}],
    ['the request id', 'X-Request-Id', '/echo?', { 'X-Request-Id': key }],
  ])('in %s is refused, and costs nothing', async (_, place, path, headers) => {
    const { id, hits } = story()
    const before = await app.used(customer)
    const { response, settled } = await app.send(`${path}id=${id}`, {
      key,
      headers: headers as Record<string, string>,
    })
    const problem = (await response.json()) as { code: string; errors: { path: string }[] }
    expect([response.status, problem.code]).toEqual([422, 'invalid_request'])
    expect(problem.errors.map((error) => error.path)).toEqual([place])
    await settled()
    expect([await hits(), await app.used(customer)]).toEqual([0, before])
  })
})
