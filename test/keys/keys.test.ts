// /keys over HTTP: what each call does, for whom, and what it refuses.
import { desc, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { apiKeys, auditLog } from '../../src/data/schema.ts'
import { signUp, testApp } from '../support/app.ts'
import { listed, makeKey, opens } from '../support/keys.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const { db } = deps
const audits = (userId: string) =>
  db.select().from(auditLog).where(eq(auditLog.userId, userId)).orderBy(desc(auditLog.id))

describe('POST /keys', () => {
  test('makes a key, shows it once, and it works', async () => {
    const person = await subscribe(app, await signUp(app))
    const { status, headers, json } = await call('POST', '/keys', {
      token: person.token,
      body: { name: '  CI on Grüner Weg  ' },
    })
    expect(status).toBe(201)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('Location')).toBe(`/api/v1/keys/${json.id}`)
    expect(json).toEqual({
      key: expect.stringMatching(/^tg_live_[0-9A-Za-z]{62}$/),
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      name: 'CI on Grüner Weg',
      mode: 'live',
      prefix: 'tg_live_',
      last_four: json.key.slice(-4),
      former_last_four: [],
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      last_used_at: null,
      expires_at: null,
    })
    expect((await opens(app, json.key)).status).toBe(200)
    expect((await call('GET', '/billing/usage', { key: json.key })).status).toBe(200)
    const [audit] = await audits(person.id)
    expect(audit).toMatchObject({ action: 'key.created', detail: { key_id: json.id, by: 'token' } })
    expect(JSON.stringify(await audits(person.id))).not.toContain(json.key)
  })

  test('takes a test mode and an expiry, after which the key is none', async () => {
    const own = testApp()
    const person = await signUp(own)
    const end = new Date(Date.now() + 90_000)
    const offset = new Date(end.getTime() + 7_200_000).toISOString().replace('Z', '+02:00')
    const made = await makeKey(own, person, { mode: 'test', expires_at: offset })
    expect(made.key).toMatch(/^tg_test_/)
    expect(made.expires_at).toBe(end.toISOString())
    expect((await opens(own, made.key)).status).toBe(200)
    own.setNow(end)
    expect((await opens(own, made.key)).json.code).toBe('invalid_api_key')
  })

  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: ' \t ' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a\u2028b' }, 'name'],
    [{ name: 'a\u202eb' }, 'name'],
    [{ name: 'a\ud800b' }, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'x', mode: 'prod' }, 'mode'],
    [{ name: 'x', expires_at: 'tomorrow' }, 'expires_at'],
    [{ name: 'x', expires_at: '2026-11-27' }, 'expires_at'],
    [{ name: 'x', expires_at: '2031-02-30T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', expires_at: '2099-01-01T00:00:00Z' }, 'expires_at'],
    // Misspelt, it would never end.
    [{ name: 'x', expire_at: '2027-01-01T00:00:00Z' }, ''],
  ])('refuses %j at %s', async (body, path) => {
    const { status, json } = await call('POST', '/keys', {
      token: (await stranger).token,
      body,
    })
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(json.errors[0].path).toBe(path)
  })
  const stranger = signUp(app)

  test('takes a hundred characters of any script', async () => {
    const name = '鍵'.repeat(98) + '👩‍🚀'.slice(0, 2)
    expect((await makeKey(app, await stranger, { name })).name).toBe(name)
  })
})

describe('GET /keys', () => {
  test('lists them, the oldest first, and never a key', async () => {
    const person = await signUp(app)
    const made = await makeKey(app, person, { name: 'second', mode: 'test' })
    const { json, text, headers } = await call('GET', '/keys', { token: person.token })
    expect(json.keys).toMatchObject([
      { name: 'default', mode: 'live', prefix: 'tg_live_', last_four: person.key.slice(-4) },
      { id: made.id, name: 'second', mode: 'test', prefix: 'tg_test_' },
    ])
    for (const each of json.keys) expect(each).not.toHaveProperty('key')
    expect(text).not.toContain(made.key)
    expect(headers.get('Cache-Control')).toBe('no-store')
    const one = await call('GET', `/keys/${made.id}`, { token: person.token })
    expect(one.json).toEqual(json.keys[1])
  })

  test('lists no revoked key, and an expired one for seven days', async () => {
    const own = testApp()
    const person = await signUp(own)
    const [first = ''] = await listed(own, person)
    const revoked = await makeKey(own, person)
    await call('DELETE', `/keys/${revoked.id}`, { token: person.token })
    const end = new Date(Date.now() + 60_000)
    const expired = await makeKey(own, person, { expires_at: end.toISOString() })
    own.setNow(end)
    expect(await listed(own, person)).toEqual([first, expired.id])
    own.setNow(new Date(end.getTime() + 7 * 86_400_000))
    const { json } = await own.call('POST', '/auth/login', { body: person })
    expect(await listed(own, { token: json.access_token })).toEqual([first])
  })

  test('shows the last four of a key as it was under a secret that is being rotated out', async () => {
    const before = testApp({ API_KEY_SECRET: 'k3Lq9ZxW1vTb7NpR5sYd8FhJ2mGcA6uE' })
    const person = await signUp(before)
    const after = testApp({
      API_KEY_SECRET: 'Q8rT2yUi4oPa6SdF1gHj3KlZ5xCv7BnM',
      API_KEY_SECRET_PREVIOUS: 'k3Lq9ZxW1vTb7NpR5sYd8FhJ2mGcA6uE',
    })
    const [shown] = (await after.call('GET', '/keys', { key: person.key })).json.keys
    expect(shown.former_last_four[0]).toBe(person.key.slice(-4))
    expect(shown.last_four).not.toBe(person.key.slice(-4))
  })
})

