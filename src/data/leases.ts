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

export interface LeaseAnswer {
  granted: boolean
  /** What is settled and what running calls hold, this lease included when it was granted. */
  used: Units
  /** Of `used`, what is settled for good. */
  settled: Units
  /** When the first of the running calls must be over, or null where none holds anything. */
  heldUntil: Date | null
}

/** How long a call may hold its units. After that they are others' to take, and it can book nothing any more. */
export const LEASE_SECONDS = 15 * 60

/** Takes `units` for one call, all or nothing: never more than the quota is held and used together. */
export async function takeLease(db: Database, request: LeaseRequest): Promise<LeaseAnswer> {
  const { id, userId, window, quotas, units, now } = request
  const start = window.start.toISOString()
  const at = now.toISOString()
  const expires = new Date(now.getTime() + LEASE_SECONDS * 1000).toISOString()
  const held = sql`
    select coalesce(sum(l.api_calls), 0) as api_calls, coalesce(sum(l.reactions), 0) as reactions,
      (extract(epoch from min(l.expires_at)) * 1000)::bigint as until
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
    db.execute<TotalsRow>(sql`
      select w.api_calls::text as settled_calls, w.reactions::text as settled_reactions,
        h.api_calls::text as held_calls, h.reactions::text as held_reactions, h.until::text as until
      from usage_windows w, (${held}) h
      where w.user_id = ${userId} and w.window_start = ${start}`),
  ])
  return { granted: granted.rows.length === 1, ...totalsOf(totals.rows[0]) }
}

type TotalsRow = {
  settled_calls: string
  settled_reactions: string
  held_calls: string
  held_reactions: string
  until: string | null
}

function totalsOf(row: TotalsRow | undefined): Omit<LeaseAnswer, 'granted'> {
  const count = (text: string | undefined) => Number(text ?? 0)
  const settled = {
    apiCalls: count(row?.settled_calls),
    reactions: count(row?.settled_reactions),
  }
  const used = {
    apiCalls: settled.apiCalls + count(row?.held_calls),
    reactions: settled.reactions + count(row?.held_reactions),
  }
  return { used, settled, heldUntil: row?.until ? new Date(Number(row.until)) : null }
}

/**
 * Books what the call really used, in the window in which it was made, and ends the lease. However often it is
 * sent it books once, and never more than was taken; zero units give everything back.
 * @returns whether a lease was ended in time: one that had expired books nothing, as its units may be others' now
 */
export async function settleLease(
  db: Database,
  leaseId: string,
  units: Units,
  now: Date,
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    with ended as (delete from usage_leases where id = ${leaseId} returning *)
    update usage_windows w set
      api_calls = w.api_calls + least(${units.apiCalls}::bigint, ended.api_calls),
      reactions = w.reactions + least(${units.reactions}::bigint, ended.reactions),
      updated_at = ${now.toISOString()}
    from ended
    where w.user_id = ended.user_id and w.window_start = ended.window_start
      and ended.expires_at > ${now.toISOString()}
    returning w.user_id`)
  return rows.length === 1
}

/** Deletes the leases that expired a day ago, of calls that never ended. Returns how many. */
export async function purgeLeases(db: Database, now: Date): Promise<number> {
  const dayAgo = new Date(now.getTime() - 86_400_000).toISOString()
  const { rows } = await db.execute(
    sql`delete from usage_leases where expires_at < ${dayAgo} returning id`,
  )
  return rows.length
}
