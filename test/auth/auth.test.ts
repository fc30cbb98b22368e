// Register and login as a client meets them.

import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { apiKeys, users } from '../../src/data/schema.ts'
import { freshAddress, signUp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'

const app = testApp()
const { call, deps } = app
const email = () => `${unique('auth')}@example.com`
const password = 'correct horse battery'

describe('POST /auth/register', () => {
  test('answers a token, a key and the user, in the names of the contract', async () => {
    const address = email()
    const { status, json, headers } = await call('POST', '/auth/register', {
      body: { email: address, password, tier: 'research' },
    })
    expect(status).toBe(200)
    expect(json).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'bearer',
      expires_in: 86_400,
      api_key: expect.stringMatching(/^tg_live_[0-9A-Za-z]{62}$/),
      user: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email: address,
        tier: 'research',
        subscription_status: 'none',
        api_key: json.api_key,
      },
    })
    expect(headers.get('Cache-Control')).toBe('no-store')
  })

  test('means hobby where no tier is named', async () => {
    const { json } = await call('POST', '/auth/register', { body: { email: email(), password } })
    expect(json.user.tier).toBe('hobby')
  })

  test('stores neither the password nor the key', async () => {
    const person = await signUp(app)
    const [user] = await deps.db.select().from(users).where(eq(users.id, person.id))
    const keys = await deps.db.select().from(apiKeys).where(eq(apiKeys.userId, person.id))
    const stored = JSON.stringify([user, keys])
    expect(stored).not.toContain(person.password)
    expect(stored).not.toContain(person.key.slice(8))
    expect(user?.passwordHash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/)
  })

  test('of a taken email is refused, in any case of its letters', async () => {
    const { email: taken } = await signUp(app)
    const { status, json } = await call('POST', '/auth/register', {
      body: { email: taken.toUpperCase(), password },
    })
    expect([status, json.code]).toEqual([409, 'email_taken'])
  })

  test('of one email ten times at once makes one account', async () => {
    const body = { email: email(), password }
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => call('POST', '/auth/register', { body })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409])
  })

  test('that fails half way leaves no account behind', async () => {
    const body = { email: email(), password }
    const fault = await inject('postgres', {
      match: { bodyIncludes: body.email },
      fault: { kind: 'reset' },
    })
    expect((await call('POST', '/auth/register', { body })).json.code).toBe('unavailable')
    await fault.remove()
    expect((await call('POST', '/auth/register', { body })).status).toBe(200)
  })

  test.each([
    [{}, ['email', 'password']],
    [{ email: 'nobody', password }, ['email']],
    [{ email: 'a@example.com', password: 'short' }, ['password']],
    [{ email: 'a@example.com', password: 'x'.repeat(129) }, ['password']],
    [{ email: `${'x'.repeat(250)}@example.com`, password }, ['email']],
    [{ email: 'a@example.com', password, tier: 'gold' }, ['tier']],
    [{ email: ['a@example.com'], password: 12345678 }, ['email', 'password']],
    ['text', ['']],
    [null, ['']],
  ])('refuses %j and names the fields', async (body, paths) => {
    const { status, json } = await call('POST', '/auth/register', { body: JSON.stringify(body) })
    expect([status, json.code]).toEqual([422, 'invalid_request'])
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual(paths)
    for (const { message } of json.errors)
      expect(message).toMatch(/expected|must have|Invalid email/)
  })
})