describe('PATCH /keys/{id}', () => {
  test('renames, and tells the audit log once', async () => {
    const person = await signUp(app)
    const { id } = await makeKey(app, person)
    for (const name of ['production', 'production']) {
      const { status, json } = await call('PATCH', `/keys/${id}`, {
        token: person.token,
        body: { name },
      })
      expect(status).toBe(200)
      expect(json).toMatchObject({ id, name: 'production' })
      expect(json).not.toHaveProperty('key')
    }
    const renamed = (await audits(person.id)).filter(({ action }) => action === 'key.renamed')
    expect(renamed.map(({ detail }) => detail)).toEqual([{ key_id: id, by: 'token' }])
  })
})

describe('DELETE /keys/{id}', () => {
  test('revokes at once, answers 204, and again', async () => {
    const person = await signUp(app)
    const made = await makeKey(app, person)
    const revoke = () => call('DELETE', `/keys/${made.id}`, { token: person.token })
    const first = await revoke()
    expect([first.status, first.text]).toEqual([204, ''])
    expect((await opens(app, made.key)).json.code).toBe('invalid_api_key')
    expect((await call('GET', '/keys', { key: made.key })).json.code).toBe('invalid_api_key')
    expect((await revoke()).status).toBe(204)
    const revoked = (await audits(person.id)).filter(({ action }) => action === 'key.revoked')
    expect(revoked).toHaveLength(1)
  })

  test('revokes the very key that asks', async () => {
    const person = await signUp(app)
    const made = await makeKey(app, person)
    expect((await call('DELETE', `/keys/${made.id}`, { key: made.key })).status).toBe(204)
    expect((await call('GET', '/keys', { key: made.key })).status).toBe(401)
    const [audit] = await audits(person.id)
    expect(audit).toMatchObject({ action: 'key.revoked', detail: { key_id: made.id, by: made.id } })
  })

  test('revoking the last live key leaves a login with a new one', async () => {
    const person = await signUp(app)
    const [id = ''] = await listed(app, person)
    await call('DELETE', `/keys/${id}`, { key: person.key })
    const logins = await Promise.all(
      [1, 2, 3].map(() => call('POST', '/auth/login', { body: person })),
    )
    const keys = new Set(logins.map(({ json }) => json.api_key))
    expect(keys.size).toBe(1)
    expect(keys.has(person.key)).toBe(false)
    expect(await listed(app, person)).toHaveLength(1)
  })
})

describe('a key of somebody else, or of nobody', () => {
  test.each([
    ['GET', '', undefined],
    ['PATCH', '', { name: 'mine now' }],
    ['DELETE', '', undefined],
    ['POST', '/rotate', {}],
  ])('%s /keys/{id}%s: 404 in the same words, and nothing happens', async (method, path, body) => {
    const [owner, other] = [await signUp(app), await signUp(app)]
    const theirs = await makeKey(app, owner)
    const before = await db.select().from(apiKeys).where(eq(apiKeys.id, theirs.id))
    const answers = []
    for (const id of [theirs.id, '0'.repeat(16), theirs.id.toUpperCase(), 'x', '%00', '..%2f']) {
      const { status, json } = await call(method, `/keys/${id}${path}`, {
        token: other.token,
        ...(body && { body }),
      })
      expect([status, json.code]).toEqual([404, 'not_found'])
      if (/^[0-9a-f]{16}$/.test(id)) answers.push({ ...json, request_id: '' })
    }
    expect(answers[1]).toEqual(answers[0])
    expect(await db.select().from(apiKeys).where(eq(apiKeys.id, theirs.id))).toEqual(before)
    expect(await listed(app, other)).toHaveLength(1)
  })
})

describe('a test key', () => {
  test.each([
    ['GET', '/keys'],
    ['POST', '/keys'],
    ['GET', '/billing/usage'],
    ['GET', '/billing/subscription'],
    ['POST', '/billing/portal'],
  ])('is no key to %s %s', async (method, path) => {
    const made = await makeKey(app, await someone, { mode: 'test' })
    const { status, json } = await call(method, path, {
      key: made.key,
      ...(method === 'POST' && { body: { name: 'x' } }),
    })
    expect([status, json.code]).toEqual([403, 'live_key_required'])
  })
  const someone = signUp(app)

  test('that is revoked is 401 there like any other', async () => {
    const person = await signUp(app)
    const made = await makeKey(app, person, { mode: 'test' })
    await call('DELETE', `/keys/${made.id}`, { token: person.token })
    expect((await call('GET', '/keys', { key: made.key })).json.code).toBe('invalid_api_key')
  })
})
