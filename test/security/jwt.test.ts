// Tokens that somebody made, or changed: each is refused at every route that takes one, in the same words.
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { EncryptJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifyToken } from '../../src/token.ts'
import { signUp, testApp, unique } from '../support/app.ts'
import { routesOf, send, told } from '../support/attack.ts'
import { originUrl, story } from '../support/origin.ts'

const app = testApp()
const [secret] = app.deps.config.jwtSecrets
const person = await signUp(app)
const other = await signUp(app)
const routes = routesOf('account', 'person')

const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())
const [head = '', body = '', mac = ''] = person.token.split('.')
const header = decode(head)
const claims = decode(body)
const nowSeconds = Math.floor(Date.now() / 1000)

/** A token of these parts, whatever they are, with a MAC under `key`. */
function forge(
  { h = header, c = claims }: { h?: unknown; c?: unknown },
  key: string | Buffer = secret,
  hash = 'sha256',
): string {
  const signed = `${encode(h)}.${encode(c)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = publicKey.export({ format: 'jwk' })
const attackers = 'a key that the attacker has made up'
const attackersJwk = { kty: 'oct', k: Buffer.from(attackers).toString('base64url'), alg: 'HS256' }
const rs256 = (h: object) => {
  const signed = `${encode(h)}.${body}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}
const unsigned = (alg: unknown) => `${encode({ ...header, alg })}.${body}.`
const minute = 60

/** Those that need no secret of ours: what an attacker can make. */
const forged: Record<string, string> = {
  'alg none': unsigned('none'),
  'alg None': unsigned('None'),
  'alg NONE': unsigned('NONE'),
  'alg nOnE': unsigned('nOnE'),
  'alg none, with its old signature': `${encode({ ...header, alg: 'none' })}.${body}.${mac}`,
  'alg none of a library': new UnsecuredJWT(claims).encode(),
  'no alg': `${encode({ typ: 'JWT' })}.${body}.`,
  'alg empty': unsigned(''),
  'alg null': unsigned(null),
  'alg 0': unsigned(0),
  'alg a list': unsigned(['HS256', 'none']),
  'no signature': `${head}.${body}.`,
  'no signature, no dot': `${head}.${body}`,
  'no claims': `${head}..${mac}`,
  'no header': `.${body}.${mac}`,
  'four parts': `${person.token}.${mac}`,
  'dots alone': '..',
  'another person’s claims under this signature': `${head}.${other.token.split('.')[1]}.${mac}`,
  'another subject under this signature': `${head}.${encode({ ...claims, sub: other.id })}.${mac}`,
  'duplicate claims under this signature': `${head}.${encode(
    `{"sub":${JSON.stringify(other.id)},${JSON.stringify(claims).slice(1)}`,
  )}.${mac}`,
  'duplicate claims, the last another’s': `${head}.${encode(
    `${JSON.stringify(claims).slice(0, -1)},"sub":${JSON.stringify(other.id)}}`,
  )}.${mac}`,
  'a duplicate alg': `${encode('{"alg":"HS256","alg":"none"}')}.${body}.`,
  'another key': forge({}, attackers),
  'an empty key': forge({}, ''),
  'the key "null"': forge({}, 'null'),
  'a zero key': forge({}, Buffer.alloc(32)),
  'a digest of ours as key': forge({}, createHash('sha256').update('tollgate').digest()),
  'the publishable key as key': forge({}, app.deps.config.stripe.publishableKey),
  'its own jwk': forge({ h: { ...header, jwk: attackersJwk } }, attackers),
  'its own x5c': forge({ h: { ...header, x5c: [encode('certificate')] } }, attackers),
  'a jku to ask': forge({ h: { ...header, jku: `${originUrl}/echo?id=jku` } }, attackers),
  'an x5u to ask': forge({ h: { ...header, x5u: `${originUrl}/echo?id=jku` } }, attackers),
  'a kid that is a path': forge({ h: { ...header, kid: '../../../dev/null' } }, ''),
  'a kid that is SQL': forge({ h: { ...header, kid: "x' UNION SELECT 'key" } }, 'key'),
  'RS256 by a key of its own': rs256({ ...header, alg: 'RS256', jwk }),
  'PS256 by name': rs256({ ...header, alg: 'PS256' }),
  'EdDSA by name': `${encode({ ...header, alg: 'EdDSA' })}.${body}.${mac}`,
  'ES256 with a signature of zeros': `${encode({ ...header, alg: 'ES256' })}.${body}.${Buffer.alloc(
    64,
  ).toString('base64url')}`,
  'JWE to nobody': await new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(new Uint8Array(32)),
  'a size of 64 KB': forge({ c: { ...claims, padding: 'x'.repeat(64 * 1024) } }, attackers),
  'a signature of 64 KB': `${head}.${body}.${'A'.repeat(64 * 1024)}`,
  '20,000 dots': '.'.repeat(20_000),
  'deep JSON': forge({ c: '['.repeat(20_000) }, attackers),
  'an API key in its place': person.key,
  'half of itself': person.token.slice(0, -20),
  'one letter more': `${person.token}A`,
  'another case': person.token.toUpperCase(),
  'standard base64': person.token.replaceAll('-', '+').replaceAll('_', '/').concat('=='),
  JSON: JSON.stringify({ payload: body, protected: head, signature: mac }),
}

