// Many at once: what each may cost us is bounded before it is spent.
import { describe, expect, test } from 'vitest'
import { freshAddress, testApp, unique } from '../support/app.ts'
import {
  BODIES,
  citizen,
  credentialsFor,
  expectDecent,
  hasBody,
  isPaid,
  payer,
  ROUTES,
  send,
} from '../support/attack.ts'

// A busy machine is no fault of Postgres.
const app = testApp({ DATABASE_TIMEOUT_MS: '60000' })
const person = await citizen(app)

const login = (email: string, password: string, address: string) =>
  app.call('POST', '/auth/login', {
    body: { email, password },
    headers: { 'CF-Connecting-IP': address },
  })
/** Answers that were worth a hash: the throttle refused all others. */
const hashed = (answers: { status: number }[]) =>
  answers.filter(({ status }) => status !== 429).length

describe('of passwords', () => {
  test('at one account from one address: a hundred logins compute few hashes', async () => {
    const { email } = await citizen(app)
    const address = freshAddress()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => login(email, unique('guess'), address)),
    )
    expect(hashed(answers)).toBeGreaterThan(0)
    expect(hashed(answers)).toBeLessThanOrEqual(20)
    for (const answer of answers) {
      expectDecent(answer, 'login')
      expect([401, 429]).toContain(answer.status)
      if (answer.status === 429)
        expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
    }
  })

  test('at one account from four addresses: each has a few tries of its own', async () => {
    const { email } = await citizen(app)
    const networks = Array.from({ length: 4 }, freshAddress)
    const answers = await Promise.all(
      networks.flatMap((address) =>
        Array.from({ length: 15 }, () => login(email, unique('guess'), address)),
      ),
    )
    expect(hashed(answers)).toBeGreaterThanOrEqual(4)
    expect(hashed(answers)).toBeLessThanOrEqual(20)
  })

  test('at many accounts from one network, whatever else is said of where they come from', async () => {
    const network = freshAddress().split(':').slice(0, 4).join(':')
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        app.call('POST', '/auth/login', {
          body: { email: `${unique('nobody')}@example.com`, password: 'a password' },
          headers: {
            // An IPv6 network counts as one; and a proxy's word is taken of the platform's own alone.
            'CF-Connecting-IP': `${network}::${i.toString(16)}`,
            'X-Forwarded-For': freshAddress(),
            'X-Real-IP': freshAddress(),
            'True-Client-IP': freshAddress(),
            Forwarded: `for="[${freshAddress()}]"`,
          },
        }),
      ),
    )
    expect(hashed(answers)).toBeLessThanOrEqual(25)
  })

  test('of any length: one that is too long is refused before it is hashed', async () => {
    const answer = await login(person.email, 'x'.repeat(60_000), freshAddress())
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_request'])
  })
})

test.each([
  ['/billing/checkout/session', 'POST /api/v1/billing/checkout/session'],
  ['/billing/portal', 'POST /api/v1/billing/portal'],
])('of one customer at %s: Stripe is asked for a few', async (path, name) => {
  const { token } = await citizen(app)
  const answers = await Promise.all(
    Array.from({ length: 40 }, () =>
      app.call('POST', path, { token, body: BODIES[name]?.(person) }),
    ),
  )
  const through = answers.filter(({ json }) => json.code !== 'too_many_attempts')
  expect(through.length).toBeGreaterThan(0)
  expect(through.length).toBeLessThanOrEqual(25)
})

const reading = ROUTES.filter((route) => hasBody(route) && BODIES[route.name])
const MEGABYTE = 1024 * 1024

describe.each(reading.map((route) => [route.name, route] as const))(
  'of bodies, at %s',
  (_, route) => {
    const codes = async (body: string) => {
      // Somebody else each time: an account may ask for a few a minute. Who has not paid is told so unread.
      const somebody = isPaid(route) ? await payer(app) : await citizen(app)
      const who = credentialsFor(route, somebody)
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => send(app, route, { ...who, body, id: somebody.keyId })),
      )
      for (const answer of answers) expectDecent(answer, body.slice(0, 50))
      return new Set(answers.map(({ status }) => status))
    }

    test('ten of a megabyte are refused, all of them', async () => {
      expect([...(await codes('x'.repeat(MEGABYTE)))]).toEqual([413])
    })

    test.each([
      ['nested lists', '['.repeat(60_000)],
      ['nested lists that end', '['.repeat(30_000) + ']'.repeat(30_000)],
      ['nested objects', '{"a":'.repeat(12_000)],
      ['6,000 keys', `{${Array.from({ length: 6_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
      ['the same key many times', `{${'"email":"a@b.example",'.repeat(2_500)}"x":1}`],
      ['a long number', `{"email":${'9'.repeat(60_000)}}`],
      ['an email that matches slowly', JSON.stringify({ email: `${'a.'.repeat(29_000)}@` })],
      ['blanks', ' '.repeat(60_000)],
      ['lone surrogates', JSON.stringify({ a: '\ud800'.repeat(9_000) })],
    ])('%s are refused', async (_, body) => {
      for (const status of await codes(body)) {
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(status, 'nobody has looked at the body').not.toBe(402)
      }
    })
  },
)

test('a body that says that it is too large is not read at all', async () => {
  let pulled = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(64 * 1024))
      },
    },
    { highWaterMark: 0 },
  )
  const response = await app.app.request('/api/v1/auth/login', {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(10 * MEGABYTE),
      'CF-Connecting-IP': freshAddress(),
    },
  })
  expect(response.status).toBe(413)
  expect(pulled).toBe(0)
})
