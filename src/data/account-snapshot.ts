// The account snapshot: all that the paywall needs to know of an account, its form as text, and the statement that
// reads it from Postgres.
import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod/mini'
import { TIERS, type Tier } from '../plans.ts'
import { bestSubscription, relevantSubscriptions, type SubscriptionState } from './entitlement.ts'
import { SUBSCRIPTION_STATUSES } from './schema.ts'
import type { Units } from './units.ts'

/** An account as of `version`; instants in milliseconds since 1970. */
export interface AccountSnapshot {
  userId: string
  version: number
  /** The plan they mean to buy. */
  intendedTier: Tier
  createdAt: number
  keys: { id: string; expiresAt: number | null }[]
  /** All that are live, or the newest where none is: which of them counts depends on the hour. */
  subscriptions: SubscriptionState[]
}

/** What Postgres has of the latest windows: units used, by the window's start in milliseconds since 1970. */
export type UsedByWindow = ReadonlyMap<number, Units>

/** One row of `snapshotQuery`, as a statement of a caller's batch returns it. */
export type SnapshotRow = {
  user_id: string
  version: string
  tier: Tier
  created_at: string
  session_epoch: number
  keys: AccountSnapshot['keys']
  subscriptions: SubscriptionState[]
  used: { start: number; apiCalls: number; reactions: number }[]
}

/**
 * The statement that reads a snapshot; a writer adds it to its own batch, after its writes. Without keys that have
 * ended long ago by anybody's clock.
 */
export function snapshotQuery(userId: string | SQL): SQL {
  return sql`
    select u.id as user_id, u.version::text as version, u.tier, ${epochMs(sql`u.created_at`)}::text as created_at,
      u.session_epoch,
      coalesce((
        select json_agg(json_build_object('id', k.id, 'expiresAt', ${epochMs(sql`k.expires_at`)}))
        from api_keys k where k.user_id = u.id and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > now() - interval '1 day')
      ), '[]'::json) as keys,
      coalesce((
        select json_agg(json_build_object(
          'id', s.id, 'status', s.status, 'tier', s.tier,
          'currentPeriodStart', ${epochMs(sql`s.current_period_start`)},
          'currentPeriodEnd', ${epochMs(sql`s.current_period_end`)},
          'billingCycleAnchor', ${epochMs(sql`s.billing_cycle_anchor`)},
          'cancelAtPeriodEnd', s.cancel_at_period_end,
          'cancelAt', ${epochMs(sql`s.cancel_at`)},
          'trialEnd', ${epochMs(sql`s.trial_end`)},
          'pastDueSince', ${epochMs(sql`s.past_due_since`)},
          'servicePaused', s.service_paused,
          'createdAt', ${epochMs(sql`s.created_at`)}))
        from subscriptions s where s.user_id = u.id
      ), '[]'::json) as subscriptions,
      coalesce((
        select json_agg(json_build_object('start', ${epochMs(sql`w.window_start`)},
          'apiCalls', w.api_calls, 'reactions', w.reactions))
        from (
          select * from usage_windows where user_id = u.id order by window_start desc limit 3
        ) w
      ), '[]'::json) as used
    from users u where u.id = ${userId}`
}

/** A row of `snapshotQuery` as the snapshot that it shows. */
export function toSnapshot(row: SnapshotRow): AccountSnapshot {
  return {
    userId: row.user_id,
    version: Number(row.version),
    intendedTier: row.tier,
    createdAt: Number(row.created_at),
    keys: row.keys,
    subscriptions: relevantSubscriptions(row.subscriptions),
  }
}

/** What a row of `snapshotQuery` shows of the windows of the quota. */
export function toUsed(row: SnapshotRow): UsedByWindow {
  return new Map(
    row.used.map(({ start, apiCalls, reactions }) => [start, { apiCalls, reactions }] as const),
  )
}

/** The account's subscription that counts at `now`, whatever its state; null where there never was one. */
export function subscriptionOf(
  account: AccountSnapshot,
  now: Date,
  graceDays: number,
): SubscriptionState | null {
  return bestSubscription(account.subscriptions, now, graceDays)
}

/** Whether `keyId` is one of the account's keys, neither revoked nor expired. */
export function isKeyActive(account: AccountSnapshot, keyId: string, now: Date): boolean {
  return account.keys.some(
    ({ id, expiresAt }) => id === keyId && (expiresAt === null || expiresAt > now.getTime()),
  )
}

const instant = z.number()
const snapshotShape = z.object({
  userId: z.string(),
  version: z.number(),
  intendedTier: z.enum(TIERS),
  createdAt: instant,
  keys: z.array(z.object({ id: z.string(), expiresAt: z.nullable(instant) })),
  subscriptions: z.array(
    z.object({
      id: z.string(),
      status: z.enum(SUBSCRIPTION_STATUSES),
      tier: z.enum(TIERS),
      currentPeriodStart: instant,
      currentPeriodEnd: instant,
      billingCycleAnchor: instant,
      cancelAtPeriodEnd: z.boolean(),
      cancelAt: z.nullable(instant),
      trialEnd: z.nullable(instant),
      pastDueSince: z.nullable(instant),
      servicePaused: z.boolean(),
      createdAt: instant,
    }),
  ),
})

/** The snapshot that `text` holds, or undefined where that is no snapshot of ours. */
export function parseSnapshot(text: string): AccountSnapshot | undefined {
  try {
    return snapshotShape.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function epochMs(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`
}
