// The rotation of the secrets as docs tell it, step by step: nobody is logged out, no key fails, and in the end the old
// secret opens nothing.
import { describe, expect, test } from 'vitest'
import { type Person, signUp, testApp } from '../support/app.ts'
import { makeKey } from '../support/keys.ts'

const OLD = 'q3J9x0TqU1pYw7bC5nRz8sLkM2vE4hGd'
const NEW = 'Zr8Vt2Ns6Wy4Kc9Hf1Lq7Bx3Mp5Jd0Ge'
const JWT = 'Xa1Sb2Dc3Fv4Gb5Hn6Jm7Kq8Lw9Pe0Rt'

type Vars = Record<string, string | undefined>

/**
 * The steps by the name of the secret. An operator's isolates change one after another: those of a step must take what
 * those of the next one give.
 */
const steps = (name: string, others: Vars = {}): Record<string, Vars> => ({
  before: { ...others, [name]: OLD },
  prepared: { ...others, [name]: OLD, [`${name}_PREVIOUS`]: NEW },
  swapped: { ...others, [name]: NEW, [`${name}_PREVIOUS`]: OLD },
  finished: { ...others, [name]: NEW, [`${name}_PREVIOUS`]: undefined },
})

const logIn = async (vars: Vars, { email, password }: Person) =>
  (await testApp(vars).call('POST', '/auth/login', { body: { email, password } })).json
const opens = async (vars: Vars, call: { token?: string; key?: string }) => {
  const { status, json } = await testApp(vars).call('GET', '/account', call)
  return status === 200 ? 'opens' : json.code
}

describe.each([
  ['JWT_SECRET_KEY', 'alone, from which the keys are derived', { API_KEY_SECRET: undefined }],
  ['JWT_SECRET_KEY', 'beside a secret of the keys', { API_KEY_SECRET: JWT }],
  ['API_KEY_SECRET', 'beside that of the tokens', { JWT_SECRET_KEY: JWT }],
] as const)('%s %s', (name, _, others) => {
  const { before, prepared, swapped, finished } = steps(name, others) as Record<string, Vars> & {
    before: Vars
    prepared: Vars
    swapped: Vars
    finished: Vars
  }
  const tokens = name === 'JWT_SECRET_KEY'
  const keys = name === 'API_KEY_SECRET' || others.API_KEY_SECRET === undefined

  test('is rotated without anybody noticing', async () => {
    const person = await signUp(testApp(before))
    const old = { token: person.token, key: person.key }
    const during = await logIn(swapped, person)
    const fresh = { token: during.access_token, key: during.api_key }
    expect(fresh.key === old.key).toBe(!keys)

    // What is handed out in one step opens in the steps beside it, and in its own.
    const works: [Vars, Partial<typeof old>][] = [
      [before, old],
      [prepared, old],
      [prepared, fresh],
      [swapped, old],
      [swapped, fresh],
      [finished, fresh],
    ]
    for (const [vars, { token = '', key = '' }] of works) {
      expect([await opens(vars, { token }), await opens(vars, { key })]).toEqual(['opens', 'opens'])
    }
    expect(await logIn(prepared, person)).toMatchObject({ api_key: old.key })
    expect(await logIn(finished, person)).toMatchObject({ api_key: fresh.key })
  })

  test('changes the text of every key: login shows one, and the others are rotated by a token', async () => {
    const person = await signUp(testApp(before))
    const by = { token: person.token }
    const others = [
      await makeKey(testApp(before), by, { name: 'second' }),
      await makeKey(testApp(before), by, { name: 'test', mode: 'test' }),
    ]
    const { access_token: token, api_key: key } = await logIn(swapped, person)
    expect(await opens(finished, { key })).toBe('opens')
    for (const { id, key: old, name, mode } of others) {
      // 403 live_key_required: of a test key, which is known.
      const known = mode === 'live' ? 'opens' : 'live_key_required'
      expect(await opens(swapped, { key: old })).toBe(known)
      expect(await opens(finished, { key: old })).toBe(keys ? 'invalid_api_key' : known)
      const { json } = await testApp(swapped).call('POST', `/keys/${id}/rotate`, { token })
      expect(json).toMatchObject({ name, mode })
      expect(await opens(finished, { key: json.key })).toBe(known)
    }
  })

  test('opens nothing any more once its previous one is removed, or was never set', async () => {
    const person = await signUp(testApp(before))
    expect(await opens(finished, { token: person.token })).toBe(tokens ? 'invalid_token' : 'opens')
    expect(await opens(finished, { key: person.key })).toBe(keys ? 'invalid_api_key' : 'opens')
    // The customer logs in, and has what opens.
    const { access_token: token, api_key: key } = await logIn(finished, person)
    expect([await opens(finished, { token }), await opens(finished, { key })]).toEqual([
      'opens',
      'opens',
    ])
  })
})

test('API_KEY_SECRET is set for the first time together with a rotation of JWT_SECRET_KEY', async () => {
  const before = { JWT_SECRET_KEY: OLD, API_KEY_SECRET: undefined }
  const prepared = { ...before, JWT_SECRET_KEY_PREVIOUS: NEW, API_KEY_SECRET_PREVIOUS: JWT }
  const after = { JWT_SECRET_KEY: NEW, JWT_SECRET_KEY_PREVIOUS: OLD, API_KEY_SECRET: JWT }
  const person = await signUp(testApp(before))
  expect(await opens(after, { token: person.token })).toBe('opens')
  expect(await opens(after, { key: person.key })).toBe('opens')
  const { api_key: key } = await logIn(after, person)
  expect(key).not.toBe(person.key)
  expect([await opens(after, { key }), await opens(prepared, { key })]).toEqual(['opens', 'opens'])
  expect(await opens(prepared, { key: person.key })).toBe('opens')
  // Alone it would end every key.
  expect(await opens({ ...before, API_KEY_SECRET: JWT }, { key: person.key })).toBe(
    'invalid_api_key',
  )
})
