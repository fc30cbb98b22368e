// A trial is taken once, whatever becomes of the account that took it.
import { sql } from 'drizzle-orm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { emailDigest } from '../../src/data/former-accounts.ts'
import { type Person, signUp, testApp, unique } from '../support/app.ts'
import { checkout, subscribe } from '../support/stripe.ts'

const SECRET = '2vK9mQ4xT7wZ1cF6bN3hJ8rL5pD0sG-a'
const app = testApp({ TRIAL_DAYS: '14', API_KEY_SECRET: SECRET })

const rotated = testApp({
  TRIAL_DAYS: '14',
  API_KEY_SECRET: '8hR3tY6uI1oP4aS7dF0gK2lZ5xC9vB-b',
  API_KEY_SECRET_PREVIOUS: SECRET,
})

async function signUpAs(email: string, through = app): Promise<Person> {
  const password = 'correct horse battery'
  const { json } = await through.call('POST', '/auth/register', { body: { email, password } })
  return { id: json.user.id, email, password, token: json.access_token, key: json.api_key }
}

/** Days of the trial that a checkout would give now. */
async function offered(person: Person, through = app): Promise<number> {
  const bought = await subscribe(through, person, 'hobby', { deliverEvents: false })
  const { trial_start, trial_end } = await through.deps.stripe.subscriptions.retrieve(
    bought.subscription,
  )
  return ((trial_end ?? 0) - (trial_start ?? 0)) / 86_400
}

const remove = ({ token, password }: Person) =>
  app.call('DELETE', '/account', { token, body: { password } })

describe('a trial', () => {
  test('is given to a new account', async () => {
    expect(await offered(await signUp(app))).toBe(14)
  })

  test('is not given again to the email of a deleted account that had a subscription, in any case', async () => {
    const first = await signUp(app)
    await subscribe(app, first)
    await remove(first)
    const second = await signUpAs(first.email.toUpperCase())
    expect(await offered(second)).toBe(0)
    // Nor to a third, though the second had no trial.
    await remove(second)
    expect(await offered(await signUpAs(first.email))).toBe(0)
  })

  test('is still given to the email of a deleted account that bought nothing', async () => {
    const first = await signUp(app)
    await checkout(app, first, 'hobby')
    await remove(first)
    expect(await offered(await signUpAs(first.email))).toBe(14)
  })

  test('is not given again though the account that knew of it bought nothing and was deleted too', async () => {
    const first = await signUp(app)
    await subscribe(app, first)
    await remove(first)
    await remove(await signUpAs(first.email))
    expect(await offered(await signUpAs(first.email))).toBe(0)
  })

  test('does not come by a change of email, neither away from it nor to it', async () => {
    const first = await signUp(app)
    await subscribe(app, first)
    await remove(first)
    const change = ({ token, password }: Person, email: string) =>
      app.call('PUT', '/account/email', { token, body: { password, email } })
    const away = await signUpAs(first.email)
    expect((await change(away, `${unique()}@example.com`)).status).toBe(200)
    expect(await offered(away)).toBe(0)
    const to = await signUp(app)
    expect((await change(to, first.email)).status).toBe(200)
    expect(await offered(to)).toBe(0)
  })

  test('is not given to an email whose account ends while it is registered anew', async () => {
    const email = `${unique()}@example.com`
    const digest = emailDigest(app.deps.config.apiKeySecrets, email)
    // Stands for a deletion that the insert waits for: its rows are there when the insert has ended, and not before.
    const name = sql.raw(`ends_${crypto.randomUUID().replaceAll('-', '')}`)
    const { db } = app.deps
    await db.execute(sql`
      create function ${name}() returns trigger language plpgsql as $$ begin
        insert into former_accounts (user_id, email_digest, deleted_at)
        values (gen_random_uuid(), ${sql.raw(`'${digest}'`)}, now());
        return null;
      end $$`)
    await db.execute(sql`
      create trigger ${name} after insert on users for each row
      when (new.email = ${sql.raw(`'${email}'`)}) execute function ${name}()`)
    onTestFinished(async () => {
      await db.execute(sql`drop function ${name}() cascade`)
    })
    expect(await offered(await signUpAs(email))).toBe(0)
  })

  test('stays taken while the secret is rotated', async () => {
    const first = await signUp(app)
    await subscribe(app, first)
    await remove(first)
    const to = await signUp(rotated)
    const { token, password } = to
    const body = { password, email: first.email }
    expect((await rotated.call('PUT', '/account/email', { token, body })).status).toBe(200)
    expect(await offered(to, rotated)).toBe(0)
  })

  test('stays taken at register too while the secret is rotated', async () => {
    const first = await signUp(app)
    await subscribe(app, first)
    await remove(first)
    expect(await offered(await signUpAs(first.email, rotated), rotated)).toBe(0)
  })
})
