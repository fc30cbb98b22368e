// What Postgres says, as callers are told it: away for now, a duplicate, or a fault of ours.
import { describe, expect, test } from 'vitest'
import { randomBytes } from '../../src/crypto.ts'
import { signUp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { forgetSnapshot } from '../support/snapshot.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()

/** Postgres answers every statement that names `id` with this SQLSTATE, as Neon passes it on. */
const refuseWith = (code: string, id: string) =>
  inject('postgres', {
    match: { bodyIncludes: id },
    fault: { kind: 'status', status: 400, body: JSON.stringify({ message: 'refused', code }) },
  })

describe('a refusal that has nothing to do with the statement', () => {
  test.each([
    ['08006', 'the connection failed'],
    ['53300', 'too many connections'],
    ['57014', 'it cancels the statement'],
    ['57P01', 'it is shut down'],
    ['57P03', 'it starts up'],
  ])(
    '%s (%s) is 503 with Retry-After, on account calls and on paid ones that Redis knows nothing of',
    async (code) => {
      const person = await subscribe(app, await signUp(app))
      await forgetSnapshot(person.id)
      app.deps.memory.accounts.delete(person.id)
      await refuseWith(code, person.id)
      const answers = [
        await app.call('GET', '/billing/usage', { token: person.token }),
        await app.call('POST', '/datasets/generate', {
          key: person.key,
          body: { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } },
        }),
      ]
      for (const { status, json, headers } of answers) {
        expect([status, json.code]).toEqual([503, 'unavailable'])
        expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
      }
    },
  )
})

test.each([
  ['42P01', 'no such table'],
  ['23514', 'a check'],
])('%s (%s) is a fault of ours: 500, which no client tries again at once', async (code) => {
  const person = await signUp(app)
  await refuseWith(code, person.id)
  const { status, json } = await app.call('GET', '/billing/usage', { token: person.token })
  expect([status, json.code]).toEqual([500, 'internal_error'])
})

test('a duplicate of anything but the email is not called a taken email', async () => {
  const own = testApp()
  const drawn = randomBytes(16)
  // The same ids twice: what collides is the user's id, and the email is new.
  own.deps.randomBytes = (length) => drawn.slice(0, length)
  const register = () =>
    own.call('POST', '/auth/register', {
      body: { email: `${unique('twin')}@example.com`, password: 'correct horse battery' },
    })
  expect((await register()).status).toBe(200)
  expect((await register()).json.code).toBe('internal_error')
})
