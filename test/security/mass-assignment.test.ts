// Fields that nobody asked for, at every route that takes a body: refused, or without any effect. And objects that
// would poison all others.
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, type Json, testApp } from '../support/app.ts'
import {
  BODIES,
  bodyFor,
  citizen,
  credentialsFor,
  expectDecent,
  hasBody,
  isPaid,
  payer,
  ROUTES,
  type Route,
  rowsOf,
  send,
} from '../support/attack.ts'
import { checkout } from '../support/stripe.ts'

const app = testApp()
const webhook = /webhooks/
const routes = ROUTES.filter((route) => hasBody(route) && !webhook.test(route.path))
const other = await citizen(app)
/** Somebody for whom the route does what it is there for. */
const personFor = async (route: Route) => {
  if (isPaid(route)) return payer(app)
  const person = await citizen(app)
  // The portal is for who has been to the checkout.
  if (route.path.endsWith('/portal')) await checkout(app, person, 'hobby')
  return person
}

/** What a row has, in the spellings of both worlds, and what other services believe. */
const EXTRAS: Readonly<Record<string, Json>> = {
  id: other.id,
  user_id: other.id,
  userId: other.id,
  user: { id: other.id, tier: 'pro', subscription_status: 'active' },
  account: other.id,
  status: 'active',
  subscription_status: 'active',
  subscriptionStatus: 'active',
  subscription: { status: 'active', tier: 'pro' },
  access: true,
  stripe_customer_id: 'cus_attacker',
  stripeCustomerId: 'cus_attacker',
  customer: 'cus_attacker',
  price: 'price_free',
  price_id: 'price_free',
  trial_end: '2099-01-01T00:00:00Z',
  trial_days: 365,
  trial_period_days: 365,
  trial_used: false,
  trialUsed: false,
  coupon: 'FREE',
  discounts: [{ coupon: 'FREE' }],
  metadata: { user_id: other.id },
  client_reference_id: other.id,
  role: 'admin',
  roles: ['admin'],
  isAdmin: true,
  is_admin: true,
  version: 999,
  session_epoch: 999,
  sessionEpoch: 999,
  password_hash: '$scrypt$ln=1,r=1,p=1$AAAA$AAAA',
  passwordHash: '$scrypt$ln=1,r=1,p=1$AAAA$AAAA',
  created_at: '2000-01-01T00:00:00Z',
  createdAt: '2000-01-01T00:00:00Z',
  revoked_at: null,
  last_used_at: '2000-01-01T00:00:00Z',
  secret: 'attacker',
  api_key: other.key,
  key_id: '0123456789abcdef',
  api_calls_quota: 1e9,
  api_calls: 0,
  quota: 1e9,
  rate_limit: 1e9,
  mode: 'test',
  tier: 'pro',
  $set: { tier: 'pro' },
  'tier[]': 'pro',
}

/** What a route takes besides its example in BODIES: those are no extras there. */
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  'POST /api/v1/keys': ['mode', 'expires_at'],
}

const extrasFor = (route: Route, body: Record<string, Json>) =>
  Object.fromEntries(
    Object.entries(EXTRAS).filter(
      ([name]) => !(name in body) && !OPTIONAL[route.name]?.includes(name),
    ),
  )

