// The cron: Redis's counts go to Postgres as absolute figures, and nothing is lost, doubled or lowered on the way.
import { createScheduledController, env } from 'cloudflare:test'
import { and, eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { usageWindows, users } from '../../src/data/schema.ts'
import worker from '../../src/index.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { type Customer, callsUsed, customer, shop } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'
import { emptyRedis } from '../support/usage.ts'

const reader = testApp()
const { db } = reader.deps
const flush = () => flushUsage(reader.deps)

/** The row of the present window. */
async function row({ id, windowStart }: Customer) {
  const [found] = await db
    .select()
    .from(usageWindows)
    .where(and(eq(usageWindows.userId, id), eq(usageWindows.windowStart, windowStart)))
  return found
}
const isListed = async ({ id }: { id: string }) =>
  (await redisCommand('ZSCORE', 'tollgate:changed:2', id)) !== null
const list = ({ id }: { id: string }) =>
  redisCommand('ZADD', 'tollgate:changed:2', String(Date.now()), id)

/** Somebody with calls that Postgres has not heard of. */
async function caller(calls: number, used = 0): Promise<Customer> {
  const person = await customer({ used, known: true })
  const app = shop()
  app.holdBackground()
  for (let i = 0; i < calls; i += 1) await app.buy(person)
  await app.endBackground()
  return person
}

describe('a flush', () => {
  test('writes what an account used, by the cron of the Worker, and takes it off the list', async () => {
    const person = await caller(3, 40)
    expect([(await row(person))?.apiCalls, await isListed(person)]).toEqual([40, true])
    await worker.scheduled(createScheduledController(), env as never)
    expect(await row(person)).toMatchObject({
      apiCalls: 43,
      apiCallsQuota: 1000,
      reactionsQuota: 10_000,
      windowEnd: person.windowEnd,
    })
    expect(await isListed(person)).toBe(false)
  })

  test('that runs twice, or at once with another, writes the same; what is there is not written again', async () => {
    const person = await caller(3)
    await Promise.all([flush(), flush()])
    const before = await row(person)
    expect(before?.apiCalls).toBe(3)
    await list(person)
    await flush()
    expect(await row(person)).toEqual(before)
    expect(await isListed(person)).toBe(false)
  })

  test('leaves accounts alone that did not change', async () => {
    const person = await caller(1)
    await flush()
    const usage = `tollgate:usage:2:${person.id}`
    await redisCommand('HSET', usage, `${person.windowStart.getTime()}:calls`, '500')
    await flush()
    expect((await row(person))?.apiCalls).toBe(1)
  })

  test('never lowers a count', async () => {
    const person = await caller(2)
    // Another quota, so that there is something to write.
    await db
      .update(usageWindows)
      .set({ apiCalls: 50, reactionsQuota: 1 })
      .where(eq(usageWindows.userId, person.id))
    await flush()
    expect(await row(person)).toMatchObject({ apiCalls: 50, reactionsQuota: 10_000 })
    expect(await callsUsed(reader, person)).toBe(50)
  })

  test('passes over an account that was deleted meanwhile', async () => {
    const [gone, other] = [await caller(1), await caller(2)]
    await db.delete(users).where(eq(users.id, gone.id))
    await flush()
    expect((await row(other))?.apiCalls).toBe(2)
    expect([await isListed(gone), await isListed(other)]).toEqual([false, false])
  })

  test('passes over garbage in place of the counts', async () => {
    const [broken, other] = [await caller(1), await caller(2)]
    await redisCommand('DEL', `tollgate:usage:2:${broken.id}`)
    await redisCommand('SET', `tollgate:usage:2:${broken.id}`, 'garbage')
    await flush()
    expect((await row(other))?.apiCalls).toBe(2)
    expect(await isListed(broken)).toBe(false)
  })

  test('waits with counts that do not hold what Postgres had', async () => {
    const person = await caller(2, 100)
    await redisCommand(
      'HDEL',
      `tollgate:usage:2:${person.id}`,
      `${person.windowStart.getTime()}:seeded`,
    )
    await flush()
    expect((await row(person))?.apiCalls).toBe(100)
  })

  test('writes several hundred accounts, in batches', async () => {
    const ids = Array.from({ length: 250 }, () => crypto.randomUUID())
    await db.execute(sql`
      insert into users (id, email, password_hash, tier, created_at)
      select id::uuid, id || '@example.com', 'none', 'hobby', now()
      from json_array_elements_text(${JSON.stringify(ids)}::json) as id`)
    const start = Date.UTC(2026, 0, 5)
    await reader.deps.redis.evaluate(
      `for i, id in ipairs(ARGV) do
         redis.call('HSET', 'tollgate:usage:2:' .. id, '${start}:calls', i, '${start}:seeded', 1,
           '${start}:end', ${Date.UTC(2026, 1, 5)}, '${start}:quota_calls', 1000, '${start}:quota_reactions', 10000)
         redis.call('ZADD', 'tollgate:changed:2', i, id)
       end`,
      [],
      ids,
    )
    expect(await flush()).toBeGreaterThanOrEqual(250)
    const { rows } = await db.execute<{ count: string; sum: string }>(sql`
      select count(*)::text as count, sum(api_calls)::text as sum from usage_windows
      where user_id in (select id::uuid from json_array_elements_text(${JSON.stringify(ids)}::json) as id)`)
    expect(rows).toEqual([{ count: '250', sum: String((250 * 251) / 2) }])
  })
})

describe('what happens during a flush is not lost', () => {
  test('an account that changes stays on the list', async () => {
    const person = await caller(1)
    const writing = await inject('postgres', {
      match: { bodyIncludes: person.id },
      fault: { kind: 'hold' },
    })
    const flushing = flush()
    await writing.hit()
    const busy = shop({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
    expect((await busy.buy(person)).layer).toBe('redis')
    await writing.release()
    await flushing
    expect((await row(person))?.apiCalls).toBe(1)
    expect(await isListed(person)).toBe(true)
    await flush()
    expect((await row(person))?.apiCalls).toBe(2)
  })

  test('Postgres fails: the account stays on the list', async () => {
    const person = await caller(1)
    const { deps } = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })
    await expect(flushUsage(deps)).rejects.toThrow()
    expect(await isListed(person)).toBe(true)
    await flush()
    expect((await row(person))?.apiCalls).toBe(1)
  })

  test('Redis fails before it has given the counts', async () => {
    const { deps } = testApp({ UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' })
    await expect(flushUsage(deps)).rejects.toThrow()
  })

  test('Redis fails when the rows are written: they are written again, to the same effect', async () => {
    const person = await caller(2)
    await inject('redis', {
      match: { bodyIncludes: `"${person.id}","1` },
      fault: { kind: 'status', status: 500, body: 'x', contentType: 'text/plain' },
      times: 1,
    })
    await expect(flush()).rejects.toThrow()
    expect([(await row(person))?.apiCalls, await isListed(person)]).toEqual([2, true])
    await flush()
    expect([(await row(person))?.apiCalls, await isListed(person)]).toEqual([2, false])
  })
})

describe('GET /billing/usage', () => {
  test('adds what this isolate has not settled to Redis and Postgres', async () => {
    const person = await customer({ used: 100 })
    const app = shop()
    app.holdBackground()
    for (let i = 0; i < 3; i += 1) await app.buy(person)
    await app.redisIdle()
    expect([await callsUsed(app, person), await callsUsed(reader, person)]).toEqual([103, 100])
    await app.endBackground()
    expect([await callsUsed(app, person), await callsUsed(reader, person)]).toEqual([103, 103])
    await flush()
    expect(await callsUsed(reader, person)).toBe(103)
    await emptyRedis(person.id)
    expect(await callsUsed(app, person)).toBe(103)
  })

  test('shows a window that is over, whether it was written or not', async () => {
    const person = await customer({ used: 5 })
    const app = shop()
    app.setNow(new Date(person.windowEnd.getTime() - 1_000))
    await app.buy(person)
    app.setNow(person.windowEnd)
    await app.buy(person)
    const shown = async () => {
      const { json } = await app.call('GET', '/billing/usage', { key: person.key })
      return [
        json.current_month.api_calls,
        json.history.map((each: { api_calls: number }) => each.api_calls),
      ]
    }
    expect(await shown()).toEqual([1, [6]])
    await flush()
    expect(await shown()).toEqual([1, [6]])
    expect((await row(person))?.apiCalls).toBe(6)
  })
})
