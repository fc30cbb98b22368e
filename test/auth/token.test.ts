// Access tokens: algorithm, issuer, audience and expiry are pinned.
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { signToken, TOKEN_SECONDS, verifyToken } from '../../src/token.ts'
import { signUp, testApp } from '../support/app.ts'

const secret = 'q3J9x0TqU1pYw7bC5nRz8sLkM2vE4hGd'
const userId = 'd7b1c3de-8a2b-4c53-9f0e-5a0d6c1b2a3f'
const now = new Date('2026-11-23T10:00:00Z')
const bytes = (text: string) => new TextEncoder().encode(text)

const claims = (alg = 'HS256', payload = {}) =>
  new SignJWT(payload)
    .setProtectedHeader({ alg })
    .setSubject(userId)
    .setIssuer('tollgate')
    .setAudience('tollgate-api')
    .setIssuedAt(now.getTime() / 1000)
    .setExpirationTime(now.getTime() / 1000 + 60)

describe('verifyToken', () => {
  test('takes a token in one spelling of its signature', async () => {
    const token = await signToken(secret, { userId, epoch: 0 }, now)
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = digits.indexOf(token.slice(-1))
    for (const unused of [1, 2, 3]) {
      const other = token.slice(0, -1) + digits.charAt(last + unused)
      expect(await verifyToken([secret], other, now)).toBeNull()
    }
  })

  test('takes our own until it expires', async () => {
    const token = await signToken(secret, { userId, epoch: 3 }, now)
    const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)
    expect(await verifyToken([secret], token, now)).toEqual({ userId, epoch: 3 })
    expect(await verifyToken([secret], token, later(TOKEN_SECONDS - 1))).toEqual({
      userId,
      epoch: 3,
    })
    expect(await verifyToken([secret], token, later(TOKEN_SECONDS + 1))).toBeNull()
  })

  test('takes one from before there were epochs as of the first', async () => {
    const token = await claims().sign(bytes(secret))
    expect(await verifyToken([secret], token, now)).toEqual({ userId, epoch: 0 })
  })

  test.each([
    ['another secret', () => claims().sign(bytes('x'.repeat(32)))],
    ['another issuer', () => claims().setIssuer('evil').sign(bytes(secret))],
    ['another audience', () => claims().setAudience('tollgate-origin').sign(bytes(secret))],
    ['another algorithm', () => claims('HS512').sign(bytes(secret.repeat(2)))],
    ['another algorithm of the same secret', () => claims('HS384').sign(bytes(secret))],
    [
      'no subject',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setIssuer('tollgate')
          .setAudience('tollgate-api')
          .setIssuedAt(now.getTime() / 1000)
          .setExpirationTime(now.getTime() / 1000 + 60)
          .sign(bytes(secret)),
    ],
    [
      'no expiry',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setSubject(userId)
          .setIssuer('tollgate')
          .setAudience('tollgate-api')
          .setIssuedAt(now.getTime() / 1000)
          .sign(bytes(secret)),
    ],
    [
      'no signature',
      async () => {
        const [, payload] = (await claims().sign(bytes(secret))).split('.')
        return `${btoa('{"alg":"none"}').replace(/=+$/, '')}.${payload}.`
      },
    ],
    ['a subject that is no user id', () => claims().setSubject('1').sign(bytes(secret))],
    ['an epoch that is none', () => claims('HS256', { epoch: '0' }).sign(bytes(secret))],
    ['nonsense', async () => 'a.b.c'],
  ])('refuses a token with %s', async (_, make) => {
    expect(await verifyToken([secret], await make(), now)).toBeNull()
  })
})

describe('who is calling', () => {
  const app = testApp()
  const path = '/billing/subscription'

  test('a token, its scheme in any case, or a key', async () => {
    const { token, key } = await signUp(app)
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const headers = { Authorization: `${scheme} ${token}` }
      expect((await app.call('GET', path, { headers })).status).toBe(200)
    }
    expect((await app.call('GET', path, { key })).status).toBe(200)
  })

  test('the token decides when both are sent, even when it is bad', async () => {
    const person = await signUp(app)
    const both = await app.call('GET', path, { token: 'bad', key: person.key })
    expect([both.status, both.json.code]).toEqual([401, 'invalid_token'])
    expect(both.headers.get('WWW-Authenticate')).toContain('invalid_token')
    expect((await app.call('GET', path, { token: person.token, key: 'bad' })).status).toBe(200)
    const empty = await app.call('GET', path, {
      headers: { Authorization: 'Bearer' },
      key: person.key,
    })
    expect(empty.json.code).toBe('invalid_token')
  })

  test('nobody: 401 that says what to send', async () => {
    const { status, json, headers } = await app.call('GET', path)
    expect([status, json.code]).toEqual([401, 'missing_credentials'])
    expect(headers.get('WWW-Authenticate')).toBe('Bearer, ApiKey')
  })

  test('a token of an account that is gone opens nothing', async () => {
    const token = await signToken(app.deps.config.jwtSecrets[0], { userId, epoch: 0 }, new Date())
    expect((await app.call('GET', path, { token })).json.code).toBe('invalid_token')
  })

  test('an expired token opens nothing', async () => {
    const { id } = await signUp(app)
    const old = new Date(Date.now() - (TOKEN_SECONDS + 5) * 1000)
    const token = await signToken(app.deps.config.jwtSecrets[0], { userId: id, epoch: 0 }, old)
    expect((await app.call('GET', path, { token })).json.code).toBe('invalid_token')
  })
})
