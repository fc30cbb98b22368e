// The cron's part of the count: what Redis counted goes to Postgres, as absolute figures, for accounts that changed.
import { sql } from 'drizzle-orm'
import * as z from 'zod/mini'
import { accountKeys, CHANGED_KEY } from '../data/accounts.ts'
import { readList, takeOff } from '../data/changed-list.ts'
import type { Stores } from '../data/memory.ts'
import { type CountedWindow, countedWindows } from '../data/usage.ts'

/** Accounts of one batch: one script, one statement. */
const BATCH = 100
/** A cron may run for minutes; what is left waits for the next. */
const MOST_BATCHES = 200

const COUNTS_SCRIPT = `
local all = {}
for i, key in ipairs(KEYS) do
  all[i] = redis.call('TYPE', key).ok == 'hash' and redis.call('HGETALL', key) or {}
end
return all`

const texts = z.array(z.string())
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Writes every changed count. Idempotent: a count in Postgres never falls, and an account that was not marked as
 * written is written again. Returns how many accounts were written.
 * @throws Redis's and the database's errors; what was not written stays on the list
 */
export async function flushUsage(stores: Stores): Promise<number> {
  let written = 0
  for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
    const changed = await readList(stores.redis, CHANGED_KEY, BATCH)
    if (changed.length === 0) return written
    const userIds = changed.filter((_, i) => i % 2 === 0)
    const keys = userIds.map((id) => accountKeys(id).usage)
    const hashes = z.array(texts).parse(await stores.redis.evaluate(COUNTS_SCRIPT, keys, []))
    await write(
      stores,
      hashes.flatMap((hash, i) =>
        countedWindows(hash)
          .filter(({ seeded }) => seeded && UUID.test(userIds[i] ?? ''))
          .map((window) => ({ userId: userIds[i] ?? '', window })),
      ),
    )
    const removed = await takeOff(stores.redis, CHANGED_KEY, changed)
    written += userIds.length
    // All of them have changed again: they are the next run's.
    if (removed === 0) return written
  }
  return written
}

/** One statement. Accounts that are gone are passed over; what is there already is not written again. */
async function write(
  { db, now }: Stores,
  rows: readonly { userId: string; window: CountedWindow }[],
): Promise<void> {
  if (rows.length === 0) return
  const iso = (epochMs: number) => new Date(epochMs).toISOString()
  const json = JSON.stringify(
    rows.map(({ userId, window }) => ({
      user_id: userId,
      window_start: iso(window.start),
      window_end: iso(window.end),
      api_calls: window.used.apiCalls,
      reactions: window.used.reactions,
      api_calls_quota: window.quotas.apiCalls,
      reactions_quota: window.quotas.reactions,
    })),
  )
  await db.execute(sql`
    insert into usage_windows as w (user_id, window_start, window_end, api_calls, reactions,
      api_calls_quota, reactions_quota, updated_at)
    select r.user_id, r.window_start, r.window_end, r.api_calls, r.reactions, r.api_calls_quota,
      r.reactions_quota, ${now().toISOString()}::timestamptz
    from json_to_recordset(${json}::json) as r(user_id uuid, window_start timestamptz,
      window_end timestamptz, api_calls bigint, reactions bigint, api_calls_quota bigint,
      reactions_quota bigint)
    join users u on u.id = r.user_id
    on conflict (user_id, window_start) do update set
      api_calls = greatest(w.api_calls, excluded.api_calls),
      reactions = greatest(w.reactions, excluded.reactions),
      window_end = excluded.window_end, api_calls_quota = excluded.api_calls_quota,
      reactions_quota = excluded.reactions_quota, updated_at = excluded.updated_at
    where (w.api_calls, w.reactions, w.window_end, w.api_calls_quota, w.reactions_quota)
      is distinct from (greatest(w.api_calls, excluded.api_calls),
        greatest(w.reactions, excluded.reactions), excluded.window_end, excluded.api_calls_quota,
        excluded.reactions_quota)`)
}