/** Those that the holder of the key alone could make: refused all the same. */
const misused: Record<string, string> = {
  'alg HS384 under our key': forge({ h: { ...header, alg: 'HS384' } }, secret, 'sha384'),
  'alg HS512 under our key': forge({ h: { ...header, alg: 'HS512' } }, secret, 'sha512'),
  'alg RS256 with our key as if public': forge({ h: { ...header, alg: 'RS256' } }),
  'alg hs256': forge({ h: { ...header, alg: 'hs256' } }),
  'alg HS256 with a blank': forge({ h: { ...header, alg: 'HS256 ' } }),
  'a header that is a list': forge({ h: [header] }),
  'claims that are a list': forge({ c: [claims] }),
  'claims that are no JSON': forge({ c: 'sub=admin' }),
  'an unknown crit': forge({ h: { ...header, crit: ['exp'], exp: 1 } }),
  'an empty crit': forge({ h: { ...header, crit: [] } }),
  'b64 false': forge({ h: { ...header, crit: ['b64'], b64: false } }),
  'another issuer': forge({ c: { ...claims, iss: 'evil' } }),
  'no issuer': forge({ c: { ...claims, iss: undefined } }),
  'another audience': forge({ c: { ...claims, aud: 'https://api.example.com' } }),
  'no audience': forge({ c: { ...claims, aud: undefined } }),
  'an audience of a longer name': forge({ c: { ...claims, aud: `${claims.aud}-evil` } }),
  expired: forge({ c: { ...claims, exp: nowSeconds - 1 } }),
  'expired this second': forge({ c: { ...claims, exp: nowSeconds } }),
  'an expiry that is text': forge({ c: { ...claims, exp: String(claims.exp) } }),
  'no expiry': forge({ c: { ...claims, exp: undefined } }),
  'a time of issue that is text': forge({ c: { ...claims, iat: 'now' } }),
  'no time of issue': forge({ c: { ...claims, iat: undefined } }),
  'issued in the future': forge({ c: { ...claims, iat: nowSeconds + 10 * minute } }),
  'not to be used before': forge({ c: { ...claims, nbf: nowSeconds + 10 * minute } }),
  'no subject': forge({ c: { ...claims, sub: undefined } }),
  'a subject that is a list': forge({ c: { ...claims, sub: [person.id] } }),
  'a subject of nobody': forge({ c: { ...claims, sub: crypto.randomUUID() } }),
  'a subject that is no id': forge({ c: { ...claims, sub: "' or 1=1 --" } }),
  'another epoch': forge({ c: { ...claims, epoch: 1 } }),
  'an epoch that is text': forge({ c: { ...claims, epoch: '0' } }),
  'claims of 64 KB': forge({ c: { ...claims, padding: 'x'.repeat(64 * 1024) } }),
  'JWE by our key': await new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(createHash('sha256').update(secret).digest()),
}

