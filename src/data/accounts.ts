// Where account snapshots are kept: in this isolate, in Redis, in Postgres. Sole owner of their keys, versions and
// TTLs. An older snapshot never replaces a newer one.
import { errorFields } from '../log.ts'
import {
  type AccountSnapshot,
  parseSnapshot,
  type SnapshotRow,
  snapshotQuery,
  toSnapshot,
  toUsed,
  type UsedByWindow,
} from './account-snapshot.ts'
import { failed, isOpen, succeeded, trialIsDue } from './breaker.ts'
import { type Database, databaseFault } from './db.ts'
import { grantArguments } from './grant.ts'
import { type KnownAccount, putBounded, type Stores } from './memory.ts'
import type { Units } from './units.ts'

/** Neither Redis nor Postgres could answer. */
export class AccountsUnavailable extends Error {
  override name = 'AccountsUnavailable'
}

// A failed write-through is repaired by the next writer or, at the latest, after this time.
const TTL_MS = 60_000
const UNKNOWN_TTL_MS = 10_000
export const UNKNOWN = 'unknown'
/** Of an account that is gone, above any that one reaches: ids are never used again, and older is refused. */
export const LAST_VERSION = Number.MAX_SAFE_INTEGER
const COUNTS_KEPT_MS = 40 * 86_400_000
/** Longer than any request lasts that may have read the account before it was gone. */
export const GONE_KEPT_MS = 15 * 60_000

/**
 * KEYS: the account's snapshot, its counts, the accounts that changed. Stores the snapshot unless a newer one stands
 * there: a slow reader never brings back what a writer took away. `garbage` is a text that was found to be none.
 * Begins the counts of the window with what Postgres had, once.
 */
const PUT_SCRIPT = `
local account, usage, changed = KEYS[1], KEYS[2], KEYS[3]
local version, snapshot, ttl, grant = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local w, w_end, quota_calls, quota_reactions, calls, reactions = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local user, garbage = ARGV[11], ARGV[12]
local function heal(key, wanted)
  local held = redis.call('TYPE', key).ok
  if held ~= 'none' and held ~= wanted then redis.call('DEL', key) end
end
heal(account, 'hash') heal(usage, 'hash') heal(changed, 'zset')
-- Beside the counts it outlives the snapshot: one that has expired is not replaced by an older one either.
local held = tonumber(redis.call('HGET', usage, 'version') or '')
-- Who is asked for again after a deletion is still gone; who was never there may yet come.
if snapshot == '${UNKNOWN}' and held == ${LAST_VERSION} then version = '${LAST_VERSION}' end
if held and held > tonumber(version) and redis.call('HGET', account, 'snapshot') ~= garbage then return 0 end
redis.call('HSET', account, 'version', version, 'snapshot', snapshot, 'grant', grant)
redis.call('HSET', usage, 'version', version)
redis.call('PEXPIRE', usage, snapshot == '${UNKNOWN}' and ${GONE_KEPT_MS} or ${COUNTS_KEPT_MS})
redis.call('PEXPIRE', account, ttl)
if w ~= '' then
  redis.call('HSET', usage, w .. ':end', w_end, w .. ':quota_calls', quota_calls, w .. ':quota_reactions', quota_reactions)
  if calls ~= '' and redis.call('HSETNX', usage, w .. ':seeded', '1') == 1 then
    local before = (tonumber(redis.call('HGET', usage, w .. ':calls') or '') or 0) + (tonumber(redis.call('HGET', usage, w .. ':reactions') or '') or 0)
    redis.call('HINCRBY', usage, w .. ':calls', calls)
    redis.call('HINCRBY', usage, w .. ':reactions', reactions)
    if before > 0 then redis.call('ZADD', changed, ARGV[13], user) end
  end
end
return 1`

/** Accounts whose counts have changed since they were written to Postgres, by the time of the change. */
export const CHANGED_KEY = 'tollgate:changed:2'

/** Redis's keys of an account. The number is the form's: what another release wrote is not read. */
export function accountKeys(userId: string) {
  return {
    snapshot: `tollgate:account:3:${userId}`,
    usage: `tollgate:usage:2:${userId}`,
    leases: `tollgate:leases:2:${userId}`,
  }
}

/** The snapshot that this isolate may answer by, without asking anybody. */
export function recall({ memory }: Stores, userId: string, now: number): KnownAccount | undefined {
  const known = memory.accounts.get(userId)
  return known !== undefined && now < known.freshUntil ? known : undefined
}

/** The snapshot of somebody who is to be served while nobody can be asked, or undefined where it is too old. */
export function recallStale(stores: Stores, userId: string, now: number): KnownAccount | undefined {
  const known = stores.memory.accounts.get(userId)
  const { staleSeconds } = stores.config
  return known !== undefined && now - known.seenAt < staleSeconds * 1000 ? known : undefined
}

