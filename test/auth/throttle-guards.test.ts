// What the doors in front of the hashing let out, and what they do not let past.
import { env } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { freshAddress, signUp, testApp, unique } from '../support/app.ts'

/** A platform's rate limiter that lets everybody pass and keeps the keys that left the isolate. */
function recorder() {
  const keys: string[] = []
  const limit = async ({ key }: { key: string }) => {
    keys.push(key)
    return { success: true }
  }
  return { keys, binding: { limit } as unknown as string }
}

const tryToLogIn = (through: ReturnType<typeof testApp>, email: string, address: string) =>
  through.call('POST', '/auth/login', {
    headers: { 'CF-Connecting-IP': address },
    body: { email, password: 'wrong password' },
  })

describe('the limiter of an account', () => {
  test('is asked by a keyed hash of it and the network: the same for any case and host', async () => {
    const seen = recorder()
    const through = (API_KEY_SECRET: string) =>
      testApp({ AUTH_ACCOUNT_LIMIT: seen.binding, API_KEY_SECRET })
    const [one, other] = [
      through('2vK9mQ4xT7wZ1cF6bN3hJ8rL5pD0sG-a'),
      through('8hR3tY6uI1oP4aS7dF0gK2lZ5xC9vB-b'),
    ]
    const name = unique('limited')
    const network = '2001:db8:5:6::'
    await tryToLogIn(one, `${name}@example.com`, `${network}1`)
    await tryToLogIn(one, `${name.toUpperCase()}@EXAMPLE.com`, `${network}2`)
    await tryToLogIn(one, `${name}@example.com`, freshAddress())
    await tryToLogIn(one, `${unique('limited')}@example.com`, `${network}1`)
    await tryToLogIn(other, `${name}@example.com`, `${network}1`)
    const [first, same, ...different] = seen.keys
    expect(seen.keys).toHaveLength(5)
    expect(same).toBe(first)
    expect(new Set([first, ...different]).size).toBe(4)
    expect(seen.keys.join(' ').toLowerCase()).not.toMatch(/limited|example|@|2001/)
  })
})

test('limiters of the platform that fail keep nobody out, and are told of', async () => {
  const limit = () => Promise.reject(new Error('the limiter is away'))
  const binding = { limit } as unknown as string
  const through = testApp({
    AUTH_ADDRESS_LIMIT: binding,
    AUTH_ACCOUNT_LIMIT: binding,
    BILLING_LIMIT: binding,
  })
  through.setNow(new Date())
  const person = await signUp(through)
  const address = freshAddress()
  const { email, password, token } = person
  const headers = { 'CF-Connecting-IP': address }
  const right = await through.call('POST', '/auth/login', { headers, body: { email, password } })
  const portal = await through.call('POST', '/billing/portal', { token, body: {} })
  expect([right.status, portal.status]).toEqual([200, 422])
  const told = through.logs.filter(({ event }) => event === 'limiter_failed')
  const names = new Set(told.map(({ fields }) => fields.limiter))
  expect([...names]).toEqual(['authByAddress', 'authByAccount', 'billing'])
  // What Redis counts stands.
  const codes: string[] = []
  for (let i = 0; i < 6; i += 1) codes.push((await tryToLogIn(through, email, address)).json.code)
  expect(codes).toEqual([...Array(5).fill('invalid_credentials'), 'too_many_attempts'])
})

test('callers without the header of the platform share one bucket', async () => {
  const { app } = testApp()
  const statuses = new Set<number>()
  // Two windows of the limiter can meet: twice its 20 and one more overflow one of them.
  for (let i = 0; i < 41; i += 1) {
    const response = await app.request(
      '/api/v1/auth/login',
      { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' },
      env,
    )
    await response.text()
    statuses.add(response.status)
  }
  expect(statuses).toContain(429)
})

test('a body that says it is too large is refused unread', async () => {
  const { app } = testApp()
  let reads = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        reads += 1
        controller.enqueue(new TextEncoder().encode('{}'))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const response = await app.request(
    new Request('http://localhost/api/v1/auth/login', {
      method: 'POST',
      body,
      headers: {
        'CF-Connecting-IP': freshAddress(),
        'Content-Type': 'application/json',
        'Content-Length': String(10 * 1024 * 1024),
      },
    }),
    undefined,
    env,
  )
  expect([response.status, reads]).toEqual([413, 0])
})
