// A changed email: at Stripe and here, or nowhere.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditLog } from '../../src/data/schema.ts'
import { type Person, signUp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { checkout, control, eventsOf, subscribe } from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const { stripe } = deps

const fresh = () => `${unique('new')}@example.com`
const change = ({ token, password }: Person, email: string) =>
  call('PUT', '/account/email', { token, body: { password, email } })
const emailOf = async ({ token }: Person) => (await call('GET', '/account', { token })).json.email
const logIn = async (email: string, password: string) =>
  (await call('POST', '/auth/login', { body: { email, password } })).status

async function atStripe(customer: string): Promise<string | null> {
  const found = await stripe.customers.retrieve(customer)
  return found.deleted ? null : found.email
}

describe('a new email', () => {
  test('is the one to log in with, and Stripe writes to it; sessions go on', async () => {
    const person = await subscribe(app, await signUp(app))
    const email = fresh()
    const { status, json } = await change(person, email)
    expect([status, json.email, json.id]).toEqual([200, email, person.id])
    expect(await atStripe(person.customer)).toBe(email)
    expect(await emailOf(person)).toBe(email)
    expect(await logIn(email, person.password)).toBe(200)
    expect(await logIn(person.email, person.password)).toBe(401)
  })

  test('stands in the audit log without either email', async () => {
    const person = await signUp(app)
    const email = fresh()
    await change(person, email)
    const rows = await deps.db
      .select()
      .from(auditLog)
      .where(eq(auditLog.userId, person.id))
      .orderBy(auditLog.id)
    expect(rows.at(-1)).toMatchObject({ action: 'account.email_changed', detail: {} })
    expect(JSON.stringify(rows)).not.toMatch(/example\.com/)
  })

  test('may be the same in another case', async () => {
    const person = await signUp(app)
    const email = person.email.toUpperCase()
    expect((await change(person, email)).status).toBe(200)
    expect(await emailOf(person)).toBe(email)
  })

  test("that is another account's, in any case, is refused before Stripe hears of it", async () => {
    const person = await subscribe(app, await signUp(app))
    const other = await signUp(app)
    const before = (await eventsOf(person.customer)).length
    const { status, json } = await change(person, other.email.toUpperCase())
    expect([status, json.code]).toEqual([409, 'email_taken'])
    expect((await eventsOf(person.customer)).length).toBe(before)
    expect(await emailOf(person)).toBe(person.email)
  })

  test('that somebody else takes meanwhile is set back at Stripe', async () => {
    const person = await subscribe(app, await signUp(app))
    const email = fresh()
    const held = await inject('stripe', {
      match: { method: 'POST', path: `/v1/customers/${person.customer}` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const changing = change(person, email)
    await held.hit()
    await call('POST', '/auth/register', { body: { email, password: person.password } })
    await held.release()
    expect((await changing).json.code).toBe('email_taken')
    expect(await atStripe(person.customer)).toBe(person.email)
    expect(await emailOf(person)).toBe(person.email)
  })

  test('that Stripe does not take is not taken here: 502, and nothing is changed', async () => {
    const person = await subscribe(app, await signUp(app))
    const away = await inject('stripe', {
      match: { method: 'POST', path: `/v1/customers/${person.customer}` },
      fault: { kind: 'status', status: 503 },
    })
    const email = fresh()
    const { status, json } = await change(person, email)
    expect([status, json.code]).toEqual([502, 'stripe_unavailable'])
    expect(await emailOf(person)).toBe(person.email)
    await away.remove()
    expect((await change(person, email)).status).toBe(200)
  })

  test('is taken where Stripe no longer has the customer', async () => {
    const person = await subscribe(app, await signUp(app))
    await control('DELETE', `/customers/${person.customer}`)
    const email = fresh()
    expect((await change(person, email)).status).toBe(200)
    expect(await emailOf(person)).toBe(email)
  })

  test('of several at once one stays, and Stripe has the same', async () => {
    const person = await subscribe(app, await signUp(app))
    const answers = await Promise.all([fresh(), fresh(), fresh()].map((it) => change(person, it)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await atStripe(person.customer)).toBe(await emailOf(person))
  })

  test('reaches a customer that a checkout makes at the same time', async () => {
    const person = await signUp(app)
    const made = await inject('stripe', {
      match: { method: 'POST', path: '/v1/customers', bodyIncludes: person.id },
      fault: { kind: 'hold' },
      times: 1,
    })
    const buying = checkout(app, person, 'hobby')
    await made.hit()
    const email = fresh()
    expect((await change(person, email)).status).toBe(200)
    await made.release()
    const { json } = await buying
    const { customer } = await stripe.checkout.sessions.retrieve(json.session_id)
    expect(await atStripe(String(customer))).toBe(email)
  })

  test('lets a checkout go on whose first try died after its customer was made', async () => {
    const person = await signUp(app)
    const lost = await inject('postgres', {
      match: { bodyIncludes: 'set \\"stripe_customer_id\\"' },
      fault: { kind: 'status', status: 500 },
      times: 1,
    })
    expect((await checkout(app, person, 'hobby')).status).toBeGreaterThanOrEqual(500)
    await lost.remove()
    expect((await change(person, fresh())).status).toBe(200)
    expect((await checkout(app, person, 'hobby')).status).toBe(200)
  })
})
