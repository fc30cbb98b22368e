// The Worker's two entrances, as the platform calls them.
import {
  createExecutionContext,
  createScheduledController,
  env,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { FLUSH_CRON } from '../src/crons.ts'
import { CHANGED_KEY } from '../src/data/accounts.ts'
import { KEY_USE_KEY } from '../src/data/key-use.ts'
import { apiKeys, usageWindows } from '../src/data/schema.ts'
import worker from '../src/index.ts'
import { signUp, testApp } from './support/app.ts'
import { inject } from './support/faults.ts'
import { listed } from './support/keys.ts'
import { redisCommand } from './support/snapshot.ts'
import { subscribe } from './support/stripe.ts'

/** This one alone: the other reads from Stripe whatever the tests before have left, for up to a minute. */
const FLUSH = { cron: FLUSH_CRON, scheduledTime: new Date() }

test('fetch answers', async () => {
  const ctx = createExecutionContext()
  const response = await worker.fetch(new Request('http://localhost/api/v1/health'), env, ctx)
  await waitOnExecutionContext(ctx)
  expect(await response.json()).toMatchObject({ status: 'ok' })
})

test('the cron writes what Redis has counted to Postgres', async () => {
  const app = testApp()
  const person = await subscribe(app, await signUp(app))
  const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } }
  await app.call('POST', '/datasets/generate', { key: person.key, body: order })
  await worker.scheduled(createScheduledController(FLUSH), env)
  const [row] = await app.deps.db
    .select()
    .from(usageWindows)
    .where(eq(usageWindows.userId, person.id))
  expect(row).toMatchObject({ apiCalls: 1, reactions: 5, apiCallsQuota: 1000 })
})

test('the cron goes on where one of its parts fails, and says so', async () => {
  const app = testApp()
  const person = await signUp(app)
  const [keyId = ''] = await listed(app, person)
  const minute = Math.floor(Date.now() / 60_000)
  await redisCommand('ZADD', KEY_USE_KEY, String(minute), keyId)
  await inject('redis', {
    match: { bodyIncludes: CHANGED_KEY },
    fault: { kind: 'status', status: 500 },
    times: 1,
  })
  await expect(worker.scheduled(createScheduledController(FLUSH), env)).rejects.toThrow()
  const [row] = await app.deps.db.select().from(apiKeys).where(eq(apiKeys.id, keyId))
  expect(row?.lastUsedAt).toEqual(new Date(minute * 60_000))
})
