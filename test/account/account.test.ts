// What an account shows of itself, and which doors a key does not open.
import { describe, expect, test } from 'vitest'
import { apiKeys } from '../../src/data/schema.ts'
import { freshAddress, signUp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app

describe('GET /account', () => {
  test('shows the account to its token and to its key, and is not cached', async () => {
    const person = await signUp(app, 'pro')
    const byToken = await call('GET', '/account', { token: person.token })
    expect(byToken.status).toBe(200)
    expect(byToken.json).toEqual({
      id: person.id,
      email: person.email,
      tier: 'pro',
      subscription_status: 'none',
      api_keys: 1,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(byToken.headers.get('Cache-Control')).toBe('no-store')
    expect((await call('GET', '/account', { key: person.key })).json).toEqual(byToken.json)
  })

  test('shows what was bought, and counts the keys that open something', async () => {
    const person = await subscribe(app, await signUp(app, 'pro'), 'hobby')
    const common = { userId: person.id, name: 'more', createdAt: new Date() }
    await deps.db.insert(apiKeys).values([
      { ...common, id: crypto.randomUUID().slice(-12).padStart(16, '0'), revokedAt: new Date() },
      { ...common, id: crypto.randomUUID().slice(-12).padStart(16, '1'), expiresAt: new Date(0) },
      { ...common, id: crypto.randomUUID().slice(-12).padStart(16, '2') },
    ])
    const { json } = await call('GET', '/account', { token: person.token })
    expect(json).toMatchObject({ tier: 'hobby', subscription_status: 'active', api_keys: 2 })
  })
})

const GUARDED = [
  ['PUT', '/account/password', { new_password: 'staple battery horse' }],
  ['PUT', '/account/email', { email: 'new@example.com' }],
  ['DELETE', '/account', {}],
] as const

describe.each([
  ...GUARDED,
  ['DELETE', '/account/sessions', undefined],
  ['GET', '/account/export', undefined],
] as const)('%s %s', (method, path, fields) => {
  test('is for who has logged in: no key opens it, not even its own', async () => {
    const person = await signUp(app)
    const body = fields && { password: person.password, ...fields }
    const { status, json, headers } = await call(method, path, { key: person.key, body })
    expect([status, json.code]).toEqual([401, 'missing_credentials'])
    expect(headers.get('WWW-Authenticate')).toBe('Bearer')
    expect((await call('GET', '/account', { token: person.token })).json.email).toBe(person.email)
  })
})

describe.each(GUARDED)('%s %s', (method, path, fields) => {
  test('asks for the password once more, and changes nothing without', async () => {
    const person = await signUp(app)
    const wrong = { password: 'not the password', ...fields }
    const refused = await call(method, path, { token: person.token, body: wrong })
    expect([refused.status, refused.json.code]).toEqual([403, 'incorrect_password'])
    const none = await call(method, path, { token: person.token, body: { ...fields } })
    expect([none.status, none.json.code]).toEqual([422, 'invalid_request'])
    expect(none.json.errors).toMatchObject([{ path: 'password' }])
    expect((await call('GET', '/account', { token: person.token })).json.email).toBe(person.email)
    const { email, password } = person
    expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(200)
  })

  test('guesses of the password are counted as those at login are', async () => {
    const person = await signUp(app)
    // One guesser's: a victim elsewhere is not locked out by them.
    const headers = { 'CF-Connecting-IP': freshAddress() }
    const body = { password: 'not the password', ...fields }
    const codes = new Set<string>()
    for (let i = 0; i < 41 && !codes.has('too_many_attempts'); i += 1) {
      codes.add((await call(method, path, { token: person.token, headers, body })).json.code)
    }
    expect([...codes]).toEqual(['incorrect_password', 'too_many_attempts'])
    const { email } = person
    const atLogin = await call('POST', '/auth/login', { headers, body: { ...body, email } })
    expect(atLogin.json.code).toBe('too_many_attempts')
  })
})
