// The watch over the log (support/watch-log.ts) after each file: it sees what leaks, or it would prove nothing.
import { env } from 'cloudflare:test'
import { afterEach, expect, test } from 'vitest'
import { logLine, REQUEST_EVENT } from '../src/log.ts'
import { signUp, testApp } from './support/app.ts'
import { keepLine, leaks, startKeeping } from './support/leaks.ts'

const app = testApp()
const early = await signUp(app)
console.warn('On purpose, while this file is imported:', early.password)
// What is leaked here on purpose.
afterEach(startKeeping)

test('what a file’s import writes is kept, and the secrets that it meets', () => {
  // The first test: from the next on both are forgotten.
  expect(leaks()).toEqual([expect.stringContaining('while this file is imported')])
})

test('nothing leaks by signing up, logging in and failing to', async () => {
  const { email, password } = await signUp(app)
  await app.call('POST', '/auth/login', { body: { email, password } })
  await app.call('POST', '/auth/login', { body: { email, password: 'another password' } })
  expect(leaks()).toEqual([])
})

test.each(['email', 'password', 'token', 'key'] as const)(
  'the %s of whoever signed up is seen',
  async (what) => {
    const person = await signUp(app)
    // The request's line is the one that nothing is taken out of.
    app.deps.log('info', REQUEST_EVENT, { route: `/${person[what]}` })
    expect(leaks().length).toBeGreaterThan(0)
  },
)

test('what goes to the console is kept', () => {
  console.warn('On purpose:', 'tg_live_abc')
  expect(leaks()).toHaveLength(1)
})

test('a password is seen as JSON and as a URL write it', async () => {
  const password = 'quote " and % and space'
  for (const form of [password, JSON.stringify(password), encodeURIComponent(password)]) {
    startKeeping()
    await app.call('POST', '/auth/login', { body: { email: 'nobody@example.com', password } })
    keepLine(`a line with ${form}`)
    expect(leaks()).toHaveLength(1)
  }
})

test.each(
  Object.entries(env as unknown as Record<string, unknown>).filter(
    ([name, value]) => /SECRET|TOKEN|DATABASE_URL|STRIPE_SECRET/.test(name) && value,
  ),
)('the value of %s is seen', (_, value) => {
  keepLine(logLine('info', REQUEST_EVENT, { route: String(value) }))
  expect(leaks().length).toBeGreaterThan(0)
})

test.each([
  'tg_test_abc',
  'eyJhbGciOiJIUzI1NiJ9',
  'Authorization: bearer abc',
  'rk_live_1',
  'whsec_1',
  'postgresql://host/db',
  'https://a:b@example.com',
  'ada@example.com',
])('%s is seen though nobody knows it', (text) => {
  keepLine(text)
  expect(leaks().length).toBeGreaterThan(0)
})
