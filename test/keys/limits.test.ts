// How many keys an account may have and make, also where many are asked for at once.
import { describe, expect, test } from 'vitest'
import { apiKeys } from '../../src/data/schema.ts'
import { type Call, signUp, testApp } from '../support/app.ts'
import { listed, makeKey } from '../support/keys.ts'

const app = testApp()
const create = (by: Call, body: object = {}) =>
  app.call('POST', '/keys', { ...by, body: { name: 'one of many', ...body } })
const times = <T>(count: number, make: () => Promise<T>) =>
  Promise.all(Array.from({ length: count }, make))

describe('an account', () => {
  test('gets exactly twenty keys, however many are asked for at once', async () => {
    const person = await signUp(app, 'pro')
    const answers = await times(30, () => create({ token: person.token }))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(19)
    const refused = answers.filter(({ json }) => json.code === 'too_many_keys')
    expect(refused).toHaveLength(11)
    expect(refused[0]?.json).toMatchObject({ status: 409, limit: 20 })
    expect(await listed(app, person)).toHaveLength(20)

    // Rotation counts as creation does, unless the old key makes room.
    const [id = ''] = await listed(app, person)
    const rotate = (grace_seconds: number) =>
      app.call('POST', `/keys/${id}/rotate`, { token: person.token, body: { grace_seconds } })
    expect((await rotate(60)).json.code).toBe('too_many_keys')
    const rotations = await times(3, () => rotate(0))
    expect(rotations.map(({ status }) => status).sort()).toEqual([201, 404, 404])
    expect(await listed(app, person)).toHaveLength(20)

    // A place that is given back is there at once, and once.
    const [other = ''] = await listed(app, person)
    await app.call('DELETE', `/keys/${other}`, { token: person.token })
    const again = await times(4, () => create({ token: person.token }))
    expect(again.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  test('does not count expired keys', async () => {
    const own = testApp()
    const person = await signUp(own, 'pro')
    const end = new Date(Date.now() + 60_000)
    for (let i = 0; i < 19; i += 1) {
      await makeKey(own, person, { expires_at: end.toISOString() })
    }
    await expect(makeKey(own, person)).rejects.toThrow('too_many_keys')
    own.setNow(end)
    await makeKey(own, person)
  })

  test('gets a live key at login though all its others are test keys', async () => {
    const person = await signUp(app, 'pro')
    const answers = await times(22, () => create({ token: person.token }, { mode: 'test' }))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(19)
    const [live = ''] = await listed(app, person)
    await app.call('DELETE', `/keys/${live}`, { token: person.token })
    const refused = await create({ token: person.token }, { mode: 'test' })
    expect(refused.json).toMatchObject({ code: 'too_many_keys', limit: 19 })
    const { json } = await app.call('POST', '/auth/login', { body: person })
    expect(json.api_key).toMatch(/^tg_live_/)
    expect((await app.call('GET', '/billing/usage', { key: json.api_key })).status).toBe(200)
    expect(await listed(app, person)).toHaveLength(20)
  })

  test('makes a hundred keys a day at most, and forgets those that ended long ago', async () => {
    const person = await signUp(app, 'pro')
    const { db } = app.deps
    const rows = (count: number, createdAt: Date) =>
      Array.from({ length: count }, () => ({
        id: crypto.randomUUID().slice(-12).padStart(16, 'a'),
        userId: person.id,
        name: 'long gone',
        createdAt,
        revokedAt: createdAt,
      }))
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
    await db.insert(apiKeys).values([...rows(98, new Date()), ...rows(5, daysAgo(91))])
    await makeKey(app, person)
    const { status, json, headers } = await create({ token: person.token })
    expect([status, json.code]).toEqual([429, 'too_many_attempts'])
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
    const kept = (await db.select().from(apiKeys)).filter(({ userId }) => userId === person.id)
    expect(kept).toHaveLength(100)

    // Whoever has made them may have stolen a key: the owner replaces it all the same, and the thief does not.
    const [id = ''] = await listed(app, person)
    const rotate = (by: Call, grace_seconds: number) =>
      app.call('POST', `/keys/${id}/rotate`, { ...by, body: { grace_seconds } })
    expect((await rotate({ key: person.key }, 0)).json.code).toBe('too_many_attempts')
    expect((await rotate({ token: person.token }, 1)).json.code).toBe('too_many_attempts')
    expect((await rotate({ token: person.token }, 0)).status).toBe(201)
    await db.insert(apiKeys).values(rows(99, new Date()))
    const [next = ''] = await listed(app, person)
    const last = await app.call('POST', `/keys/${next}/rotate`, {
      token: person.token,
      body: { grace_seconds: 0 },
    })
    expect(last.json.code).toBe('too_many_attempts')
  })

  test('changes its keys at the rate of its plan, apart from the paid calls', async () => {
    const own = testApp()
    const asked: string[] = []
    own.deps.limiters = {
      ...own.deps.limiters,
      tier: {
        ...own.deps.limiters.tier,
        hobby: { allows: async (key) => asked.push(key) < 2 },
      },
    }
    const person = await signUp(own)
    await makeKey(own, person)
    const { status, json, headers } = await own.call('POST', '/keys', {
      token: person.token,
      body: { name: 'x' },
    })
    expect([status, json.code, headers.get('Retry-After')]).toEqual([429, 'rate_limited', '10'])
    expect((await own.call('GET', '/keys', { token: person.token })).status).toBe(200)
    expect(new Set(asked)).toEqual(new Set([`${person.id}:keys:token`]))
  })

  test('is not kept from its keys by whoever has one of them', async () => {
    const own = testApp()
    const person = await signUp(own)
    const made = await makeKey(own, person)
    const counts = new Map<string, number>()
    const allows = async (bucket: string) => {
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
      return counts.get(bucket) === 1
    }
    own.deps.limiters = {
      ...own.deps.limiters,
      tier: { ...own.deps.limiters.tier, hobby: { allows } },
    }
    const thief = { key: person.key }
    await makeKey(own, thief)
    const [id = ''] = await listed(own, { token: person.token })
    for (const [method, path, body] of [
      ['POST', '/keys', { name: 'x' }],
      ['PATCH', `/keys/${id}`, { name: 'x' }],
      ['DELETE', `/keys/${made.id}`, undefined],
      ['POST', `/keys/${id}/rotate`, {}],
    ] as const) {
      const { json } = await own.call(method, path, { ...thief, body })
      expect([method, path, json.code]).toEqual([method, path, 'rate_limited'])
    }
    expect((await makeKey(own, { key: made.key })).id).toBeTruthy()
    const by = { token: person.token }
    const rename = () => own.call('PATCH', `/keys/${made.id}`, { ...by, body: { name: 'y' } })
    expect([(await rename()).status, (await rename()).status]).toEqual([200, 429])
    for (const each of await listed(own, by)) {
      expect((await own.call('DELETE', `/keys/${each}`, by)).status).toBe(204)
    }
  })
})
