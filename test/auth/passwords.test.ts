// Which passwords a new account may have. Login takes whatever register once took.
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { isCommonPassword } from '../../src/common-passwords.ts'
import { users } from '../../src/data/schema.ts'
import { hashPassword } from '../../src/password.ts'
import { signUp, testApp, unique } from '../support/app.ts'

const app = testApp()
const { call, deps } = app
const register = (password: string, email = `${unique('pass')}@example.com`) =>
  call('POST', '/auth/register', { body: { email, password } })
const refusal = async (password: string, email?: string) => {
  const { status, json } = await register(password, email)
  return [status, json.code, json.errors?.map(({ path }: { path: string }) => path)]
}
const REFUSED = [422, 'invalid_request', ['password']]

describe('a new password', () => {
  test.each([
    ['eight characters', 'qz7 kv3w'],
    ['128 characters', 'The quick brown fox. '.repeat(7).slice(0, 128)],
    ['128 characters of two units each', '🦉🐌'.repeat(20) + '🦔🐢🦎🐍'.repeat(22)],
    ['spaces and signs alone', '  ~~ ??  '],
    ['a character that no keyboard has', 'bell\u0007 and \ue000'],
    ['128 characters in the form with marks of their own', 'áéíóú ñç'.repeat(16).normalize('NFD')],
  ])('may have %s', async (_, password) => {
    const email = `${unique('pass')}@example.com`
    expect((await register(password, email)).status).toBe(200)
    const { status } = await call('POST', '/auth/login', { body: { email, password } })
    expect(status).toBe(200)
  })

  test.each([
    ['seven characters', 'qz7 kv3'],
    ['seven characters of two units each', '🦉🐌🦔🐢🦎🐍🦕'],
    ['seven characters once they are composed', 'áéíóúñç'.normalize('NFD')],
    ['129 characters', `${'The quick brown fox. '.repeat(7).slice(0, 128)}!`],
    ['129 characters once they are decomposed', `${'The quick brown fox. '.repeat(6)}ﷺ`],
    ['a first half of a character', 'half of an owl \ud83e'],
    ['a second half of a character', '\udd89 half of an owl'],
  ])('may not have %s', async (_, password) => {
    expect(await refusal(password)).toEqual(REFUSED)
  })

  test('of a body full of combining marks is refused before they are put in order', async () => {
    const normalize = String.prototype.normalize
    let most = 0
    String.prototype.normalize = function (this: string, form?: string) {
      most = Math.max(most, this.length)
      return normalize.call(this, form)
    }
    try {
      const password = `a${'\u0301\u0316'.repeat(15_000)}`
      expect(await refusal(password)).toEqual(REFUSED)
      const login = { email: 'a@example.com', password }
      expect((await call('POST', '/auth/login', { body: login })).status).toBe(422)
    } finally {
      String.prototype.normalize = normalize
    }
    expect(most).toBeLessThan(2100)
  })

  test.each([
    'password',
    'PassWord1',
    'ｐａｓｓｗｏｒｄ',
    'trustno1',
    '1qaz2wsx',
    'aaaaaaaaaaaaaaaaaaaaaa',
    'abcabcabcabc',
    '12341234',
    '34567890123',
    'hgfedcba',
    '29021997',
    '1997-02-28',
    '12.31.1999',
    '🦉🦉🦉🦉🦉🦉🦉🦉',
    'Password1!',
    'Passw0rd123',
    'welcome123',
    'Qwerty123!',
    'iloveyou_2026!',
    '12345678!',
    'abcabcabc1',
    'tollgate',
    'Tollgate2026!',
  ])('is not %s', async (password) => {
    expect(await refusal(password)).toEqual(REFUSED)
  })

  test('is not the email, nor a part of it', async () => {
    const email = 'Ada.Lovelace@Analytical-Engines.example'
    for (const password of [
      'ada.lovelace@analytical-engines.example',
      'Ada.Lovelace',
      'ada.lovelace1815',
      'analytical-engines',
      'analytical-engines.example!',
    ]) {
      expect(await refusal(password, email), password).toEqual(REFUSED)
    }
    for (const one of ['lovelace', 'Lovelace1815!', 'ada12345']) {
      expect(isCommonPassword(one, 'ada.lovelace+shop@mail.example.com')).toBe(true)
      expect(isCommonPassword(one, 'ada_lovelace-shop@mail.example.com')).toBe(true)
    }
    expect(isCommonPassword('ada.lovelace was here', email)).toBe(false)
    expect(isCommonPassword('ada.lovelace', 'somebody@example.com')).toBe(false)
  })

  test.each([
    'welcome to the 90s',
    'password of mine 1!',
    'correct horse battery 12',
    'qwertz glühwein 7',
    'aa482915',
    'k7!Vw2#q9',
    'abcd7130!',
  ])('may be %s', (password) => {
    expect(isCommonPassword(password, 'somebody@example.com')).toBe(false)
  })

  test('that is common says what to do', async () => {
    const { json } = await register('iloveyou')
    expect(json.errors[0].message).toMatch(/several words|password manager/)
  })
})

test('a password that is common by now still logs in', async () => {
  const person = await signUp(app)
  const passwordHash = await hashPassword('password1', deps.randomBytes)
  await deps.db.update(users).set({ passwordHash }).where(eq(users.id, person.id))
  const body = { email: person.email, password: 'password1' }
  expect((await call('POST', '/auth/login', { body })).status).toBe(200)
})

describe('an email', () => {
  const password = 'correct horse battery'

  test('is trimmed, keeps its case, and is the same in any', async () => {
    const email = `${unique('Ada')}@Example.com`
    const { json } = await call('POST', '/auth/register', {
      body: { email: ` \t${email}\n`, password },
    })
    expect(json.user.email).toBe(email)
    const { status } = await call('POST', '/auth/login', {
      body: { email: `\u00a0${email.toLowerCase()} `, password },
    })
    expect(status).toBe(200)
  })

  test.each([
    'a@example.com\r\nBcc: b@example.com',
    'a\r\n@example.com',
    'a\u0000@example.com',
    'a@exam\nple.com',
    'a b@example.com',
    '"a b"@example.com',
    'Ada <a@example.com>',
    'a@example.com,b@example.com',
    'josé@example.com',
    'jose\u0301@example.com',
    // The sign for Kelvin is a k in lower case.
    '\u212aelvin@example.com',
    'a@例え.jp',
    `${'x'.repeat(243)}@example.com`,
  ])('is not %j', async (email) => {
    const { status, json } = await call('POST', '/auth/register', { body: { email, password } })
    expect([status, json.errors?.[0].path]).toEqual([422, 'email'])
  })
})