describe('POST /auth/login', () => {
  test('shows the same key again, computed', async () => {
    const person = await signUp(app)
    const { status, json } = await call('POST', '/auth/login', {
      body: { email: person.email, password: person.password },
    })
    expect(status).toBe(200)
    expect(json.api_key).toBe(person.key)
    expect(json.user).toMatchObject({ id: person.id, email: person.email, tier: 'hobby' })
  })

  test('takes the email in any case and the password in another Unicode form', async () => {
    const address = email()
    const composed = 'caf\u00e9 au lait \ufb01n'
    await call('POST', '/auth/register', { body: { email: address, password: composed } })
    const { status } = await call('POST', '/auth/login', {
      body: { email: address.toUpperCase(), password: composed.normalize('NFKD') },
    })
    expect(status).toBe(200)
  })

  test('answers an unknown email and a wrong password alike', async () => {
    const person = await signUp(app)
    const wrong = await call('POST', '/auth/login', {
      body: { email: person.email, password: 'wrong password' },
    })
    const unknown = await call('POST', '/auth/login', {
      body: { email: email(), password: 'wrong password' },
    })
    const shown = ({ status, json }: typeof wrong) => [status, { ...json, request_id: '' }]
    expect(shown(wrong)).toEqual(shown(unknown))
    expect(wrong.json.code).toBe('invalid_credentials')
  })

  test('takes as long for an unknown email as for a wrong password', async () => {
    const person = await signUp(app)
    const timed = async (address: string) => {
      const started = performance.now()
      await call('POST', '/auth/login', { body: { email: address, password: 'wrong password' } })
      return performance.now() - started
    }
    const pairs: [number, number][] = []
    for (let i = 0; i < 4; i += 1) pairs.push([await timed(email()), await timed(person.email)])
    const ratios = pairs.map(([unknown, wrong]) => unknown / wrong).sort((a, b) => a - b)
    // Without the hash for nobody the ratio is near 0.05.
    expect(ratios.at(-1)).toBeGreaterThan(0.5)
  })

  test('takes as long for a password that was stored with older parameters', async () => {
    const person = await signUp(app)
    const weak = `$scrypt$ln=10,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
    await deps.db.update(users).set({ passwordHash: weak }).where(eq(users.id, person.id))
    const timed = async (address: string) => {
      const started = performance.now()
      await call('POST', '/auth/login', { body: { email: address, password: 'wrong password' } })
      return performance.now() - started
    }
    const ratios: number[] = []
    for (let i = 0; i < 3; i += 1) ratios.push((await timed(person.email)) / (await timed(email())))
    // Without the work that is missing the ratio is near 0.05.
    expect(Math.max(...ratios)).toBeGreaterThan(0.5)
  })

  test('hashes a password again that was stored with older parameters', async () => {
    const { scryptSync } = await import('node:crypto')
    const person = await signUp(app)
    const salt = Buffer.alloc(16, 7)
    const weak = scryptSync(person.password, salt, 32, { N: 1024, r: 8, p: 1 })
    const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
    await deps.db
      .update(users)
      .set({ passwordHash: `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(weak)}` })
      .where(eq(users.id, person.id))
    const login = () =>
      call('POST', '/auth/login', { body: { email: person.email, password: person.password } })
    expect((await login()).status).toBe(200)
    const [user] = await deps.db.select().from(users).where(eq(users.id, person.id))
    expect(user?.passwordHash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/)
    expect((await login()).status).toBe(200)
  })

  test('of an account whose key was revoked shows a new one', async () => {
    const person = await signUp(app)
    await deps.db
      .update(apiKeys)
      .set({ revokedAt: new Date() })
      .where(eq(apiKeys.userId, person.id))
    const { json } = await call('POST', '/auth/login', {
      body: { email: person.email, password: person.password },
    })
    expect(json.api_key).not.toBe(person.key)
    expect((await call('GET', '/billing/subscription', { key: json.api_key })).status).toBe(200)
    expect((await call('GET', '/billing/subscription', { key: person.key })).json.code).toBe(
      'invalid_api_key',
    )
  })
})

describe('the throttles', () => {
  // Two limiter windows can meet: twice the limit and one more always overflows one of them.
  const untilRefused = async (attempt: () => Promise<{ status: number }>, most: number) => {
    for (let i = 0; i < most; i += 1) if ((await attempt()).status === 429) return true
    return false
  }

  test('refuse an address after a while, before the body is even read', async () => {
    const headers = { 'CF-Connecting-IP': freshAddress() }
    const attempt = () => call('POST', '/auth/login', { headers, body: '{' })
    expect(await untilRefused(attempt, 41)).toBe(true)
    const { json, headers: answered } = await attempt()
    expect(json.code).toBe('too_many_attempts')
    expect(Number(answered.get('Retry-After'))).toBeGreaterThan(0)
    expect((await call('POST', '/auth/login', { body: '{' })).json.code).toBe('malformed_json')
  })

  test('refuse an account from one network after a while, in any case of its letters', async () => {
    // Without Redis, whose waits come first.
    const alone = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    const [address, headers] = [email(), { 'CF-Connecting-IP': freshAddress() }]
    let tries = 0
    const attempt = () => {
      tries += 1
      const body = {
        email: tries % 2 ? address : address.toUpperCase(),
        password: 'wrong password',
      }
      return alone.call('POST', '/auth/login', { headers, body })
    }
    expect(await untilRefused(attempt, 21)).toBe(true)
    const { json, headers: answered } = await attempt()
    expect([json.code, answered.get('Retry-After')]).toEqual(['too_many_attempts', '60'])
    const elsewhere = { body: { email: address, password: 'wrong password' } }
    expect((await alone.call('POST', '/auth/login', elsewhere)).json.code).toBe(
      'invalid_credentials',
    )
  })

  test('count the addresses of one IPv6 network as one', async () => {
    let host = 0
    const attempt = () => {
      host += 1
      const headers = { 'CF-Connecting-IP': `2001:db8:77:88:${host}::1` }
      return call('POST', '/auth/login', { headers, body: '{' })
    }
    expect(await untilRefused(attempt, 41)).toBe(true)
  })

  test('know a caller without an address as one caller', async () => {
    const attempt = () =>
      call('POST', '/auth/login', { headers: { 'CF-Connecting-IP': '' }, body: '{' })
    expect(await untilRefused(attempt, 41)).toBe(true)
  })
})
