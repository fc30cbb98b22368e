// Networks that an account was logged in from: which of them its changes leave known, as a guesser there would notice.
import { expect, test } from 'vitest'
import { tryPassword } from '../../src/data/attempts.ts'
import { attempt } from '../../src/problem.ts'
import { freshAddress, type Person, signUp, testApp, unique } from '../support/app.ts'
import { redisCommand } from '../support/snapshot.ts'

const app = testApp()
app.setNow(new Date())
const { call, deps } = app
// What the platform counts is another matter.
for (const name of ['authByAddress', 'authByAccount'] as const) {
  deps.limiters[name] = { allows: async () => true }
}

const guess = async (email: string, address: string) => {
  const caller = { email, address }
  const { problem } = await attempt(() =>
    tryPassword(
      deps,
      caller,
      async () => false,
      (ok) => !ok,
    ),
  )
  return problem?.code ?? 'wrong'
}

/** Whether the account knows the network: while others are at it, one that it does not know may try once. */
async function knows(email: string, address: string): Promise<boolean> {
  await Promise.all(Array.from({ length: 51 }, () => guess(email, freshAddress())))
  expect(await guess(email, address)).toBe('wrong')
  return (await guess(email, address)) === 'wrong'
}

/** Somebody who has logged in at home and at work. */
async function atHome() {
  const [home, work] = [freshAddress(), freshAddress()]
  const person = await signUp(app)
  const { email, password } = person
  for (const address of [work, home]) {
    const body = { email, password }
    const { status } = await call('POST', '/auth/login', { headers: from(address), body })
    expect(status).toBe(200)
  }
  return { person, home, work }
}

const from = (address: string) => ({ 'CF-Connecting-IP': address })
const rename = ({ token, password }: Person, email: string, address: string) =>
  call('PUT', '/account/email', { token, headers: from(address), body: { password, email } })

test('a login makes its network known', async () => {
  const { person, home, work } = await atHome()
  expect([await knows(person.email, home), await knows(person.email, work)]).toEqual([true, true])
})

test('a new password leaves the network known where it was chosen, and no other', async () => {
  const { person, home, work } = await atHome()
  const { token, password, email } = person
  const body = { password, new_password: 'another battery horse' }
  const { status } = await call('PUT', '/account/password', { token, headers: from(home), body })
  expect(status).toBe(200)
  expect([await knows(email, home), await knows(email, work)]).toEqual([true, false])
})

test.each([
  ['at home', true],
  ['where the token has never been', false],
])(
  'the end of all sessions, %s, leaves that network as it was, and no other known',
  async (_, isAtHome) => {
    const { person, home, work } = await atHome()
    const here = isAtHome ? home : freshAddress()
    const { status } = await call('DELETE', '/account/sessions', {
      token: person.token,
      headers: from(here),
    })
    expect(status).toBe(204)
    expect([await knows(person.email, here), await knows(person.email, work)]).toEqual([
      isAtHome,
      false,
    ])
  },
)

test('a new email is known where it was chosen, and the old one nowhere', async () => {
  const { person, home, work } = await atHome()
  const email = `${unique('known')}@example.com`
  expect((await rename(person, email, home)).status).toBe(200)
  expect([await knows(email, home), await knows(email, work)]).toEqual([true, false])
  expect([await knows(person.email, home), await knows(person.email, work)]).toEqual([false, false])
})

test('an email in another case stays known where that was chosen', async () => {
  const { person, home } = await atHome()
  const email = person.email.toUpperCase()
  expect((await rename(person, email, home)).status).toBe(200)
  expect(await knows(email, home)).toBe(true)
})

test('after a change of the email and the end of the account no network of either email is kept', async () => {
  const names = new Set<string>()
  const { redis } = deps
  deps.redis = {
    evaluate(script, keys, args) {
      for (const key of keys) if (key.startsWith('tollgate:attempts:1:known:')) names.add(key)
      return redis.evaluate(script, keys, args)
    },
  }
  const kept = () => redisCommand<number>('EXISTS', ...names)
  try {
    const { person, home } = await atHome()
    const { token, password } = person
    expect([names.size, await kept()]).toEqual([1, 1])
    expect((await rename(person, `${unique('known')}@example.com`, home)).status).toBe(200)
    expect([names.size, await kept()]).toEqual([2, 1])
    const gone = await call('DELETE', '/account', {
      token,
      headers: from(home),
      body: { password },
    })
    expect([gone.status, names.size, await kept()]).toEqual([200, 2, 0])
  } finally {
    deps.redis = redis
  }
})
