// Keys that somebody made, changed or should no longer have: each is refused at every route that takes one, in the same
// words, and the paywall asks nobody about those that do not prove themselves.
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { proveApiKey } from '../../src/api-key.ts'
import { refreshAccount } from '../../src/data/accounts.ts'
import { apiKeys } from '../../src/data/schema.ts'
import { type Person, signUp, testApp } from '../support/app.ts'
import { citizen, routesOf, send, told } from '../support/attack.ts'
import { customer, keyOf, shop } from '../support/shop.ts'

const app = testApp()
const { deps } = app
const secrets = deps.config.apiKeySecrets
const person = await signUp(app)
const other = await signUp(app)
const { testKey } = await citizen(app)
const routes = routesOf('account', 'paid')

// The format once more, as an attacker reads it in the documentation.
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'tg_live_'
const DIGITS = 56
const base62 = (value: bigint, digits: number): string => {
  let [rest, text] = [value, '']
  for (let i = 0; i < digits; i += 1)
    [text, rest] = [ALPHABET[Number(rest % 62n)] + text, rest / 62n]
  return text
}
const numberOf = (digits: string) =>
  [...digits].reduce((value, digit) => value * 62n + BigInt(ALPHABET.indexOf(digit)), 0n)
const closed = (text: string) => text + base62(BigInt(crc32(text)), 6)
/** A key of this payload, its checksum right. */
const keyFor = (payload: Uint8Array, prefix = PREFIX) =>
  closed(prefix + base62(BigInt(`0x${Buffer.from(payload).toString('hex')}`), DIGITS))
const payloadOf = (key: string) =>
  Buffer.from(numberOf(key.slice(PREFIX.length, -6)).toString(16).padStart(82, '0'), 'hex')

const payload = payloadOf(person.key)
const others = payloadOf(other.key)
const USER = [1, 17] as const
const KEY = [17, 25] as const
const TAG = [25, 41] as const

/** The payload with these bytes of another. */
function spliced(from: Uint8Array, ...places: (readonly [number, number])[]): Buffer {
  const made = Buffer.from(payload)
  for (const [start, end] of places) made.set(from.subarray(start, end), start)
  return made
}
const tagged = (body: Uint8Array, key: string | Uint8Array, prefix = PREFIX) =>
  keyFor(
    Buffer.concat([
      body.subarray(0, 25),
      createHmac('sha256', key)
        .update(prefix)
        .update(body.subarray(0, 25))
        .digest()
        .subarray(0, 16),
    ]),
    prefix,
  )

const refused = told(await app.call('GET', '/billing/subscription', { key: 'nonsense' }))

/** The key of somebody whose row of it was changed, and everybody told. */
async function keyWith(change: Partial<typeof apiKeys.$inferInsert> | 'no row'): Promise<string> {
  const { id, key } = await signUp(app)
  const ofThem = eq(apiKeys.userId, id)
  if (change === 'no row') await deps.db.delete(apiKeys).where(ofThem)
  else await deps.db.update(apiKeys).set(change).where(ofThem)
  await refreshAccount(deps, id)
  return key
}

async function ofAnotherEnvironment(): Promise<string> {
  const elsewhere = testApp({ API_KEY_SECRET: 'the secret of the staging environment' })
  return (await signUp(elsewhere)).key
}

const lookAlikes: Record<string, string> = {
  a: 'а',
  e: 'е',
  o: 'о',
  A: 'Α',
  O: '0',
  l: 'I',
  I: 'l',
}
const firstOf = (key: string, letters: RegExp) =>
  key.slice(PREFIX.length).search(letters) + PREFIX.length

