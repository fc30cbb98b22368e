// Counts as another day left them: in Postgres, with a Redis that has lost what it had of the account.
import { usageWindows } from '../../src/data/schema.ts'
import type { TestApp } from './app.ts'
import { redisCommand } from './snapshot.ts'

/** Makes Redis forget the account: its snapshot, its counts, its leases. */
export async function emptyRedis(userId: string): Promise<void> {
  for (const key of await redisCommand<string[]>('KEYS', `tollgate:*${userId}`)) {
    await redisCommand('DEL', key)
  }
}

/** Puts an account at `apiCalls` and `reactions` used in its present window; no isolate knows it any more. */
export async function setUsage(
  { call, deps }: TestApp,
  { id, key }: { id: string; key: string },
  apiCalls: number,
  reactions = 0,
): Promise<void> {
  const { json } = await call('GET', '/billing/usage', { key })
  const { period_start, period_end, api_calls_quota, reactions_quota } = json.current_month
  const counts = { apiCalls, reactions }
  await deps.db
    .insert(usageWindows)
    .values({
      userId: id,
      windowStart: new Date(period_start),
      windowEnd: new Date(period_end),
      ...counts,
      apiCallsQuota: api_calls_quota,
      reactionsQuota: reactions_quota,
      updatedAt: new Date(),
    })
    .onConflictDoUpdate({ target: [usageWindows.userId, usageWindows.windowStart], set: counts })
  await emptyRedis(id)
  deps.memory.accounts.delete(id)
  deps.memory.pools.delete(id)
}

/** The account's leases that still hold something, as `window:calls:reactions`. */
export async function heldLeases(userId: string): Promise<string[]> {
  const fields = await redisCommand<string[]>('HGETALL', `tollgate:usage:2:${userId}`)
  return fields.flatMap((field, i) => {
    const value = fields[i + 1] ?? ''
    return i % 2 === 0 && field.startsWith('lease:') && value.endsWith(':h')
      ? value.slice(0, -2)
      : []
  })
}
