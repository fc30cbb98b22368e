// Walks the routes: whatever is not listed as public refuses a stranger, and every door refuses every bad key alike.
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../src/api-key.ts'
import { createApp } from '../src/app.ts'
import { DATASET_TYPES } from '../src/datasets/catalogue.ts'
import { signUp, testApp } from './support/app.ts'
import { makeKey } from './support/keys.ts'

/** What a stranger may call; everything else needs a key, a token or Stripe's signature. */
const PUBLIC = new Set([
  'GET /api/v1/health',
  'GET /api/v1/openapi.json',
  'POST /api/v1/auth/register',
  'POST /api/v1/auth/login',
  'GET /api/v1/billing/plans',
  'POST /api/v1/datasets/estimate',
  'GET /api/v1/datasets',
  ...DATASET_TYPES.map((name) => `GET /api/v1/datasets/${name}`),
])
const SIGNED = new Set(['POST /api/v1/billing/webhooks/stripe'])
/** For a person who has logged in: no key opens it. */
const TOKEN_ONLY = new Set([
  'PUT /api/v1/account/password',
  'PUT /api/v1/account/email',
  'DELETE /api/v1/account/sessions',
  'GET /api/v1/account/export',
  'DELETE /api/v1/account',
])
const PAID = new Set(['POST /api/v1/datasets/generate'])

const routes = [
  ...new Set(
    createApp()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/\/$/, '')}`),
  ),
]
const doors = routes.filter((route) => !PUBLIC.has(route) && !SIGNED.has(route))

const app = testApp()
const secrets = app.deps.config.apiKeySecrets
const nobody = { userId: crypto.randomUUID(), keyId: '0123456789abcdef' }

const badKeys = [
  ['nonsense', 'nonsense'],
  ['a made-up key', `tg_live_${'A'.repeat(62)}`],
  ['a key under another secret', mintApiKey([new Uint8Array(32)], nobody)],
  ['a proven key of nobody', mintApiKey(secrets, nobody)],
] as const
const testKey = signUp(app)
  .then((person) => makeKey(app, person, { mode: 'test' }))
  .then(({ key }) => key)

function knock(route: string, call: { key?: string; token?: string } = {}) {
  const [method = '', path = ''] = route.split(' ')
  return app.call(method, path, { ...call, ...(method !== 'GET' && { body: {} }) })
}

test('the lists above name routes that exist', () => {
  expect(routes).toEqual(expect.arrayContaining([...PUBLIC, ...SIGNED, ...TOKEN_ONLY, ...PAID]))
  expect(doors.length).toBeGreaterThan(4)
})

const keyDoors = doors.filter((route) => !TOKEN_ONLY.has(route))

describe.each(keyDoors)('%s', (route) => {
  test.each(badKeys)('refuses %s, always in the same words', async (_, key) => {
    const { status, json } = await knock(route, { key })
    expect(status).toBe(401)
    expect({ ...json, request_id: '' }).toMatchObject({
      code: 'invalid_api_key',
      detail: 'The API key is not valid. Log in to see your current key.',
    })
  })
})

describe.each([...TOKEN_ONLY])('%s', (route) => {
  test.each([...badKeys, ['a key that opens other doors', ''] as const])(
    'does not look at %s',
    async (_, bad) => {
      const key = bad || (await signUp(app)).key
      const { status, json, headers } = await knock(route, { key })
      expect([status, json.code]).toEqual([401, 'missing_credentials'])
      expect(headers.get('WWW-Authenticate')).toBe('Bearer')
    },
  )
})

describe.each(doors)('%s', (route) => {
  test('refuses a stranger', async () => {
    const { status, json, headers } = await knock(route)
    expect(status).toBe(401)
    expect(json.code).toBe(PAID.has(route) ? 'missing_api_key' : 'missing_credentials')
    const scheme = TOKEN_ONLY.has(route) ? 'Bearer' : 'ApiKey'
    expect(headers.get('WWW-Authenticate')).toContain(scheme)
  })

  test('lets a test key in where it sells, and nowhere else', async () => {
    const { status, json } = await knock(route, { key: await testKey })
    const refusal = TOKEN_ONLY.has(route)
      ? [401, 'missing_credentials']
      : [403, 'live_key_required']
    expect([status, json.code]).toEqual(PAID.has(route) ? [422, 'invalid_request'] : refusal)
  })

  test('refuses a bad token', async () => {
    const { status, json } = await knock(route, { token: 'a.b.c' })
    expect([status, json.code]).toEqual([
      401,
      PAID.has(route) ? 'missing_api_key' : 'invalid_token',
    ])
  })
})

test.each([...SIGNED])('%s refuses what Stripe did not sign', async (route) => {
  const { status, json } = await knock(route)
  expect([status, json.code]).toEqual([400, 'invalid_signature'])
})
