// What guards the account's own calls: keys, tokens, and which key a login shows.
import { crc32 } from 'node:zlib'
import { eq } from 'drizzle-orm'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { hmacSha256 } from '../../src/crypto.ts'
import { apiKeys, auditLog, users } from '../../src/data/schema.ts'
import { type Person, signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { forgetSnapshot } from '../support/snapshot.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const secrets = deps.config.apiKeySecrets

const account = (key: string, through: TestApp = app) =>
  through.call('GET', '/billing/subscription', { key })
const paid = (key: string, through: TestApp = app) =>
  through.call('POST', '/datasets/generate', {
    key,
    body: { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } },
  })
const login = async ({ email, password }: Person, through: TestApp = app): Promise<string> => {
  const { status, json, text } = await through.call('POST', '/auth/login', {
    body: { email, password },
  })
  if (status !== 200) throw new Error(`login answered ${status}: ${text}`)
  return json.api_key
}
const keyId = () => Buffer.from(deps.randomBytes(8)).toString('hex')
const revokeAll = (userId: string) =>
  deps.db.update(apiKeys).set({ revokedAt: new Date() }).where(eq(apiKeys.userId, userId))

describe('an account call', () => {
  test('names the scheme to every bad key', async () => {
    const revoked = await signUp(app)
    await revokeAll(revoked.id)
    const unknown = mintApiKey(secrets, { userId: crypto.randomUUID(), keyId: keyId() })
    for (const key of ['nonsense', unknown, revoked.key]) {
      const { json, headers } = await account(key)
      expect([json.code, headers.get('WWW-Authenticate')]).toEqual(['invalid_api_key', 'ApiKey'])
    }
  })

  test('takes a key up to the instant of its expiry', async () => {
    const own = testApp()
    const person = await signUp(own)
    const expiresAt = new Date(Date.now() + 3_600_000)
    await deps.db.update(apiKeys).set({ expiresAt }).where(eq(apiKeys.userId, person.id))
    own.setNow(new Date(expiresAt.getTime() - 1))
    expect((await account(person.key, own)).status).toBe(200)
    own.setNow(expiresAt)
    expect((await account(person.key, own)).json.code).toBe('invalid_api_key')
  })

  test('refuses a token that does not say when it was issued', async () => {
    const person = await signUp(app)
    const claims = () =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(person.id)
        .setIssuer('tollgate')
        .setAudience('tollgate-api')
        .setExpirationTime('1h')
    const ask = async (jwt: SignJWT) => {
      const token = await jwt.sign(new TextEncoder().encode(deps.config.jwtSecrets[0]))
      return call('GET', '/billing/subscription', { token })
    }
    expect((await ask(claims().setIssuedAt())).status).toBe(200)
    expect((await ask(claims())).json.code).toBe('invalid_token')
  })

  test('says when to come back while Postgres is away', async () => {
    const down = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
    const { token, key } = await signUp(app)
    for (const who of [{ token }, { key }]) {
      const { json, headers } = await down.call('GET', '/billing/usage', who)
      expect(json.code).toBe('unavailable')
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    }
  })
})

describe('a key', () => {
  const withChecksum = (key: string) => {
    let rest = crc32(key)
    let text = ''
    for (let i = 0; i < 6; i += 1) {
      text = digits.charAt(rest % 62) + text
      rest = Math.floor(rest / 62)
    }
    return key + text
  }

  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  /** A key as mintApiKey writes it, but of the `version` given. */
  const keyOfVersion = (version: number, { userId, id }: { userId: string; id: string }) => {
    const body = Buffer.from(
      version.toString(16).padStart(2, '0') + userId.replaceAll('-', '') + id,
      'hex',
    )
    const tag = hmacSha256(secrets[0], Buffer.concat([Buffer.from('tg_live_'), body]))
    let rest = BigInt(`0x${Buffer.concat([body, tag.subarray(0, 16)]).toString('hex')}`)
    let text = ''
    for (let i = 0; i < 56; i += 1) {
      text = digits.charAt(Number(rest % 62n)) + text
      rest /= 62n
    }
    return withChecksum(`tg_live_${text}`)
  }

  test('of a version that is not ours is refused, even with our tag', async () => {
    const person = await signUp(app)
    const [row] = await deps.db.select().from(apiKeys).where(eq(apiKeys.userId, person.id))
    const ids = { userId: person.id, id: row?.id ?? '' }
    expect(keyOfVersion(1, ids)).toBe(person.key)
    for (const version of [0, 2]) {
      const key = keyOfVersion(version, ids)
      expect([(await account(key)).status, (await paid(key)).status]).toEqual([401, 401])
    }
  })

  test('is tagged by a secret of its own: the one that signs tokens makes none', async () => {
    const own = testApp({ API_KEY_SECRET: undefined, API_KEY_SECRET_PREVIOUS: undefined })
    const person = await signUp(own)
    const [row] = await deps.db.select().from(apiKeys).where(eq(apiKeys.userId, person.id))
    const forged = mintApiKey([new TextEncoder().encode(own.deps.config.jwtSecrets[0])], {
      userId: person.id,
      keyId: row?.id ?? '',
    })
    expect((await account(person.key, own)).status).toBe(200)
    expect((await account(forged, own)).json.code).toBe('invalid_api_key')
  })
})

