// POST /keys/{id}/rotate: both keys for a while, one quota, and ends that nobody can outlive.
import { desc, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditLog } from '../../src/data/schema.ts'
import { type Call, signUp, type TestApp, testApp } from '../support/app.ts'
import { listed, makeKey, opens } from '../support/keys.ts'
import { customer, shop } from '../support/shop.ts'

const rotate = (app: TestApp, id: string, call: Call) =>
  app.call('POST', `/keys/${id}/rotate`, call)
const DAY_MS = 86_400_000
const start = Date.now()

/** Somebody with a key beside the first, at an hour that stands still. */
async function owner(body: object = {}) {
  const app = testApp()
  app.setNow(later(-60_000))
  const person = await signUp(app)
  app.setNow(later(0))
  const made = await makeKey(app, person, { name: 'production', mode: 'test', ...body })
  return { app, person, made, by: { token: person.token } }
}
const later = (milliseconds: number) => new Date(start + milliseconds)
const at = (milliseconds: number) => later(milliseconds).toISOString()

describe('a rotation', () => {
  test('gives a key of the same name and mode; the old one goes on for a day', async () => {
    const { app, made, by, person } = await owner()
    // As `curl -X POST` sends it.
    const { status, json, headers } = await rotate(app, made.id, by)
    expect(status).toBe(201)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(json).toMatchObject({ name: 'production', mode: 'test', expires_at: null })
    expect(json.key).not.toBe(made.key)
    for (const key of [made.key, json.key]) expect((await opens(app, key)).status).toBe(200)
    const { keys } = (await app.call('GET', '/keys', by)).json
    expect(keys).toHaveLength(3)
    expect(keys).toContainEqual(expect.objectContaining({ id: made.id, expires_at: at(DAY_MS) }))
    expect(keys).toContainEqual(expect.objectContaining({ id: json.id, expires_at: null }))
    app.setNow(later(DAY_MS - 1))
    expect((await opens(app, made.key)).status).toBe(200)
    app.setNow(later(DAY_MS))
    expect((await opens(app, made.key)).json.code).toBe('invalid_api_key')
    expect((await opens(app, json.key)).status).toBe(200)
    const [audit] = await app.deps.db
      .select()
      .from(auditLog)
      .where(eq(auditLog.userId, person.id))
      .orderBy(desc(auditLog.id))
    expect(audit).toMatchObject({
      action: 'key.rotated',
      detail: { key_id: made.id, successor: json.id, by: 'token' },
    })
  })

  test('is what a login shows: not the key that is about to end', async () => {
    const { app, person, by } = await owner()
    const login = async () => (await app.call('POST', '/auth/login', { body: person })).json.api_key
    const [first = ''] = await listed(app, by)
    expect(await login()).toBe(person.key)
    const { json } = await rotate(app, first, by)
    expect(await login()).toBe(json.key)
    // Where each ends, the one that ends last.
    const lasting = await makeKey(app, by, { expires_at: at(2 * DAY_MS) })
    await makeKey(app, by, { expires_at: at(60_000) })
    await app.call('DELETE', `/keys/${json.id}`, by)
    expect(await login()).toBe(lasting.key)
  })

  test('with a grace of 0 ends the old one at once', async () => {
    const { app, made, by } = await owner()
    const { json } = await rotate(app, made.id, { ...by, body: { grace_seconds: 0 } })
    expect((await opens(app, made.key)).json.code).toBe('invalid_api_key')
    expect((await opens(app, json.key)).status).toBe(200)
    expect(await listed(app, by)).not.toContain(made.id)
  })

  test('keeps the expiry, and never prolongs the old key', async () => {
    const { app, made, by } = await owner({ expires_at: at(3_600_000) })
    const { json } = await rotate(app, made.id, by)
    expect(json.expires_at).toBe(at(3_600_000))
    app.setNow(later(3_600_000))
    for (const key of [made.key, json.key]) {
      expect((await opens(app, key)).json.code).toBe('invalid_api_key')
    }
  })

  test('that is repeated, as its answer was lost, gives a key that lasts as the first would have', async () => {
    const { app, made, by } = await owner()
    await rotate(app, made.id, by)
    app.setNow(later(1_000))
    const { json } = await rotate(app, made.id, by)
    expect(json.expires_at).toBeNull()
    app.setNow(later(DAY_MS))
    expect((await opens(app, made.key)).json.code).toBe('invalid_api_key')
  })

  test.each([
    { grace_seconds: -1 },
    { grace_seconds: 2_592_001 },
    { grace_seconds: 1.5 },
    { grace: 1 },
  ])('refuses %j', async (body) => {
    const { app, made, by } = await owner()
    const { status, json } = await rotate(app, made.id, { ...by, body })
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(await listed(app, by)).toHaveLength(2)
  })

  test('of a key that has ended is 404', async () => {
    const { app, made, by } = await owner({ expires_at: at(60_000) })
    app.setNow(later(60_000))
    expect((await rotate(app, made.id, by)).json.code).toBe('not_found')
  })

  test('gives no second quota (both keys share the account’s)', async () => {
    const person = await customer({ used: 998, known: true })
    const app = shop()
    const [id = ''] = await listed(app, person)
    const { json } = await rotate(app, id, { key: person.key })
    expect((await app.buy(person)).status).toBe(200)
    expect((await app.buy(json)).status).toBe(200)
    for (const key of [json.key, person.key]) {
      expect((await app.buy({ key })).json.code).toBe('quota_exceeded')
    }
  })
})

describe('a key that expires', () => {
  const keys = async () => {
    const { app, made } = await owner({ mode: 'live', expires_at: at(3_600_000) })
    return { app, made, by: { key: made.key } }
  }

  test('makes none that outlives it', async () => {
    const { app, by } = await keys()
    for (const expires_at of [undefined, null, at(3_600_001)]) {
      const { status, json } = await app.call('POST', '/keys', {
        ...by,
        body: { name: 'for ever', expires_at },
      })
      expect([status, json.code, json.errors?.[0].path]).toEqual([
        422,
        'invalid_request',
        'expires_at',
      ])
    }
    expect((await makeKey(app, by, { expires_at: at(3_600_000) })).expires_at).toBe(at(3_600_000))
  })

  test('rotates itself, to the same end, but no other key that lasts longer', async () => {
    const { app, made, by } = await keys()
    const [first = ''] = await listed(app, by)
    const { json } = await rotate(app, first, by)
    // No field of the body is to blame.
    expect([json.code, json.errors?.[0].path]).toEqual(['invalid_request', ''])
    expect((await rotate(app, made.id, by)).json.expires_at).toBe(at(3_600_000))
  })

  test('as it was rotated gets itself no longer life by rotating again', async () => {
    const { app, made } = await owner({ mode: 'live' })
    const by = { key: made.key }
    expect((await rotate(app, made.id, by)).status).toBe(201)
    expect((await rotate(app, made.id, by)).json.code).toBe('invalid_request')
  })

  test('at once gets itself one successor, and makes no other key: the first has ended it', async () => {
    const { app, made } = await owner({ mode: 'live' })
    const by = { key: made.key }
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => rotate(app, made.id, by)),
      rotate(app, made.id, by).then(() =>
        app.call('POST', '/keys', { ...by, body: { name: 'for ever' } }),
      ),
    ])
    const outcomes = answers.map(({ status, json }) => json.code ?? status)
    expect(outcomes.filter((outcome) => outcome === 201).length).toBeLessThan(2)
    expect(outcomes.filter((outcome) => outcome === 'invalid_request')).toHaveLength(
      outcomes.includes(201) ? 5 : 6,
    )
  })
})