const path = '/billing/subscription'
const refused = told(await app.call('GET', path, { token: 'a.b.c' }))

test('there are such routes', () => {
  expect(routes.length).toBeGreaterThan(3)
})

test('the forger’s own tool makes a token that is taken, unless something is wrong with it', async () => {
  expect((await app.call('GET', path, { token: forge({}) })).status).toBe(200)
  expect(refused).toMatchObject([401, { code: 'invalid_token' }, 'Bearer error="invalid_token"'])
})

test.each(Object.entries({ ...forged, ...misused }))(
  'a token with %s is refused by every route that takes one',
  async (_, token) => {
    const answers = await Promise.all(
      routes.map(async (route) => [route.name, told(await send(app, route, { token, body: {} }))]),
    )
    expect(answers).toEqual(routes.map(({ name }) => [name, refused]))
  },
)

test.each(routesOf('paid').map((route) => [route.name, route] as const))(
  '%s takes no token at all',
  async (_, route) => {
    const { status, json } = await send(app, route, { token: person.token, body: {} })
    expect([status, json.code]).toEqual([401, 'missing_api_key'])
  },
)

describe('a token is refused', () => {
  const bits = (part: string) => {
    const bytes = Buffer.from(part, 'base64url')
    return Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      return flipped.toString('base64url')
    })
  }
  const now = new Date()

  test.each([
    ['header', bits(head).map((flipped) => `${flipped}.${body}.${mac}`)],
    ['claims', bits(body).map((flipped) => `${head}.${flipped}.${mac}`)],
    ['signature', bits(mac).map((flipped) => `${head}.${body}.${flipped}`)],
  ])('whichever bit of its %s is flipped', async (_, tokens) => {
    expect(tokens.length).toBeGreaterThan(200)
    for (const token of tokens) {
      expect(await verifyToken([secret], token, now), token).toBeNull()
    }
    expect(await verifyToken([secret], person.token, now)).not.toBeNull()
  })

  test.each([
    `Bearer ${person.token} ${person.token}`,
    `Bearer ${other.token},${person.token}`,
    `Bearer ${other.token}, Bearer ${person.token}`,
    `Bearer\t${person.token}`,
    `Bearer ${person.token.replace('.', '. ')}`,
    `Bearer "${person.token}"`,
    `Bearer token=${person.token}`,
  ])('in the header %j', async (authorization) => {
    const { status } = await app.call('GET', path, { headers: { Authorization: authorization } })
    expect(status).toBe(401)
  })

  test.each([
    `Basic ${person.token}`,
    `Token ${person.token}`,
    person.token,
    `bearerer ${person.token}`,
    `Digest Bearer ${person.token}`,
  ])('under another scheme: %j', async (authorization) => {
    const { json } = await app.call('GET', path, { headers: { Authorization: authorization } })
    expect(json.code).toBe('missing_credentials')
  })

  test.each(['access_token', 'token', 'jwt', 'authorization', 'api_key', 'x-api-key'])(
    'in the query, as %s',
    async (name) => {
      const value = name.includes('key') ? person.key : `Bearer ${person.token}`
      const { json } = await app.call('GET', `${path}?${new URLSearchParams({ [name]: value })}`)
      expect(json.code).toBe('missing_credentials')
    },
  )

  test('in a cookie', async () => {
    const headers = { Cookie: `access_token=${person.token}; token=${person.token}` }
    expect((await app.call('GET', path, { headers })).json.code).toBe('missing_credentials')
  })
})

test('what a header says of keys is not asked for, and where the key is ours not minded', async () => {
  const { id, hits } = story(unique('jku'))
  const away = `${originUrl}/echo?id=${id}`
  const token = forge({ h: { ...header, jku: away, x5u: away, kid: away, jwk: attackersJwk } })
  expect((await app.call('GET', path, { token })).status).toBe(200)
  expect(await hits()).toBe(0)
})
