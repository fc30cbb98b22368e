// What an account does with its keys: list, create, rename, revoke, rotate. Knows no HTTP.
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import { KEY_PREFIXES, type KeyMode, mintApiKey } from '../api-key.ts'
import type { Deps } from '../context.ts'
import {
  addKey,
  isActive,
  type KeyChanger,
  mayStill,
  type NewKey,
  type NotAdded,
  newKeyId,
} from '../data/api-keys.ts'
import { at, audited, changeKeys, raised, type WaitUntil } from '../data/key-change.ts'
import { latestUses } from '../data/key-use.ts'
import { apiKeys, auditLog } from '../data/schema.ts'

/** How long an expired key stays in the list. */
const SHOWN_DAYS = 7
const DAY_MS = 86_400_000

/** Who manages the account's keys. */
export interface Manager extends KeyChanger {
  userId: string
  waitUntil: WaitUntil
}

/** A key as the list shows it, never with the key itself. Instants in ISO 8601. */
export interface KeyView {
  id: string
  name: string
  mode: KeyMode
  prefix: string
  last_four: string
  /** Of the forms that it had under secrets that are being rotated out. */
  former_last_four: string[]
  created_at: string
  /** To the minute. */
  last_used_at: string | null
  expires_at: string | null
}

/** A new key: here it is shown. */
export type NewKeyView = KeyView & { key: string }

/** `successor_outlives`: the new key of a rotation would not end with, or before, the one that it is asked for with. */
export type NotMade = NotAdded | 'successor_outlives'

type Row = typeof apiKeys.$inferSelect

/** The keys that are active or have expired a few days ago, the oldest first. */
export async function listKeys(deps: Deps, userId: string): Promise<KeyView[]> {
  return views(deps, userId, await shownKeys(deps, userId))
}

/** One of those that the list shows, or null. */
export async function readKey(deps: Deps, userId: string, id: string): Promise<KeyView | null> {
  const [view = null] = await views(deps, userId, await shownKeys(deps, userId, eq(apiKeys.id, id)))
  return view
}

export async function createKey(
  deps: Deps,
  { userId, waitUntil, ...by }: Manager,
  { name, mode, expiresAt }: Omit<NewKey, 'id'>,
): Promise<NewKeyView | NotAdded> {
  const key: NewKey = { id: newKeyId(deps.randomBytes), name, mode, expiresAt }
  const audit = { key_id: key.id }
  const outcome = await addKey(deps, userId, key, { action: 'key.created', audit, by, waitUntil })
  return outcome === 'added' ? newView(deps, userId, key) : outcome
}

/** Null where the list has no such key. */
export async function renameKey(
  deps: Deps,
  { userId, ...by }: Manager,
  id: string,
  name: string,
): Promise<KeyView | 'ended' | null> {
  const now = deps.now()
  const detail = { key_id: id, by: by.keyId ?? 'token' }
  const may = mayStill(userId, by, now)
  const { rows } = await deps.db.execute<{ may: boolean }>(sql`
    with renamed as (
      update api_keys set name = ${name}
      where id = ${id} and user_id = ${userId} and name <> ${name} and ${isShown(now)} and ${may}
      returning id
    ),
    ${audited(userId, now, 'key.renamed', detail, 'renamed')}
    select ${may} as may`)
  if (!rows[0]?.may) return 'ended'
  return readKey(deps, userId, id)
}

/** `gone` where the account never had such a key; that it was revoked before changes nothing. */
export async function revokeKey(
  deps: Deps,
  { userId, waitUntil, ...by }: Manager,
  id: string,
): Promise<'revoked' | 'gone' | 'ended'> {
  const now = deps.now()
  const detail = { key_id: id, by: by.keyId ?? 'token' }
  const may = mayStill(userId, by, now)
  const row = await changeKeys<{ found: boolean; may: boolean }>(
    deps,
    userId,
    sql`
    with revoked as (
      update api_keys set revoked_at = ${at(now)}
      where id = ${id} and user_id = ${userId} and revoked_at is null and ${may}
      returning id
    ),
    ${raised(userId, 'revoked')},
    ${audited(userId, now, 'key.revoked', detail, 'revoked')}
    select exists (select 1 from api_keys where id = ${id} and user_id = ${userId}) as found,
      ${may} as may`,
    waitUntil,
  )
  if (row && !row.may) return 'ended'
  return row?.found ? 'revoked' : 'gone'
}

