// The Worker's two entrances, as the platform calls them.
import {
  createExecutionContext,
  createScheduledController,
  env,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { inArray } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { usageLeases, usageWindows } from '../src/data/schema.ts'
import worker from '../src/index.ts'
import { signUp, testApp } from './support/app.ts'

const { deps } = testApp()

test('fetch answers', async () => {
  const ctx = createExecutionContext()
  const response = await worker.fetch(new Request('http://localhost/api/v1/health'), env, ctx)
  await waitOnExecutionContext(ctx)
  expect(await response.json()).toMatchObject({ status: 'ok' })
})

test('the cron takes away leases that expired a day ago, and only those', async () => {
  const { id: userId } = await signUp(testApp())
  const windowStart = new Date()
  await deps.db.insert(usageWindows).values({
    userId,
    windowStart,
    windowEnd: new Date(windowStart.getTime() + 1000),
    apiCallsQuota: 1,
    reactionsQuota: 1,
    updatedAt: windowStart,
  })
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)
  const lease = (expiresAt: Date) => ({
    id: crypto.randomUUID(),
    userId,
    windowStart,
    apiCalls: 1,
    reactions: 0,
    expiresAt,
  })
  const [old, fresh] = [lease(hoursAgo(25)), lease(hoursAgo(1))]
  await deps.db.insert(usageLeases).values([old, fresh])
  await worker.scheduled(createScheduledController(), env)
  const left = await deps.db
    .select({ id: usageLeases.id })
    .from(usageLeases)
    .where(inArray(usageLeases.id, [old.id, fresh.id]))
  expect(left).toEqual([{ id: fresh.id }])
})
