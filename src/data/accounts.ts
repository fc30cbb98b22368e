// The account snapshot: all that the paywall needs to know of an account. Redis keeps it close, Postgres has the
// truth. Sole owner of its keys, versions and TTLs.
import { type SQL, sql } from 'drizzle-orm'
import { errorFields, type Log } from '../log.ts'
import type { Tier } from '../plans.ts'
import { type Database, databaseFault } from './db.ts'
import { bestSubscription, type SubscriptionState } from './entitlement.ts'
import type { RedisClient } from './redis.ts'

/** An account as of `version`; instants in milliseconds since 1970. */
export interface AccountSnapshot {
  userId: string
  version: number
  /** The plan they mean to buy. */
  intendedTier: Tier
  createdAt: number
  keys: { id: string; expiresAt: number | null }[]
  /** The subscription that counts, whatever its state. */
  subscription: SubscriptionState | null
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

/** Stores a snapshot unless a newer one stands there: a slow reader never brings back what a writer took away. */
const PUT_IF_NEWER = `
local held = redis.call('HGET', KEYS[1], 'version')
if held and tonumber(held) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'snapshot', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

const GET = `return redis.call('HGET', KEYS[1], 'snapshot')`

/**
 * The snapshot from Redis or, where that has none or does not answer, from Postgres (and then back to Redis).
 * @throws AccountsUnavailable when Postgres is away too
 */
export async function readAccount(stores: AccountStores, userId: string): Promise<SnapshotRead> {
  const cached = await fromRedis(stores, userId)
  if (cached !== undefined) return { account: cached, source: 'redis' }
  const account = await loadAccount(stores.db, userId)
  await writeThrough(stores, userId, account)
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
    subscription: bestSubscription(row.subscriptions),
  }
}

/** Whether `keyId` is one of the account's keys, neither revoked nor expired. */
export function isKeyActive(account: AccountSnapshot, keyId: string, now: Date): boolean {
  return account.keys.some(
    ({ id, expiresAt }) => id === keyId && (expiresAt === null || expiresAt > now.getTime()),
  )
}

/** undefined: Redis has none, does not answer, or answers what is no snapshot. */
async function fromRedis(
  { redis, log }: AccountStores,
  userId: string,
): Promise<AccountSnapshot | null | undefined> {
  try {
    const text = await redis.evaluate(GET, [redisKey(userId)], [])
    if (typeof text !== 'string') return undefined
    if (text === UNKNOWN) return null
    const account = JSON.parse(text) as AccountSnapshot
    return account.userId === userId ? account : undefined
  } catch (error) {
    log('warn', 'account_snapshot_not_read', { user_id: userId, ...errorFields(error) })
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
