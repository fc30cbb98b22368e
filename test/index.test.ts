// The Worker's two entrances, as the platform calls them.
import {
  createExecutionContext,
  createScheduledController,
  env,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { usageWindows } from '../src/data/schema.ts'
import worker from '../src/index.ts'
import { signUp, testApp } from './support/app.ts'
import { subscribe } from './support/stripe.ts'

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
  await worker.scheduled(createScheduledController(), env)
  const [row] = await app.deps.db
    .select()
    .from(usageWindows)
    .where(eq(usageWindows.userId, person.id))
  expect(row).toMatchObject({ apiCalls: 1, reactions: 5, apiCallsQuota: 1000 })
})
