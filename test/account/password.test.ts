// A new password ends every session but the one it answers; so does logging out everywhere, and that one too.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditLog, users } from '../../src/data/schema.ts'
import { verifyToken } from '../../src/token.ts'
import { type Person, signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'

const app = testApp()
const { call, deps } = app
const NEW = 'staple battery horse'

const change = ({ token, password }: Person, new_password = NEW) =>
  call('PUT', '/account/password', { token, body: { password, new_password } })
const logIn = ({ email }: Person, password: string) =>
  call('POST', '/auth/login', { body: { email, password } })
const see = async (token: string) => (await call('GET', '/account', { token })).status

async function actions({ id }: Person): Promise<string[]> {
  const mine = deps.db.select().from(auditLog).where(eq(auditLog.userId, id))
  return (await mine.orderBy(auditLog.id)).map(({ action }) => action)
}

/** The same password as an earlier release would have hashed it. */
async function outdated({ id, password }: Person): Promise<string> {
  // scrypt, N=2, r=1, p=1, under sixteen zero bytes.
  const { scryptSync } = await import('node:crypto')
  const hash = scryptSync(password, new Uint8Array(16), 32, { N: 2, r: 1, p: 1 })
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  const passwordHash = `$scrypt$ln=1,r=1,p=1$${text(new Uint8Array(16))}$${text(hash)}`
  await deps.db.update(users).set({ passwordHash }).where(eq(users.id, id))
  return passwordHash
}

describe('a new password', () => {
  test('ends every session, answers the token that goes on, and leaves keys alone', async () => {
    const person = await signUp(app)
    const { json: elsewhere } = await logIn(person, person.password)
    const { status, json, headers } = await change(person)
    expect(status).toBe(200)
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 86_400,
    })
    expect(headers.get('Cache-Control')).toBe('no-store')
    for (const token of [person.token, elsewhere.access_token]) {
      const refused = await call('GET', '/account', { token })
      expect([refused.status, refused.json.code]).toEqual([401, 'invalid_token'])
    }
    expect(await see(json.access_token)).toBe(200)
    expect((await call('GET', '/account', { key: person.key })).status).toBe(200)
    expect((await logIn(person, person.password)).json.code).toBe('invalid_credentials')
    const again = await logIn(person, NEW)
    expect(await see(again.json.access_token)).toBe(200)
    expect(await actions(person)).toEqual(['account.registered', 'account.password_changed'])
  })

  test('must be as good as one of register', async () => {
    const person = await signUp(app)
    for (const weak of ['short', `${NEW} `.repeat(7), 'password1', person.email]) {
      const { status, json } = await change(person, weak)
      expect([status, json.errors[0].path]).toEqual([422, 'new_password'])
    }
    expect(await see(person.token)).toBe(200)
  })

  test('of two at once, with the same old one, one is set', async () => {
    const person = await signUp(app)
    const wanted = ['the first of the two', 'the second of the two']
    const answers = await Promise.all(wanted.map((each) => change(person, each)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect((await logIn(person, wanted[winner] ?? '')).status).toBe(200)
    expect((await logIn(person, wanted[1 - winner] ?? '')).status).toBe(401)
    expect(await see(answers[winner]?.json.access_token)).toBe(200)
  })

  test('is set also where a login has hashed the old one anew meanwhile', async () => {
    const person = await signUp(app)
    await outdated(person)
    const held = await inject('postgres', {
      match: { bodyIncludes: 'account.password_changed' },
      fault: { kind: 'hold' },
      times: 1,
    })
    const changing = change(person)
    await held.hit()
    expect((await logIn(person, person.password)).status).toBe(200)
    await held.release()
    expect((await changing).status).toBe(200)
    expect((await logIn(person, NEW)).status).toBe(200)
  })

  test('is not undone by a login with the old one, whose session it ends', async () => {
    const person = await signUp(app)
    const hash = await outdated(person)
    const held = await inject('postgres', {
      // The statement that hashes anew, and no other: it names the hash that it replaces.
      match: { bodyIncludes: hash },
      fault: { kind: 'hold' },
      times: 1,
    })
    const slow = logIn(person, person.password)
    await held.hit()
    const changed = await change(person)
    expect(changed.status).toBe(200)
    await held.release()
    const { json } = await slow
    const subject = await verifyToken(deps.config.jwtSecrets, json.access_token, deps.now())
    expect(subject?.epoch).toBe(0)
    expect(await see(json.access_token)).toBe(401)
    expect((await logIn(person, NEW)).status).toBe(200)
  })
})

describe('logging out everywhere', () => {
  test('ends every session, this one too, and no other account hears of it', async () => {
    const [person, other] = [await signUp(app), await signUp(app)]
    const { json: elsewhere } = await logIn(person, person.password)
    const { status, text } = await call('DELETE', '/account/sessions', { token: person.token })
    expect([status, text]).toEqual([204, ''])
    for (const token of [person.token, elsewhere.access_token]) expect(await see(token)).toBe(401)
    expect(await see(other.token)).toBe(200)
    expect((await call('GET', '/account', { key: person.key })).status).toBe(200)
    expect(await see((await logIn(person, person.password)).json.access_token)).toBe(200)
    expect(await actions(person)).toEqual(['account.registered', 'account.sessions_ended'])
  })
})