/** What Redis said of the account: kept in memory, parsed only where it is new. Undefined: no snapshot of ours. */
export function takeNote(
  stores: Stores,
  userId: string,
  text: string,
  askedAt: number,
): AccountSnapshot | null | undefined {
  // Not even where memory's own came from Postgres and has no text: nothing confirms nothing.
  if (text === '') return undefined
  if (text === UNKNOWN) return remember(stores, userId, null, { text, askedAt })
  const known = stores.memory.accounts.get(userId)
  const account = known?.text === text ? known.account : parseSnapshot(text)
  if (account?.userId === userId) return remember(stores, userId, account, { text, askedAt })
  stores.log('error', 'account_snapshot_malformed', { user_id: userId })
  return undefined
}

/** What Postgres had of an account, and when it was asked: milliseconds since 1970. */
export interface ReadAccount {
  account: AccountSnapshot | null
  used: UsedByWindow
  askedAt: number
}

/**
 * The snapshot from Postgres, one statement and so one state, and what is used of its windows there. Remembered.
 * @throws AccountsUnavailable
 */
export async function readFromPostgres(stores: Stores, userId: string): Promise<ReadAccount> {
  const { memory, now } = stores
  const askedAt = now().getTime()
  if (isOpen(memory.database) && !trialIsDue(memory.database, askedAt)) {
    throw new AccountsUnavailable('postgres')
  }
  try {
    const row = await readRow(stores.db, userId)
    succeeded(memory.database)
    const account = row ? toSnapshot(row) : null
    const used = row ? toUsed(row) : NOTHING_USED
    remember(stores, userId, account, { used, askedAt })
    return { account, used, askedAt }
  } catch (error) {
    if (error instanceof AccountsUnavailable) failed(memory.database, now().getTime())
    throw error
  }
}

const NOTHING_USED: UsedByWindow = new Map()

/**
 * The snapshot from Postgres, for a call that shows or changes the account.
 * @throws AccountsUnavailable
 */
export async function loadAccount(db: Database, userId: string): Promise<AccountSnapshot | null> {
  const row = await readRow(db, userId)
  return row ? toSnapshot(row) : null
}

export async function readRow(db: Database, userId: string): Promise<SnapshotRow | undefined> {
  try {
    return (await db.execute<SnapshotRow>(snapshotQuery(userId))).rows[0]
  } catch (error) {
    if (databaseFault(error)?.unavailable)
      throw new AccountsUnavailable('postgres', { cause: error })
    throw error
  }
}

/** Writes the present snapshot to memory and Redis, and tells whether Redis has it. @throws AccountsUnavailable */
export async function refreshAccount(stores: Stores, userId: string): Promise<boolean> {
  const { account, used, askedAt } = await readFromPostgres(stores, userId)
  return writeThrough(stores, userId, account, used, { askedAt })
}

/**
 * Writes `account` (null: unknown user) to this isolate's memory and to Redis under its version. A Redis that fails
 * is logged and told by `false`: the TTL repairs it. `used` is what Postgres has of its windows, where that is known;
 * `askedAt` when Postgres was asked, if that is not now: memory answers by what is old for no longer than by what is
 * new; `garbage` what Redis has in the snapshot's place.
 */
export async function writeThrough(
  stores: Stores,
  userId: string,
  account: AccountSnapshot | null,
  used: UsedByWindow | null = null,
  { askedAt, garbage = '' }: { askedAt?: number; garbage?: string } = {},
): Promise<boolean> {
  const at = stores.now().getTime()
  remember(stores, userId, account, { askedAt: askedAt ?? at, ...(used && { used }) })
  const keys = accountKeys(userId)
  const args = [
    String(account?.version ?? 0),
    account === null ? UNKNOWN : JSON.stringify(account),
    String(account === null ? UNKNOWN_TTL_MS : TTL_MS),
    ...grantArguments(stores, account, used),
    userId,
    garbage,
    String(at),
  ]
  try {
    await stores.redis.evaluate(PUT_SCRIPT, [keys.snapshot, keys.usage, CHANGED_KEY], args)
    return true
  } catch (error) {
    stores.log('error', 'account_snapshot_not_cached', { user_id: userId, ...errorFields(error) })
    return false
  }
}

/**
 * Keeps `account`, as it was when somebody was asked for it, unless a newer one is known, and gives back the one that
 * is kept. That a user does not exist (any more) has no version and is believed.
 */
function remember(
  { memory, config }: Stores,
  userId: string,
  account: AccountSnapshot | null,
  { text = '', askedAt, used }: { text?: string; askedAt: number; used?: UsedByWindow },
): AccountSnapshot | null {
  const known = memory.accounts.get(userId)
  if (account && known?.account && known.account.version > account.version) return known.account
  putBounded(memory.accounts, userId, {
    account,
    text,
    seenAt: askedAt,
    freshUntil: askedAt + config.memorySeconds * 1000,
    used: new Map([...(known?.used ?? []), ...(used ?? [])].slice(-MOST_WINDOWS)),
  })
  return account
}

const MOST_WINDOWS = 6

/** Keeps what Redis says was settled in a window: the last that is known when it is away. */
export function noteUse(
  { memory }: Pick<Stores, 'memory'>,
  userId: string,
  { windowStart, used }: { windowStart: number; used: Units },
): void {
  if (windowStart > 0) memory.accounts.get(userId)?.used.set(windowStart, used)
}