describe('the key that a login shows', () => {
  test('is one that still opens, where the first has expired', async () => {
    const own = testApp()
    const person = await signUp(own)
    const expiresAt = new Date(Date.now() + 60_000)
    await deps.db.update(apiKeys).set({ expiresAt }).where(eq(apiKeys.userId, person.id))
    expect(await login(person, own)).toBe(person.key)
    own.setNow(expiresAt)
    const fresh = await login(person, own)
    expect(fresh).not.toBe(person.key)
    expect((await account(fresh, own)).status).toBe(200)
  })

  test('is the oldest, and so always the same', async () => {
    const person = await signUp(app)
    await deps.db.insert(apiKeys).values(
      Array.from({ length: 20 }, (_, i) => ({
        // Sorted before and after the first one's id.
        id: (i % 2 ? '0' : 'f').repeat(4) + keyId().slice(4),
        userId: person.id,
        name: `later ${i}`,
        createdAt: new Date(Date.now() + (i + 1) * 1000),
      })),
    )
    const shown = [await login(person), await login(person), await login(person)]
    expect(shown).toEqual([person.key, person.key, person.key])
  })

  test('opens the paid calls at once, and the revoked one no more', async () => {
    const person = await subscribe(app, await signUp(app))
    expect((await paid(person.key)).status).toBe(200)
    await revokeAll(person.id)
    const fresh = await login(person)
    expect((await paid(fresh)).status).toBe(200)
    expect((await paid(person.key)).json.code).toBe('invalid_api_key')
  })

  test('is not taken away by a reader that was slow', async () => {
    const person = await subscribe(app, await signUp(app))
    await revokeAll(person.id)
    await forgetSnapshot(person.id)
    // The reader has the account without the new key in hand; its write to Redis is held meanwhile.
    const fill = await inject('redis', {
      match: { bodyIncludes: `userId\\":\\"${person.id}` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const reading = paid(person.key, testApp({ REDIS_TIMEOUT_MS: '30000' }))
    await fill.hit()
    const fresh = await login(person)
    await fill.release()
    expect((await reading).json.code).toBe('invalid_api_key')
    expect((await paid(fresh)).status).toBe(200)
  })
})

describe('what a sign-up leaves behind', () => {
  test('is an entry in the audit log with the plan they mean to buy', async () => {
    const { id } = await signUp(app, 'pro')
    const rows = await deps.db.select().from(auditLog).where(eq(auditLog.userId, id))
    expect(rows.map(({ action, detail }) => ({ action, detail }))).toEqual([
      { action: 'account.registered', detail: { tier: 'pro' } },
    ])
  })

  test('is a hash with a salt of its own, of 16 bytes or more', async () => {
    const password = unique('one password of two people')
    const salts = []
    for (let i = 0; i < 2; i += 1) {
      const body = { email: `${unique('twin')}@example.com`, password }
      const { id } = (await app.call('POST', '/auth/register', { body })).json.user
      const [user] = await deps.db
        .select({ hash: users.passwordHash })
        .from(users)
        .where(eq(users.id, id))
      salts.push(Buffer.from(user?.hash.split('$')[3] ?? '', 'base64'))
    }
    for (const salt of salts) expect(salt.length).toBeGreaterThanOrEqual(16)
    expect(salts[0]).not.toEqual(salts[1])
  })
})