/** Rows and answers of two people who did the same are the same text, but for what differs from person to person. */
const impersonal = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\b[0-9a-f]{16,64}\b/g, '<hex>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\$scrypt\$[^"\\]+/g, '<hash>')
    .replace(/(cus|sub|cs|bps|price)_\w+/g, '<$1>')
    .replace(/tg_(live|test)_\w+/g, '<key>')
    .replace(/eyJ[\w.-]+/g, '<token>')
    .replace(/"(id|at)\\*":\d+/g, '<number>')
    .replace(/"(last_four|last4|lastFour|prefix)":"\w+"/g, '<part>')
    .replace(/http:\/\/127\.0\.0\.1:\d+[^"]*/g, '<url>')

/** The same of all rows, whatever order their ids gave them. */
const impersonalRows = (rows: string) =>
  (JSON.parse(rows) as Json[][]).map((table) =>
    table.map((row) => impersonal(typeof row === 'string' ? row : JSON.stringify(row))).sort(),
  )

/** The person that an answer made, where it made one. */
const madeBy = ({ json }: Answer): string | undefined => json.user?.id

// What one of them has poisoned is not the next one's fault.
afterEach(() => {
  for (const name of Object.keys(Object.prototype)) Reflect.deleteProperty(Object.prototype, name)
})

test('there are routes with bodies, and each has an example here', () => {
  expect(routes.length).toBeGreaterThan(4)
  const unknown = Object.keys(BODIES).filter((name) => !ROUTES.some((route) => route.name === name))
  expect(unknown).toEqual([])
})

describe.each(routes.map((route) => [route.name, route] as const))('%s', (_, route) => {
  const ask = async (more: (body: Record<string, Json>) => Record<string, Json>) => {
    const person = await personFor(route)
    const body = bodyFor(route, person)
    const before = await rowsOf(app, person.id)
    const answer = await send(app, route, {
      ...credentialsFor(route, person),
      id: person.keyId,
      body: { ...body, ...more(body) },
    })
    const after = await rowsOf(app, madeBy(answer) ?? person.id)
    return { person, answer, before, after }
  }

  test('does with more fields what it does without, or nothing', async () => {
    const others = await rowsOf(app, other.id)
    const plain = await ask(() => ({}))
    const more = await ask((body) => extrasFor(route, body))
    expect(plain.answer.status, 'BODIES in test/support/attack.ts lacks it').toBeLessThan(300)
    expectDecent(more.answer, route.name)
    if (more.answer.status === 422 && plain.answer.status !== 422) {
      expect(more.after).toBe(more.before)
    } else {
      expect(more.answer.status).toBe(plain.answer.status)
      expect(impersonalRows(more.after)).toEqual(impersonalRows(plain.after))
      expect(impersonal(more.answer.text.replace(/"request_id":"[^"]*"/, ''))).toBe(
        impersonal(plain.answer.text.replace(/"request_id":"[^"]*"/, '')),
      )
    }
    expect(await rowsOf(app, other.id)).toBe(others)
  })

  const evil = '{"polluted":"yes","status":"active","isAdmin":true}'
  test.each([
    ['__proto__', (body: string) => `{"__proto__":${evil},${body.slice(1)}`],
    [
      'constructor.prototype',
      (body: string) => `{"constructor":{"prototype":${evil}},${body.slice(1)}`,
    ],
    [
      '__proto__ in its fields',
      (body: string) => body.replace(/":("[^"]*")/g, `":{"__proto__":${evil}}`),
    ],
    [
      '__proto__ three deep',
      (body: string) => `{"a":{"b":[{"__proto__":${evil}}]},${body.slice(1)}`,
    ],
    [
      'a dotted path',
      (body: string) =>
        `{"__proto__.polluted":"yes","constructor.prototype.polluted":"yes",${body.slice(1)}`,
    ],
    ['__proto__ alone', () => `{"__proto__":${evil}}`],
    [
      '__proto__ as a whole',
      () => `{"__proto__":null,"constructor":null,"toString":null,"hasOwnProperty":1}`,
    ],
    ['a list', () => `[{"__proto__":${evil}}]`],
  ])('poisons nothing: %s', async (_, make) => {
    const person = await personFor(route)
    const body = make(JSON.stringify(bodyFor(route, person))).replace(/,\}$/, '}')
    const answer = await send(app, route, {
      ...credentialsFor(route, person),
      id: person.keyId,
      body,
    })
    expectDecent(answer, [route.name, body])
    expect(answer.status, 'nobody has looked at the body').not.toBe(402)
    expect(({} as Json).polluted).toBeUndefined()
    expect(([] as Json).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
    expect((await app.call('GET', '/health')).status).toBe(200)
    expect(
      (await app.call('GET', '/billing/subscription', { token: other.token })).json,
    ).toMatchObject({
      status: 'none',
      access: false,
    })
  })
})
