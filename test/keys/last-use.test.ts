// When a key was last used: noted without a word to anybody on the paid path, sent in batches, written by the cron.
import { createScheduledController, env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { flushKeyUses, KEY_USE_KEY, latestUses } from '../../src/data/key-use.ts'
import { apiKeys } from '../../src/data/schema.ts'
import worker from '../../src/index.ts'
import { signToken } from '../../src/token.ts'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { listed, makeKey, opens } from '../support/keys.ts'
import { customer, shop } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'

const reader = testApp()
const { db } = reader.deps
// In the past, so that no use of now hides one of then.
const start = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
const minute = (n: number) => new Date(start + n * 60_000)
const lastUsed = async (person: { key: string }, app = reader) =>
  (await app.call('GET', '/keys', { token: tokens.get(person.key) ?? '' })).json.keys[0]
    .last_used_at
const stored = async (id: string) =>
  (await db.select().from(apiKeys).where(eq(apiKeys.id, id)))[0]?.lastUsedAt ?? null
const inRedis = (id: string) => redisCommand('ZSCORE', KEY_USE_KEY, id)

const tokens = new Map<string, string>()

/** Somebody who pays, and may look at their keys without using one. */
async function buyer() {
  const person = await customer({ known: true })
  const token = await signToken(
    reader.deps.config.jwtSecrets[0],
    { userId: person.id, epoch: 0 },
    // Also an isolate whose clock is an hour behind takes it.
    minute(0),
  )
  tokens.set(person.key, token)
  const [keyId = ''] = await listed(reader, { token })
  return { ...person, token, keyId }
}

beforeEach(async () => {
  await redisCommand('DEL', KEY_USE_KEY)
})

describe('a use', () => {
  test('is shown to the minute: by the isolate at once, by others when it is sent, by Postgres when the cron has run', async () => {
    const person = await buyer()
    const app = shop()
    app.holdBackground()
    app.setNow(new Date(minute(0).getTime() + 41_234))
    expect(await lastUsed(person)).toBeNull()
    expect((await app.buy(person)).status).toBe(200)
    const at = minute(0).toISOString()
    expect(await lastUsed(person, app)).toBe(at)
    expect(await lastUsed(person)).toBeNull()
    await app.endBackground()
    expect(await lastUsed(person)).toBe(at)
    expect(await stored(person.keyId)).toBeNull()
    await worker.scheduled(createScheduledController(), env)
    expect(await stored(person.keyId)).toEqual(minute(0))
    expect(await inRedis(person.keyId)).toBeNull()
    expect(await lastUsed(person)).toBe(at)
  })

  test('costs a paid call no request, and a minute of many keys one', async () => {
    const people = [await buyer(), await buyer(), await buyer()]
    const app = shop()
    app.holdBackground()
    app.setNow(minute(0))
    const notes: string[][] = []
    const { redis } = app.deps
    app.deps.redis = {
      evaluate: (script, keys, args) => {
        if (keys[0] === KEY_USE_KEY) notes.push([...args])
        return redis.evaluate(script, keys, args)
      },
    }
    for (const person of people) {
      await app.buy(person)
      const { redis, postgres, result } = await app.asked(() => app.buy(person))
      expect([result.layer, redis, postgres]).toEqual(['memory', 0, 0])
    }
    expect(notes).toEqual([])
    await app.endBackground()
    expect(notes).toHaveLength(1)
    expect(notes[0]?.filter((_, i) => i % 2 === 0)).toEqual(people.map(({ keyId }) => keyId))
    // The same minute again: nothing; the next one: once more.
    await app.buy(people[0] ?? { key: '' })
    expect(notes).toHaveLength(1)
    app.setNow(minute(1))
    await app.buy(people[0] ?? { key: '' })
    expect(notes).toHaveLength(2)
  })

  test('of a test key counts, and that of an account’s own call', async () => {
    const person = await signUp(reader)
    const made = await makeKey(reader, { token: person.token }, { mode: 'test' })
    const used = async () =>
      (await reader.call('GET', '/keys', { token: person.token })).json.keys.map(
        (key: { last_used_at: string | null }) => key.last_used_at,
      )
    expect(await used()).toEqual([null, null])
    await opens(reader, made.key)
    await reader.call('GET', '/billing/usage', { key: person.key })
    expect(await used()).toEqual([expect.any(String), expect.any(String)])
  })

  test('of a call that is refused is none', async () => {
    const person = await signUp(reader)
    const made = await makeKey(reader, person, {
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    })
    const later = testApp()
    later.setNow(new Date(Date.now() + 60_000))
    await opens(later, made.key)
    expect(await latestUses(later.deps, [made.id])).toEqual(new Map())
  })

  test('that Redis does not hear of goes with the next', async () => {
    const person = await buyer()
    const app = shop()
    app.setNow(minute(0))
    const fault = await inject('redis', {
      match: { bodyIncludes: person.keyId },
      fault: { kind: 'reset' },
      times: 1,
    })
    await app.buy(person)
    await fault.hit()
    expect(await inRedis(person.keyId)).toBeNull()
    expect(app.logs.map(({ event }) => event)).toContain('key_uses_not_noted')
    const other = await buyer()
    await app.buy(other)
    expect(await inRedis(person.keyId)).toBe(String(start / 60_000))
  })

  test('never goes back in time, in Redis or in Postgres', async () => {
    const person = await buyer()
    const [late, early] = [shop(), shop()]
    late.setNow(minute(9))
    early.setNow(minute(3))
    await late.buy(person)
    await early.buy(person)
    expect(await lastUsed(person)).toBe(minute(9).toISOString())
    await flushKeyUses(reader.deps)
    await early.buy(person)
    await redisCommand('ZADD', KEY_USE_KEY, String(start / 60_000), person.keyId)
    await flushKeyUses(reader.deps)
    expect(await stored(person.keyId)).toEqual(minute(9))
  })
})

describe('the list of keys', () => {
  test('shows what Postgres has while Redis is away', async () => {
    const person = await buyer()
    await db
      .update(apiKeys)
      .set({ lastUsedAt: minute(2) })
      .where(eq(apiKeys.id, person.keyId))
    await inject('redis', { match: { bodyIncludes: person.keyId }, fault: { kind: 'reset' } })
    const own = testApp()
    expect(await lastUsed(person, own)).toBe(minute(2).toISOString())
    expect(own.logs.map(({ event }) => event)).toContain('key_uses_not_read')
  })
})

describe('the cron', () => {
  test('keeps what is used again while it writes', async () => {
    const person = await buyer()
    await redisCommand('ZADD', KEY_USE_KEY, String(start / 60_000), person.keyId)
    const { deps } = testApp()
    const { db: target } = deps
    const execute = target.execute.bind(target)
    target.execute = ((query) =>
      execute(query).then(async (result) => {
        await redisCommand('ZADD', KEY_USE_KEY, String(start / 60_000 + 1), person.keyId)
        return result
      })) as typeof target.execute
    await flushKeyUses(deps)
    expect(await stored(person.keyId)).toEqual(minute(0))
    expect(await inRedis(person.keyId)).toBe(String(start / 60_000 + 1))
    await flushKeyUses(reader.deps)
    expect(await stored(person.keyId)).toEqual(minute(1))
  })

  test('passes over keys that are gone and what is no minute', async () => {
    const person = await buyer()
    await redisCommand('ZADD', KEY_USE_KEY, '1', 'ffffffffffffffff')
    await redisCommand('ZADD', KEY_USE_KEY, '1e15', person.keyId)
    await redisCommand('ZADD', KEY_USE_KEY, '-3', 'garbage')
    expect(await flushKeyUses(reader.deps)).toBe(3)
    expect(await stored(person.keyId)).toBeNull()
    expect(await flushKeyUses(reader.deps)).toBe(0)
  })

  test('heals what is no list', async () => {
    const person = await buyer()
    await redisCommand('SET', KEY_USE_KEY, 'garbage')
    expect(await flushKeyUses(reader.deps)).toBe(0)
    const app = shop()
    app.setNow(minute(0))
    await app.buy(person)
    expect(await inRedis(person.keyId)).toBe(String(start / 60_000))
  })

  test('writes several batches', async () => {
    const pairs = Array.from({ length: 1_100 }, (_, i) => [
      String(start / 60_000),
      `e${i.toString(16).padStart(15, '0')}`,
    ]).flat()
    await redisCommand('ZADD', KEY_USE_KEY, ...pairs)
    const person = await buyer()
    await redisCommand('ZADD', KEY_USE_KEY, String(start / 60_000 + 5), person.keyId)
    expect(await flushKeyUses(reader.deps)).toBe(1_101)
    expect(await stored(person.keyId)).toEqual(minute(5))
  })
})
