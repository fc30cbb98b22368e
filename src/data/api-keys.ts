// API keys' rows: which of them are active, and how one is added. Shared by sign-up, login and the calls that manage
// keys.
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { KeyMode } from '../api-key.ts'
import type { RandomBytes } from '../crypto.ts'
import { at, audited, changeKeys, raised, type WaitUntil } from './key-change.ts'
import type { Stores } from './memory.ts'
import { apiKeys } from './schema.ts'

/** Keys that an account may have active at once. */
export const MOST_KEYS = 20
/** One place is kept for a live key: a login shows one, and makes it where there is none. */
export const MOST_TEST_KEYS = MOST_KEYS - 1
/** Keys that an account may make in 24 hours: a loop of creating and revoking ends. */
export const MOST_NEW_KEYS = 100

const DAY_MS = 86_400_000
/** Rows of keys that ended are of no use after this time; the audit log keeps what happened. */
const KEPT_DAYS = 90
const KEY_ID_BYTES = 8

/** A key that is to be made. */
export interface NewKey {
  id: string
  name: string
  mode: KeyMode
  expiresAt: Date | null
}

/**
 * Why a key was not added: `gone`, the account, or the key that it was to replace, is no more; `ended`, the caller's key
 * or token; `outlives`, it would not end with the key that it is asked for with, or before.
 */
export type NotAdded =
  | 'too_many'
  | 'too_many_tests'
  | 'too_many_new'
  | 'gone'
  | 'ended'
  | 'outlives'

/** Who changes keys: by a key, or by a token of this epoch of sessions. */
export interface KeyChanger {
  keyId: string | null
  epoch: number
}

export function newKeyId(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(KEY_ID_BYTES)).toString('hex')
}

/** Of a row of api_keys: neither revoked nor expired at `now`. */
export function isActive(now: Date): SQL {
  return sql`(revoked_at is null and (expires_at is null or expires_at > ${at(now)}))`
}

/**
 * Whether the caller may still change the account's keys. The guard has looked, but before the account's row was held:
 * whoever is being locked out must not slip a key in meanwhile.
 */
export function mayStill(userId: string, { keyId, epoch }: KeyChanger, now: Date): SQL {
  return keyId === null
    ? sql`exists (select 1 from users where id = ${userId} and session_epoch = ${epoch})`
    : sql`exists (select 1 from api_keys where id = ${keyId} and user_id = ${userId} and ${isActive(now)})`
}

/** The live key that login shows: see `lastingLiveKey`; made where there is none. */
export async function firstLiveKey(stores: Stores, userId: string): Promise<string> {
  const found = await lastingLiveKey(stores, userId)
  if (found) return found
  const now = stores.now()
  const key: NewKey = {
    id: newKeyId(stores.randomBytes),
    name: 'default',
    mode: 'live',
    expiresAt: null,
  }
  // Two logins at once make one. There is always room: the others' limits see to it.
  const isNeeded = sql`not exists (
    select 1 from api_keys where user_id = ${userId} and mode = 'live' and ${isActive(now)})`
  const added = sql`
    with made as (${insertion(userId, key, now, isNeeded)}),
    ${raised(userId, 'made')},
    ${audited(userId, now, 'key.created', { key_id: key.id, mode: key.mode, by: 'login' }, 'made')}
    select 1`
  await changeKeys(stores, userId, added)
  return (await lastingLiveKey(stores, userId)) ?? key.id
}

/** The oldest active one that does not end, else the one that ends last: not the one that a rotation has ended. */
async function lastingLiveKey({ db, now }: Stores, userId: string): Promise<string | undefined> {
  const [key] = await db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, userId), eq(apiKeys.mode, 'live'), isActive(now())))
    .orderBy(sql`${apiKeys.expiresAt} desc nulls first`, asc(apiKeys.createdAt), asc(apiKeys.id))
    .limit(1)
  return key?.id
}