const forged: Record<string, string> = {
  'the payload spliced: another’s user id': keyFor(spliced(others, USER)),
  'another’s key id': keyFor(spliced(others, KEY)),
  'another’s user and key id under this tag': keyFor(spliced(others, USER, KEY)),
  'another’s tag': keyFor(spliced(others, TAG)),
  'another’s user id and tag': keyFor(spliced(others, USER, TAG)),
  'another’s key id and tag': keyFor(spliced(others, KEY, TAG)),
  'an empty tag': keyFor(spliced(new Uint8Array(41), TAG)),
  'a tag of ones': keyFor(spliced(new Uint8Array(41).fill(255), TAG)),
  zeros: keyFor(new Uint8Array(41)),
  'a tag under an empty secret': tagged(payload, ''),
  'a tag under the token’s secret': tagged(payload, deps.config.jwtSecrets[0]),
  'a tag under the publishable key': tagged(payload, deps.config.stripe.publishableKey),
  'another’s key id, tagged for this user by us': keyOf(
    person.id,
    others.subarray(...KEY).toString('hex'),
  ),
  'a key id of nobody, tagged by us': keyOf(person.id, '0123456789abcdef'),
  'a user of nobody, tagged by us': keyOf(
    crypto.randomUUID(),
    payload.subarray(...KEY).toString('hex'),
  ),
  'the test prefix on a live body': keyFor(payload, 'tg_test_'),
  'the test prefix, its checksum not renewed': person.key.replace('live', 'test'),
  'the live prefix on a test body': keyFor(payloadOf(testKey)),
  'no prefix': person.key.slice(PREFIX.length),
  'another prefix': closed(person.key.slice(0, -6).replace('tg_live_', 'sk_live_')),
  'a prefix in capitals': closed(person.key.slice(0, -6).replace('tg_live_', 'TG_LIVE_')),
  'all in lower case': closed(person.key.slice(0, -6).toLowerCase()),
  'all in capitals': closed(`tg_live_${person.key.slice(8, -6).toUpperCase()}`),
  'the case of each letter changed': closed(
    person.key
      .slice(0, -6)
      .replace(/(?<=^.{8}.*)[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase())),
  ),
  'one digit more': closed(`${person.key.slice(0, -6)}0`),
  'a leading zero more': closed(`${PREFIX}0${person.key.slice(PREFIX.length, -6)}`),
  'the largest number': closed(PREFIX + 'z'.repeat(DIGITS)),
  'the payload and 2^328': closed(
    PREFIX + base62(numberOf(person.key.slice(8, -6)) + 2n ** 328n, DIGITS),
  ),
  twice: person.key + person.key,
  'two, with a comma': `${other.key.slice(0, -1)}, ${person.key}`,
  'a Bearer before it': `Bearer ${person.key}`,
  quotes: `"${person.key}"`,
  'a size of 64 KB': person.key + 'A'.repeat(64 * 1024),
  'a token in its place': person.token,
  'its user’s id': person.id,
  SQL: "' or 1=1 --",
  'a like pattern': `${PREFIX}%`,
  'a glob': `${PREFIX}*`,
  'the name of a member': '__proto__',
  'percent-encoding': encodeURIComponent(person.key).replace('_', '%5F'),
}
const ended: Record<string, string> = {
  revoked: await keyWith({ revokedAt: new Date(Date.now() - 1000) }),
  expired: await keyWith({ expiresAt: new Date(Date.now() - 1000) }),
  'deleted from the table': await keyWith('no row'),
  'of another environment': await ofAnotherEnvironment(),
}

test('the attacker’s own tool makes keys that are taken, unless something is wrong with them', async () => {
  expect(keyFor(payload)).toBe(person.key)
  expect(tagged(payload, secrets[0])).toBe(person.key)
  expect(spliced(others, USER, KEY, TAG)).toEqual(others)
  expect((await app.call('GET', '/billing/subscription', { key: person.key })).status).toBe(200)
  expect(refused).toMatchObject([401, { code: 'invalid_api_key' }, 'ApiKey'])
  expect(routes.length).toBeGreaterThan(4)
})

test.each(Object.entries({ ...forged, ...ended }))(
  'a key with %s is refused by every route, in the same words',
  async (_, key) => {
    const answers = await Promise.all(
      routes.map(async (route) => [route.name, told(await send(app, route, { key, body: {} }))]),
    )
    expect(answers).toEqual(routes.map(({ name }) => [name, refused]))
  },
)

