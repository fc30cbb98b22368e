// GET /billing/usage: this window and the history, from rows as other days left them.
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { usageWindows } from '../../src/data/schema.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { type Person, signUp, type TestApp, testApp } from '../support/app.ts'
import { subscribe } from '../support/stripe.ts'

const app = testApp()
const { deps } = app

const usage = async (who: Person, through: TestApp = app) =>
  (await through.call('GET', '/billing/usage', { key: who.key })).json
const generate = (who: Person, through: TestApp = app) =>
  through.call('POST', '/datasets/generate', {
    key: who.key,
    body: { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } },
  })

/** The start of the window `months` before the one that begins at `start` (on a day that all months have). */
function monthsBefore(start: Date, months: number): Date {
  const moved = new Date(start)
  moved.setUTCMonth(moved.getUTCMonth() - months)
  return moved
}

/** Somebody whose windows begin on the 5th, with `apiCalls` used in the windows so many months ago. */
async function withHistory(usedByMonthsAgo: Record<number, number>) {
  const own = testApp()
  own.setNow(new Date('2026-03-05T12:00:00Z'))
  const person = await signUp(own)
  own.setNow(new Date('2027-10-20T12:00:00Z'))
  const current = new Date('2027-10-05T12:00:00Z')
  const rows = Object.entries(usedByMonthsAgo).map(([months, apiCalls]) => ({
    userId: person.id,
    windowStart: monthsBefore(current, Number(months)),
    windowEnd: monthsBefore(current, Number(months) - 1),
    apiCalls,
    apiCallsQuota: 1000,
    reactionsQuota: 10_000,
    updatedAt: current,
  }))
  // One by one, oldest and newest mixed: no order of the table's own helps.
  for (const row of rows.filter((_, i) => i % 2)) await deps.db.insert(usageWindows).values(row)
  for (const row of rows.filter((_, i) => i % 2 === 0))
    await deps.db.insert(usageWindows).values(row)
  const { json } = await own.call('GET', '/billing/usage', { key: person.key })
  return json as {
    current_month: { api_calls: number; month: string }
    history: { api_calls: number; month: string }[]
  }
}

test('the history has the latest six used windows, newest first', async () => {
  const { current_month, history } = await withHistory({
    0: 10,
    1: 11,
    2: 12,
    3: 13,
    4: 14,
    5: 15,
    6: 16,
    7: 17,
    8: 18,
  })
  expect(current_month).toMatchObject({ month: '2027-10', api_calls: 10 })
  expect(history.map(({ month, api_calls }) => [month, api_calls])).toEqual([
    ['2027-09', 11],
    ['2027-08', 12],
    ['2027-07', 13],
    ['2027-06', 14],
    ['2027-05', 15],
    ['2027-04', 16],
  ])
})

test('windows without a call leave no gap in the history', async () => {
  const { current_month, history } = await withHistory({
    2: 12,
    3: 13,
    5: 15,
    8: 18,
    9: 19,
    11: 21,
    12: 22,
  })
  expect(current_month).toMatchObject({ month: '2027-10', api_calls: 0 })
  expect(history.map(({ api_calls }) => api_calls)).toEqual([12, 13, 15, 18, 19, 21])
})

test('a window ends where the latest call saw it end', async () => {
  const own = testApp()
  const person = await subscribe(own, await signUp(own))
  const { period_start, period_end } = (await usage(person, own)).current_month
  await deps.db.insert(usageWindows).values({
    userId: person.id,
    windowStart: new Date(period_start),
    windowEnd: new Date(new Date(period_end).getTime() - 3 * 86_400_000),
    apiCallsQuota: 1,
    reactionsQuota: 1,
    updatedAt: new Date(period_start),
  })
  expect((await generate(person, own)).status).toBe(200)
  await flushUsage(own.deps)
  const [row] = await deps.db.select().from(usageWindows).where(eq(usageWindows.userId, person.id))
  expect(row?.windowEnd.toISOString()).toBe(period_end)
  own.setNow(new Date(period_end))
  expect((await usage(person, own)).history).toMatchObject([
    { api_calls: 1, period_end, api_calls_quota: 1000, reactions_quota: 10_000 },
  ])
})