/**
 * Adds a key within the limits. `replaced` ends then: at once (it makes room), or at `endsAt` if it does not end
 * before. `audit` is what the log says beside the key's id.
 */
export async function addKey(
  stores: Stores,
  userId: string,
  key: NewKey,
  {
    action,
    audit,
    by,
    replaced,
    waitUntil,
  }: {
    action: 'key.created' | 'key.rotated'
    audit: Record<string, unknown>
    by: KeyChanger
    replaced?: { id: string; endsAt: Date | null }
    waitUntil: WaitUntil
  },
): Promise<'added' | NotAdded> {
  const now = stores.now()
  const leaves = replaced?.endsAt === null ? replaced.id : ''
  const counted = sql`${isActive(now)} and id <> ${leaves}`
  const isThere = replaced
    ? sql`exists (select 1 from api_keys where id = ${replaced.id} and user_id = ${userId} and ${isActive(now)})`
    : sql`true`
  // Who has one of the keys must not use up the number that their owner needs to replace them.
  const most = by.keyId === null && leaves ? 2 * MOST_NEW_KEYS : MOST_NEW_KEYS
  const end = replaced?.endsAt
    ? sql`expires_at = least(expires_at, ${at(replaced.endsAt)})`
    : sql`revoked_at = ${at(now)}`
  const row = await changeKeys<{
    active: number
    tests: number
    fresh: number
    added: boolean
    there: boolean
    may: boolean
    within: boolean
  }>(
    stores,
    userId,
    sql`
    with held as (
      select (count(*) filter (where ${counted}))::int as active,
        (count(*) filter (where ${counted} and mode = 'test'))::int as tests,
        (count(*) filter (where created_at > ${at(new Date(now.getTime() - DAY_MS))}))::int as fresh,
        ${isThere} as there, ${mayStill(userId, by, now)} as may,
        ${endsWithin(by, key)} as within
      from api_keys where user_id = ${userId}
    ),
    made as (${insertion(
      userId,
      key,
      now,
      sql`(select may and within and there and active < ${MOST_KEYS} and (${key.mode} <> 'test' or tests < ${MOST_TEST_KEYS})
        and fresh < ${most} from held)`,
    )}),
    ended as (
      update api_keys set ${end} where id = ${replaced?.id ?? ''} and user_id = ${userId} and exists (select 1 from made)
    ),
    forgotten as (
      delete from api_keys where user_id = ${userId}
        and least(revoked_at, expires_at) < ${at(new Date(now.getTime() - KEPT_DAYS * DAY_MS))}
    ),
    ${raised(userId, 'made')},
    ${audited(userId, now, action, { ...audit, by: by.keyId ?? 'token', mode: key.mode }, 'made')}
    select held.*, exists (select 1 from made) as added from held`,
    waitUntil,
  )
  if (row?.added) return 'added'
  if (row && !row.may) return 'ended'
  if (row && !row.within) return 'outlives'
  if (!row?.there) return 'gone'
  if (row.fresh >= most) return 'too_many_new'
  return row.active < MOST_KEYS
    ? row.tests < MOST_TEST_KEYS
      ? 'gone'
      : 'too_many_tests'
    : 'too_many'
}

/** Whether the key ends no later than the one that asks for it, as that stands now: a rotation may just have ended it. */
function endsWithin({ keyId }: KeyChanger, { expiresAt }: NewKey): SQL {
  if (keyId === null) return sql`true`
  return sql`exists (
    select 1 from api_keys where id = ${keyId} and (expires_at is null or expires_at >= ${at(expiresAt)}))`
}

/** The part of a statement that adds the key where `condition` holds. */
function insertion(userId: string, key: NewKey, now: Date, condition: SQL): SQL {
  const { id, name, mode, expiresAt } = key
  return sql`
    insert into api_keys (id, user_id, name, mode, created_at, expires_at)
    select ${id}, u.id, ${name}, ${mode}, ${at(now)}, ${at(expiresAt)} from users u
    where u.id = ${userId} and ${condition}
    returning id`
}