test('a test key opens nothing of the account', async () => {
  for (const route of routesOf('account')) {
    const { status, json } = await send(app, route, { key: testKey, body: {} })
    expect([route.name, status, json.code]).toEqual([route.name, 403, 'live_key_required'])
  }
  const [paid] = routesOf('paid')
  if (!paid) throw new Error('Nothing is sold')
  const { status } = await send(app, paid, { key: testKey, body: { dataset_type: 'none' } })
  expect(status).toBe(422)
})

describe('a key proves itself no more', () => {
  test('when any of its bits is flipped, whatever its checksum says', () => {
    for (let bit = 0; bit < 41 * 8; bit += 1) {
      const flipped = Buffer.from(payload)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(proveApiKey(secrets, keyFor(flipped)), `bit ${bit}`).toBeNull()
    }
  })

  test('when any of its characters is another', () => {
    for (let at = 0; at < person.key.length; at += 1) {
      for (const letter of ALPHABET) {
        if (letter === person.key[at]) continue
        const changed = person.key.slice(0, at) + letter + person.key.slice(at + 1)
        expect(proveApiKey(secrets, changed), changed).toBeNull()
        const digits = changed.slice(0, -6)
        if (at < person.key.length - 6)
          expect(proveApiKey(secrets, closed(digits)), changed).toBeNull()
      }
    }
  })

  test('when it is cut, lacks a character or has one twice', () => {
    const { key } = person
    const unchecked = key.slice(0, -6)
    for (let at = 1; at < key.length; at += 1) {
      const made = (text: string) => [
        text.slice(0, at),
        text.slice(at),
        text.slice(0, at - 1) + text.slice(at),
        text.slice(0, at) + text.slice(at - 1),
      ]
      const all = [...made(key), ...made(unchecked).map(closed)].filter((text) => text !== key)
      for (const text of all) expect(proveApiKey(secrets, text), text).toBeNull()
    }
  })

  test.each(Object.entries(lookAlikes))('when %s looks like %s', (letter, like) => {
    for (const { key } of [person, other]) {
      const at = firstOf(key, new RegExp(letter))
      if (at < PREFIX.length) continue
      expect(proveApiKey(secrets, key.slice(0, at) + like + key.slice(at + 1))).toBeNull()
    }
  })

  test.each(['\n', '\r', '\t', ' ', '\0', '\u200b', '\ufeff', '\u00a0', '=', '.'])(
    'with %j before, in or after it',
    (odd) => {
      const half = person.key.length / 2
      for (const key of [
        odd + person.key,
        person.key + odd,
        person.key.slice(0, half) + odd + person.key.slice(half),
      ]) {
        expect(proveApiKey(secrets, key)).toBeNull()
      }
    },
  )

  test('under a secret that has been taken away', () => {
    expect(proveApiKey([new Uint8Array(32)], person.key)).toBeNull()
  })
})

describe('nobody is asked', () => {
  const { buy, asked } = shop()

  test('about a key that does not prove itself', async () => {
    const paying = await customer({ known: true })
    const wrong = payloadOf(paying.key)
    wrong.writeUInt8(wrong.readUInt8(40) ^ 1, 40)
    for (const key of [keyFor(wrong), ...Object.values(forged).slice(0, 4)]) {
      const { result, redis, postgres } = await asked(() => buy({ key }))
      expect([result.status, redis, postgres]).toEqual([401, 0, 0])
    }
    expect((await buy(paying)).status).toBe(200)
  })

  test('and a forged one does not use up what its owner may call in a second', async () => {
    const paying = await customer({ known: true })
    const wrong = payloadOf(paying.key)
    wrong.writeUInt8(wrong.readUInt8(40) ^ 1, 40)
    const knocks = Array.from({ length: 120 }, () => buy({ key: keyFor(wrong) }))
    expect(new Set((await Promise.all(knocks)).map(({ status }) => status))).toEqual(new Set([401]))
    expect((await buy(paying)).status).toBe(200)
  })
})

test.each(['api_key', 'x-api-key', 'X-API-Key', 'key'])(
  'a key in the query, as %s, is none',
  async (name) => {
    const knock = (who: Person) =>
      app.call('GET', `/billing/subscription?${new URLSearchParams({ [name]: who.key })}`)
    expect((await knock(person)).json.code).toBe('missing_credentials')
  },
)