/** A new key in the place of `id`, which goes on for `graceSeconds` more at most; 0 revokes it. */
export async function rotateKey(
  deps: Deps,
  { userId, waitUntil, ...by }: Manager,
  id: string,
  graceSeconds: number,
): Promise<NewKeyView | NotMade> {
  const now = deps.now()
  const [old] = await deps.db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), eq(apiKeys.userId, userId), isActive(now)))
  if (!old) return 'gone'
  const ownEnd = await endBeforeRotation(deps, userId, old)
  const { name, mode } = old
  const key: NewKey = { id: newKeyId(deps.randomBytes), name, mode, expiresAt: ownEnd }
  const endsAt = graceSeconds > 0 ? new Date(now.getTime() + graceSeconds * 1000) : null
  const audit = {
    key_id: id,
    successor: key.id,
    expires_at: ownEnd?.toISOString() ?? null,
  }
  const outcome = await addKey(deps, userId, key, {
    action: 'key.rotated',
    audit,
    by,
    replaced: { id, endsAt },
    waitUntil,
  })
  if (outcome === 'outlives') return 'successor_outlives'
  return outcome === 'added' ? newView(deps, userId, key) : outcome
}

/**
 * When `key` would end if it had not been rotated before: whoever rotates it again, because the first answer was lost,
 * gets no successor that ends with the grace.
 */
async function endBeforeRotation({ db }: Deps, userId: string, key: Row): Promise<Date | null> {
  const [first] = await db
    .select({ detail: auditLog.detail })
    .from(auditLog)
    .where(
      and(
        eq(auditLog.userId, userId),
        eq(auditLog.action, 'key.rotated'),
        sql`${auditLog.detail}->>'key_id' = ${key.id}`,
      ),
    )
    .orderBy(asc(auditLog.id))
    .limit(1)
  if (!first) return key.expiresAt
  const { expires_at: end } = first.detail
  return typeof end === 'string' ? new Date(end) : null
}

/** Of a row: in the list, as it is active or has expired a few days ago. */
function isShown(now: Date): SQL {
  const since = new Date(now.getTime() - SHOWN_DAYS * DAY_MS)
  return sql`revoked_at is null and (expires_at is null or expires_at > ${at(since)})`
}

function shownKeys({ db, now }: Deps, userId: string, condition?: SQL): Promise<Row[]> {
  return db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, userId), isShown(now()), condition))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id))
}

async function views(deps: Deps, userId: string, rows: readonly Row[]): Promise<KeyView[]> {
  const used = await latestUses(
    deps,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => {
    const lastUsedAt = Math.max(row.lastUsedAt?.getTime() ?? 0, used.get(row.id) ?? 0)
    return view(deps, userId, row, lastUsedAt === 0 ? null : new Date(lastUsedAt))
  })
}

function newView(deps: Deps, userId: string, key: NewKey): NewKeyView {
  const text = mintApiKey(deps.config.apiKeySecrets, { userId, keyId: key.id, mode: key.mode })
  return { key: text, ...view(deps, userId, { ...key, createdAt: deps.now() }, null) }
}

function view(
  { config }: Deps,
  userId: string,
  { id, name, mode, createdAt, expiresAt }: NewKey & Pick<Row, 'createdAt'>,
  lastUsedAt: Date | null,
): KeyView {
  const [lastFour = '', ...former] = config.apiKeySecrets.map((secret) =>
    mintApiKey([secret], { userId, keyId: id, mode }).slice(-4),
  )
  return {
    id,
    name,
    mode,
    prefix: KEY_PREFIXES[mode],
    last_four: lastFour,
    former_last_four: former,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
    expires_at: expiresAt?.toISOString() ?? null,
  }
}
