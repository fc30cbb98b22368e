// The account snapshot: all that the paywall needs to know of an account. Redis keeps it close, Postgres has the
// truth. Sole owner of its keys, versions and TTLs.
import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { errorFields, type Log } from '../log.ts'
import { TIERS, type Tier } from '../plans.ts'
import { type Database, databaseFault } from './db.ts'
import { bestSubscription, relevantSubscriptions, type SubscriptionState } from './entitlement.ts'
import type { RedisClient } from './redis.ts'
import { SUBSCRIPTION_STATUSES } from './schema.ts'

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

export type SnapshotSource = 'redis' | 'postgres'

/** `account` is null for a user that does not exist. */
export interface SnapshotRead {
  account: AccountSnapshot | null
  source: SnapshotSource
}

/** Neither Redis nor Postgres could answer. */
export class AccountsUnavailable extends Error {
  override name = 'AccountsUnavailable'
}

/** What reading and writing snapshots needs. */
export interface AccountStores {
  db: Database
  redis: RedisClient
  log: Log
}

// A failed write-through is repaired by the next writer or, at the latest, after this time.
const TTL_MS = 60_000
const UNKNOWN_TTL_MS = 10_000
const UNKNOWN = 'unknown'

/**
 * Stores a snapshot unless a newer one stands there: a slow reader never brings back what a writer took away.
 * What is no snapshot (another type, a version that is no number) is replaced.
 */
const PUT_IF_NEWER = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '')
if held and held > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'snapshot', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

/** What is no hash, or would never expire and so never be repaired, counts as none. */
const GET = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('PTTL', KEYS[1]) < 0 then return false end
return redis.call('HGET', KEYS[1], 'snapshot')`

/**
 * The snapshot from Redis or, where that has none or does not answer, from Postgres (and then back to Redis).
 * @throws AccountsUnavailable when Postgres is away too
 */
export async function readAccount(stores: AccountStores, userId: string): Promise<SnapshotRead> {
  const cached = await fromRedis(stores, userId)
  if (cached.kind === 'hit') return { account: cached.account, source: 'redis' }
  const account = await loadAccount(stores.db, userId)
  // A Redis that has just failed is not waited for a second time.
  if (cached.kind === 'miss') await writeThrough(stores, userId, account)
  return { account, source: 'postgres' }
}

/**
 * The snapshot from Postgres, one statement and so one state.
 * @throws AccountsUnavailable
 */
export async function loadAccount(db: Database, userId: string): Promise<AccountSnapshot | null> {
  try {
    const { rows } = await db.execute<SnapshotRow>(snapshotQuery(userId))
    return rows[0] ? toSnapshot(rows[0]) : null
  } catch (error) {
    if (databaseFault(error)?.unavailable)
      throw new AccountsUnavailable('postgres', { cause: error })
    throw error
  }
}

/** Writes `account` (null: unknown user) to Redis under its version. A Redis that fails is logged: the TTL repairs it. */
export async function writeThrough(
  { redis, log }: Pick<AccountStores, 'redis' | 'log'>,
  userId: string,
  account: AccountSnapshot | null,
): Promise<void> {
  const ttlMs = account === null ? UNKNOWN_TTL_MS : TTL_MS
  const args = [
    String(account?.version ?? 0),
    account === null ? UNKNOWN : JSON.stringify(account),
    String(ttlMs),
  ]
  try {
    await redis.evaluate(PUT_IF_NEWER, [redisKey(userId)], args)
  } catch (error) {
    log('error', 'account_snapshot_not_cached', { user_id: userId, ...errorFields(error) })
  }
}

/** One row of `snapshotQuery`, as a statement of a caller's batch returns it. */
export type SnapshotRow = {
  user_id: string
  version: string
  tier: Tier
  created_at: string
  keys: AccountSnapshot['keys']
  subscriptions: SubscriptionState[]
}

/** The statement that reads a snapshot; a writer adds it to its own batch, after its writes. */
export function snapshotQuery(userId: string): SQL {
  return sql`
    select u.id as user_id, u.version::text as version, u.tier, ${epochMs(sql`u.created_at`)}::text as created_at,
      coalesce((
        select json_agg(json_build_object('id', k.id, 'expiresAt', ${epochMs(sql`k.expires_at`)}))
        from api_keys k where k.user_id = u.id and k.revoked_at is null
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
          'createdAt', ${epochMs(sql`s.created_at`)}))
        from subscriptions s where s.user_id = u.id
      ), '[]'::json) as subscriptions
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

type CacheRead =
  | { kind: 'hit'; account: AccountSnapshot | null }
  | { kind: 'miss' }
  | { kind: 'failed' }

/** What Redis has; what is no snapshot of ours is a miss. */
async function fromRedis({ redis, log }: AccountStores, userId: string): Promise<CacheRead> {
  let text: unknown
  try {
    text = await redis.evaluate(GET, [redisKey(userId)], [])
  } catch (error) {
    log('warn', 'account_snapshot_not_read', { user_id: userId, ...errorFields(error) })
    return { kind: 'failed' }
  }
  if (typeof text !== 'string') return { kind: 'miss' }
  if (text === UNKNOWN) return { kind: 'hit', account: null }
  const account = parseSnapshot(text)
  if (account?.userId === userId) return { kind: 'hit', account }
  log('error', 'account_snapshot_malformed', { user_id: userId })
  return { kind: 'miss' }
}

const instant = z.number()
const snapshotShape = z.object({
  userId: z.string(),
  version: z.number(),
  intendedTier: z.enum(TIERS),
  createdAt: instant,
  keys: z.array(z.object({ id: z.string(), expiresAt: instant.nullable() })),
  subscriptions: z.array(
    z.object({
      id: z.string(),
      status: z.enum(SUBSCRIPTION_STATUSES),
      tier: z.enum(TIERS),
      currentPeriodStart: instant,
      currentPeriodEnd: instant,
      billingCycleAnchor: instant,
      cancelAtPeriodEnd: z.boolean(),
      cancelAt: instant.nullable(),
      trialEnd: instant.nullable(),
      pastDueSince: instant.nullable(),
      createdAt: instant,
    }),
  ),
})

function parseSnapshot(text: string): AccountSnapshot | undefined {
  try {
    return snapshotShape.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

// The number is the snapshot's form: one of another release is not read.
function redisKey(userId: string): string {
  return `tollgate:account:1:${userId}`
}

function epochMs(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`
}
