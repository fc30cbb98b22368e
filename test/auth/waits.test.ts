// The waits as who tries to log in or to sign up meets them, and that nobody learns from them who has an account.
import { beforeEach, describe, expect, test } from 'vitest'
import { trySignUp } from '../../src/data/attempts.ts'
import { type Answer, freshAddress, signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { stack } from '../support/stripe.ts'

const open = { limit: async () => ({ success: true }) } as unknown as string
/** What the platform counts is another matter. */
const doors = (vars: Record<string, string> = {}) =>
  testApp({ AUTH_ADDRESS_LIMIT: open, AUTH_ACCOUNT_LIMIT: open, ...vars })
const app = doors()
// A wait of a second is over too soon for a busy machine.
app.setNow(new Date())

const nobody = () => `${unique('waits')}@example.com`
const from = (address: string) => ({ 'CF-Connecting-IP': address })

function login(email: string, password: string, address: string, through: TestApp = app) {
  return through.call('POST', '/auth/login', { headers: from(address), body: { email, password } })
}
const register = (email: string, address: string) =>
  app.call('POST', '/auth/register', {
    headers: from(address),
    body: { email, password: 'correct horse battery' },
  })
const codes = (answers: Answer[]) => {
  const count = (status: number) => answers.filter((one) => one.status === status).length
  return { wrong: count(401), refused: count(429), all: answers.length }
}
/** Five at a time: hashes hold the isolate, and after some seconds of it Postgres has hung up. */
async function inWaves(count: number, one: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  while (answers.length < count) {
    answers.push(...(await Promise.all(Array.from({ length: 5 }, one))))
  }
  return answers
}
/** What is told apart: all of the answer but its id. */
const shown = ({ status, headers, json }: Answer) => {
  const { 'x-request-id': _, ...rest } = Object.fromEntries(headers)
  return { status, headers: rest, body: { ...json, request_id: '' } }
}

describe('a flood', () => {
  test('at one account from one network costs five hashes', async () => {
    const [address, email] = [freshAddress(), nobody()]
    const flood = Array.from({ length: 100 }, () => login(email, 'wrong password', address))
    expect(codes(await Promise.all(flood))).toEqual({ wrong: 5, refused: 95, all: 100 })
  })

  test('at many accounts from one network costs thirty', async () => {
    const through = doors()
    through.setNow(new Date())
    const address = freshAddress()
    const one = () => login(nobody(), 'wrong password', address, through)
    const answers = await inWaves(60, one)
    expect(codes(answers)).toEqual({ wrong: 30, refused: 30, all: 60 })
  })
})

describe('while there is a wait', () => {
  test('the right password is told what the wrong one is, unhashed, and exactly how long', async () => {
    const through = doors()
    const person = await signUp(through)
    const started = Date.now()
    const at = (milliseconds: number) => through.setNow(new Date(started + milliseconds))
    const address = freshAddress()
    at(0)
    for (let i = 0; i < 5; i += 1) await login(person.email, 'wrong password', address, through)
    at(1)
    let queries = 0
    const select = through.deps.db.select.bind(through.deps.db)
    through.deps.db.select = ((...args: []) => {
      queries += 1
      return select(...args)
    }) as typeof select
    const wrong = await login(person.email, 'wrong password', address, through)
    const right = await login(person.email, person.password, address, through)
    expect(shown(right)).toEqual(shown(wrong))
    expect([right.json.code, right.headers.get('Retry-After')]).toEqual(['too_many_attempts', '1'])
    expect(queries).toBe(0)
    at(999)
    expect((await login(person.email, person.password, address, through)).status).toBe(429)
    at(1000)
    expect((await login(person.email, person.password, address, through)).status).toBe(200)
  })

  test('its owner gets in from anywhere else', async () => {
    const person = await signUp(app)
    const attacker = freshAddress()
    for (let i = 0; i < 6; i += 1) await login(person.email, 'wrong password', attacker)
    expect((await login(person.email, person.password, attacker)).status).toBe(429)
    expect((await login(person.email, person.password, freshAddress())).status).toBe(200)
  })
})

test('an email without an account waits like one that has one', async () => {
  const person = await signUp(app)
  const tries = async (email: string) => {
    const address = freshAddress()
    const answers: Answer[] = []
    for (let i = 0; i < 7; i += 1) answers.push(await login(email, 'wrong password', address))
    return answers.map(shown)
  }
  const [known, unknown] = [await tries(person.email), await tries(nobody())]
  expect(known.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect(unknown).toEqual(known)
})

describe('the work behind a refusal', () => {
  const origins = [`http://${new URL(stack.databaseUrl).host}`, stack.redisUrl]
  const meters = () =>
    Promise.all(origins.map(async (origin) => (await fetch(`${origin}/_meter`)).json()))
  const reset = async () => {
    for (const origin of origins) await fetch(`${origin}/_meter`, { method: 'DELETE' })
  }
  beforeEach(reset)

  test('is the same for an unknown email and a wrong password', async () => {
    const person = await signUp(app)
    // Both scripts are known to Redis by now.
    await login(person.email, person.password, freshAddress())
    const work = async (email: string) => {
      await reset()
      await login(email, 'wrong password', freshAddress())
      return meters()
    }
    const wrong = await work(person.email)
    expect(await work(nobody())).toEqual(wrong)
    expect(wrong).toEqual([
      { requests: 1, commands: 1 },
      { requests: 1, commands: 1 },
    ])
  })

  test('that has to wait is one command to Redis', async () => {
    const [email, address] = [nobody(), freshAddress()]
    for (let i = 0; i < 5; i += 1) await login(email, 'wrong password', address)
    await reset()
    expect((await login(email, 'wrong password', address)).status).toBe(429)
    expect(await meters()).toEqual([
      { requests: 0, commands: 0 },
      { requests: 1, commands: 1 },
    ])
  })
})

describe('sign-ups', () => {
  test('tell so many times from one network whether an email is taken', async () => {
    const { email } = await signUp(app)
    const address = freshAddress()
    for (let i = 0; i < 28; i += 1) {
      const work = async () => 'taken'
      await trySignUp(app.deps, { email: nobody(), address }, work, () => true)
    }
    expect((await register(email, address)).json.code).toBe('email_taken')
    expect((await register(nobody(), address)).status).toBe(200)
    const { json, headers } = await register(email, address)
    expect([json.code, headers.get('Retry-After')]).toEqual(['too_many_attempts', '1'])
    expect((await register(nobody(), freshAddress())).status).toBe(200)
  })

  test('that are refused for what they say are not counted', async () => {
    const address = freshAddress()
    for (let i = 0; i < 40; i += 1) {
      const body = { email: nobody(), password: 'password' }
      const { status } = await app.call('POST', '/auth/register', { headers: from(address), body })
      expect(status).toBe(422)
    }
    expect((await register(nobody(), address)).status).toBe(200)
  })
})

describe('with Redis', () => {
  test.each(['reset', 'hang', 'status'] as const)(
    'that answers by %s people log in',
    async (kind) => {
      const through = doors({ REDIS_TIMEOUT_MS: '100' })
      const person = await signUp(through)
      await inject('redis', {
        match: { bodyIncludes: 'tollgate:attempts:' },
        fault: kind === 'status' ? { kind, status: 503 } : { kind },
      })
      const started = performance.now()
      expect((await login(person.email, 'wrong password', freshAddress(), through)).status).toBe(
        401,
      )
      expect((await login(person.email, person.password, freshAddress(), through)).status).toBe(200)
      expect(performance.now() - started).toBeLessThan(20_000)
      expect(through.logs.map(({ event }) => event)).toContain('attempts_not_counted')
      expect(JSON.stringify(through.logs)).not.toContain(person.email)
    },
  )

  test('away the platform stands alone', async () => {
    const through = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    const [email, address] = [nobody(), freshAddress()]
    const one = () => login(email, 'wrong password', address, through)
    const { wrong, refused } = codes(await inWaves(30, one))
    // Two windows of the limiter can meet.
    expect([wrong <= 20, refused >= 10, wrong + refused]).toEqual([true, true, 30])
  })
})
