// Units of the quota: take them before the work, settle what it really was, give back what failed. Exact under
// any number of parallel calls: the row of the window is the lock.
import { sql } from 'drizzle-orm'
import type { Quotas } from '../plans.ts'
import type { Window } from '../window.ts'
import type { Database } from './db.ts'

/** Units of both kinds that a quota counts. */
export interface Units {
  apiCalls: number
  reactions: number
}

export interface LeaseRequest {
  /** A fresh UUID. */
  id: string
  userId: string
  window: Window
  quotas: Quotas
  units: Units
  now: Date
}

/** `used` counts what is settled and what other running calls hold, this lease included when it was granted. */
export type LeaseAnswer = { granted: boolean; used: Units }

// A call that is still running after this time no longer holds its units; it may still settle them.
const LEASE_SECONDS = 15 * 60

/** Takes `units` for one call, all or nothing: never more than the quota is held and used together. */
export async function takeLease(db: Database, request: LeaseRequest): Promise<LeaseAnswer> {
  const { id, userId, window, quotas, units, now } = request
  const start = window.start.toISOString()
  const at = now.toISOString()
  const expires = new Date(now.getTime() + LEASE_SECONDS * 1000).toISOString()
  const held = sql`
    select coalesce(sum(l.api_calls), 0) as api_calls, coalesce(sum(l.reactions), 0) as reactions
    from usage_leases l
    where l.user_id = ${userId} and l.window_start = ${start} and l.expires_at > ${at}`
  const [, granted, totals] = await db.batch([
    // Locks the window's row until the batch commits, so that parallel calls are counted one after the other.
    db.execute(sql`
      insert into usage_windows
        (user_id, window_start, window_end, api_calls_quota, reactions_quota, updated_at)
      values (${userId}, ${start}, ${window.end.toISOString()}, ${quotas.apiCalls}, ${quotas.reactions}, ${at})
      on conflict (user_id, window_start) do update set
        window_end = excluded.window_end, api_calls_quota = excluded.api_calls_quota,
        reactions_quota = excluded.reactions_quota, updated_at = excluded.updated_at`),
    db.execute(sql`
      insert into usage_leases (id, user_id, window_start, api_calls, reactions, expires_at)
      select ${id}::uuid, w.user_id, w.window_start, ${units.apiCalls}::bigint, ${units.reactions}::bigint,
        ${expires}::timestamptz
      from usage_windows w, (${held}) h
      where w.user_id = ${userId} and w.window_start = ${start}
        and w.api_calls + h.api_calls + ${units.apiCalls}::bigint <= w.api_calls_quota
        and w.reactions + h.reactions + ${units.reactions}::bigint <= w.reactions_quota
      returning id`),
    db.execute<{ api_calls: string; reactions: string }>(sql`
      select (w.api_calls + h.api_calls)::text as api_calls, (w.reactions + h.reactions)::text as reactions
      from usage_windows w, (${held}) h
      where w.user_id = ${userId} and w.window_start = ${start}`),
  ])
  const [row] = totals.rows
  return {
    granted: granted.rows.length === 1,
    used: { apiCalls: Number(row?.api_calls ?? 0), reactions: Number(row?.reactions ?? 0) },
  }
}

/**
 * Books what the call really used, in the window in which it was made, and ends the lease. However often it is
 * sent it books once; zero units give everything back.
 */
export async function settleLease(
  db: Database,
  leaseId: string,
  units: Units,
  now: Date,
): Promise<void> {
  await db.execute(sql`
    with ended as (delete from usage_leases where id = ${leaseId} returning user_id, window_start)
    update usage_windows w set
      api_calls = w.api_calls + ${units.apiCalls}::bigint,
      reactions = w.reactions + ${units.reactions}::bigint,
      updated_at = ${now.toISOString()}
    from ended
    where w.user_id = ended.user_id and w.window_start = ended.window_start`)
}

/** Deletes leases that nobody can settle any more: those that expired a day ago. Returns how many. */
export async function purgeLeases(db: Database, now: Date): Promise<number> {
  const dayAgo = new Date(now.getTime() - 86_400_000).toISOString()
  const { rows } = await db.execute(
    sql`delete from usage_leases where expires_at < ${dayAgo} returning id`,
  )
  return rows.length
}
