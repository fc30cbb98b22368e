// Interleavings that once went wrong, one by one; model.test.ts looks for more.
import { expect, test } from 'vitest'
import { PLANS } from '../../src/plans.ts'
import { testApp } from '../support/app.ts'
import { counted, payingAccount } from '../support/books-account.ts'
import { Isolates } from '../support/isolates.ts'

const { deps } = testApp()
const window = { start: new Date('2026-12-01T00:00:00Z'), end: new Date('2027-01-01T00:00:00Z') }
const ONE = { units: { apiCalls: 1, reactions: 0 }, isPlain: true }

/** Isolates over an account that has used all of its calls but `left`, so long before its window ends. */
async function account(left: number, msToEnd = 86_400_000) {
  const used = { apiCalls: PLANS.hobby.quotas.apiCalls - left, reactions: 0 }
  const { id, key } = await payingAccount(deps, { tier: 'hobby', window, used })
  const now = window.end.getTime() - msToEnd
  const isolates = new Isolates(deps, { count: 2, now }, () => {})
  const begin = (at: number, times = 1) =>
    Array.from({ length: times }, () => isolates.begin(isolates.at(at), key, ONE))
  return { id, isolates, begin }
}

test('what an isolate holds of the last window does not keep it from asking for the new one', async () => {
  const { id, isolates, begin } = await account(300, 2_500)
  begin(0)
  await isolates.pass(2_500)
  const calls = begin(0, 25)
  await isolates.rest()
  expect(calls.map(({ state }) => state)).toEqual(Array(25).fill('handled'))
  expect(isolates.at(0).lent.size).toBe(0)
  for (const call of calls) call.end(200, ONE.units)
  await isolates.pass(3_000)
  expect((await counted(id)).used.get(window.end.getTime())?.apiCalls).toBe(25)
})

test('calls that meet an account that nobody knows, near its limit, are let in or refused, and none is lent', async () => {
  const { isolates, begin } = await account(2)
  const calls = begin(0, 5)
  await isolates.rest()
  expect(isolates.at(0).lent.size).toBe(0)
  const statuses = calls.map(({ state, status }) => (state === 'handled' ? 200 : status))
  // What others ask for at the same moment is held: one is let in at least.
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(2)
})
