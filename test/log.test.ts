// What of an error may reach the log: what went wrong, never with what values.
import { DrizzleQueryError, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { errorFields, logLine } from '../src/log.ts'
import { signUp, testApp, unique } from './support/app.ts'
import { inject } from './support/faults.ts'
import { subscribe } from './support/stripe.ts'

const app = testApp()

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it was expected to fail'),
    (error: unknown) => error,
  )

test('of a failed query: the database’s words, without the statement and its parameters', async () => {
  const secret = unique('secret')
  const error = await thrownBy(
    app.deps.db.execute(sql`select from no_such_table where email = ${secret}`),
  )
  expect(String(error)).toContain(secret)
  expect(errorFields(error)).toEqual({
    error: 'NeonDbError',
    message: 'relation "no_such_table" does not exist',
  })
})

test('of a failed query without a cause: neither statement nor parameters', () => {
  const error = new DrizzleQueryError('select $1', ['secret'])
  expect(error.message).toContain('secret')
  expect(errorFields(error)).toEqual({ error: 'Error', message: '' })
})

test('of a command that Redis refuses: its words, without the command', async () => {
  const person = await signUp(app)
  await inject('redis', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'status', status: 400, body: '{"error":"ERR max requests limit exceeded"}' },
  })
  await subscribe(app, person)
  expect(app.logs).toContainEqual({
    event: 'account_snapshot_not_cached',
    fields: expect.objectContaining({ message: 'ERR max requests limit exceeded' }),
  })
})

test('of a long message: its beginning', () => {
  expect(errorFields(new Error('x'.repeat(1000))).message).toBe('x'.repeat(300))
})

test('of something thrown that is no error: what kind of thing it was, not the thing', () => {
  expect(errorFields('secret')).toEqual({ error: 'string' })
})

test('of an error of Stripe’s: which it was', async () => {
  const error = await thrownBy(app.deps.stripe.subscriptions.retrieve('sub_nobody'))
  expect(errorFields(error)).toMatchObject({ error: 'StripeInvalidRequestError' })
})

describe('whatever looks like a secret is taken out of a line', () => {
  const jwt = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJ4In0', 'c2lnbmF0dXJl'].join('.')
  test.each([
    ['a key', `tg_live_${'aB3'.repeat(19)}`],
    ['a test key', `tg_test_${'aB3'.repeat(19)}`],
    ['a token', jwt],
    ['a token’s half', jwt.slice(0, 40)],
    ['a bearer', 'Bearer opaque-token'],
    ['a key of Stripe’s', 'sk_live_51Habc'],
    ['a restricted key', 'rk_test_51Habc'],
    ['a publishable key', 'pk_test_51Habc'],
    ['a key as Stripe shows it', 'sk_test_****1234'],
    ['a webhook secret', 'whsec_ab+/cd=='],
    ['a connection string', 'postgres://ada:pass@ep-x.neon.tech/db?sslmode=require'],
    ['another', 'postgresql://ada@host/db'],
    ['one of Redis', 'rediss://default:pass@x.upstash.io:6379'],
    ['a URL with a password', 'https://ada:pa$$@example.com/x'],
    ['an email', 'ada.lovelace+x@mail.example.co.uk'],
    ['an email in a URL', 'ada%40example.com'],
  ])('%s', (_, secret) => {
    const line = logLine('error', 'event', { message: `it was ${secret}, they said` })
    expect(JSON.parse(line).message).toMatch(/^it was \[redacted\],? they said$/)
  })

  test.each([
    'relation "users" does not exist',
    'https://api.stripe.com/v1/subscriptions/sub_1Abc',
    'No such price: price_1Abc; cs_test_a1b2c3; evt_1Abc',
    'sub_1Abc: was active, hobby, now past_due, hobby',
    '2026-11-27T19:00:00.000Z',
    '0123456789abcdef01234567-z',
    'npm:@scope/package@1.2.3',
  ])('and nothing else: %s', (text) => {
    expect(JSON.parse(logLine('info', 'event', { text })).text).toBe(text)
  })

  test('before a long message is cut: the half of a secret looks like none', () => {
    const message = `${'x'.repeat(296)} ada@example.com`
    expect(errorFields(new Error(message)).message).not.toContain('ada')
  })

  test('at once, however long it is', () => {
    const texts = [
      'a'.repeat(100_000),
      'a@'.repeat(50_000),
      'a:'.repeat(50_000),
      '://'.repeat(33_000),
    ]
    const started = performance.now()
    for (const text of texts) logLine('error', 'event', { text })
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
