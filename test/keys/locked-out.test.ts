// Whoever is being locked out gets nothing done that was under way: no key that stays, none revoked, none renamed.
import { describe, expect, test } from 'vitest'
import { type Call, signUp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { listed, makeKey } from '../support/keys.ts'

const app = testApp()

/** An owner with two keys, and what stands in the statements of each change. */
async function account() {
  const person = await signUp(app)
  const made = await makeKey(app, person)
  const name = unique('stolen')
  const changes = {
    create: { text: name, call: ['POST', '/keys', { name }] },
    rename: { text: name, call: ['PATCH', `/keys/${made.id}`, { name }] },
    revoke: { text: made.id, call: ['DELETE', `/keys/${made.id}`, undefined] },
    rotate: { text: made.id, call: ['POST', `/keys/${made.id}/rotate`, { grace_seconds: 0 }] },
  } as const
  return { person, made, changes, by: { token: person.token } }
}

/** The answer to a change that is on its way to the database while its caller is locked out. */
async function meanwhile(
  { text, call: [method, path, body] }: { text: string; call: readonly [string, string, unknown] },
  by: Call,
  lockOut: () => Promise<{ status: number }>,
) {
  const statement = await inject('postgres', {
    match: { bodyIncludes: text },
    fault: { kind: 'hold' },
    times: 1,
  })
  const answer = app.call(method, path, { ...by, body })
  await statement.hit()
  expect((await lockOut()).status).toBeLessThan(300)
  await statement.release()
  return (await answer).json.code
}

const CHANGES = ['create', 'rename', 'revoke', 'rotate'] as const

describe.each(CHANGES)('a call to %s', (change) => {
  test('by a key that is revoked meanwhile', async () => {
    const { person, changes, by } = await account()
    const [stolen = ''] = await listed(app, by)
    const code = await meanwhile(changes[change], { key: person.key }, () =>
      app.call('DELETE', `/keys/${stolen}`, by),
    )
    expect(code).toBe('invalid_api_key')
    await expectUnchanged(by, 1)
  })

  test('by a token that is ended meanwhile', async () => {
    const { person, changes, by } = await account()
    const code = await meanwhile(changes[change], by, () =>
      app.call('DELETE', '/account/sessions', by),
    )
    expect(code).toBe('invalid_token')
    await expectUnchanged({ key: person.key }, 2)
  })
})

async function expectUnchanged(by: Call, count: number) {
  const { json } = await app.call('GET', '/keys', by)
  const names = json.keys.map(({ name }: { name: string }) => name)
  expect(names).toEqual(['default', 'a key'].slice(2 - count))
  expect(json.keys.map((key: { expires_at: string | null }) => key.expires_at)).toEqual(
    names.map(() => null),
  )
}
