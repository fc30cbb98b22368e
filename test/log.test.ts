// What of an error may reach the log: what went wrong, never with what values.
import { DrizzleQueryError, sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { errorFields } from '../src/log.ts'
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
