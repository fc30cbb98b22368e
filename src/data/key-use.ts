// When keys were last used, to the minute. A call notes it in memory; what is noted goes to Redis in one request some
// time later, and to Postgres by the cron. No call waits for it, and what is lost is a minute of one key.
import { sql } from 'drizzle-orm'
import * as z from 'zod/mini'
import type { KeyIds } from '../api-key.ts'
import { errorFields } from '../log.ts'
import { failed, isOpen, succeeded } from './breaker.ts'
import { readList, takeOff } from './changed-list.ts'
import { MOST_ENTRIES, putBounded, type Stores } from './memory.ts'

/** Redis's: keys by the minute since 1970 of their last use. */
export const KEY_USE_KEY = 'tollgate:key-use:1'

const MINUTE_MS = 60_000
/** Others' uses of the same seconds go along. */
const SEND_AFTER_MS = 2_000
/** `waitUntil` lasts 30 s: whoever was to send by then has died. */
const SENDING_AT_MOST_MS = 30_000
/** Keys of one batch of the cron: one request to Redis, one statement. */
const BATCH = 500
/** A cron may run for minutes; what is left waits for the next. */
const MOST_BATCHES = 200

/** ARGV: key, minute, key, minute, … A use never goes back in time. */
const NOTE_SCRIPT = `
local held = redis.call('TYPE', KEYS[1]).ok
if held ~= 'none' and held ~= 'zset' then redis.call('DEL', KEYS[1]) end
for i = 1, #ARGV, 2 do
  local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or '')
  if not before or before < tonumber(ARGV[i + 1]) then redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i]) end
end
return 1`

/** The minutes of the keys in ARGV, '' where there is none. */
const READ_SCRIPT = `
local minutes = {}
local isList = redis.call('TYPE', KEYS[1]).ok == 'zset'
for i, id in ipairs(ARGV) do minutes[i] = isList and redis.call('ZSCORE', KEYS[1], id) or '' end
return minutes`

/**
 * Notes that the key is used now: nothing but a look into memory but for the first use of a minute. Gives what is then
 * to be done in the background, or null.
 */
export function noteKeyUse(stores: Stores, keyId: string, now: number): Promise<void> | null {
  const minute = Math.floor(now / MINUTE_MS)
  const { keyUses } = stores.memory
  if (keyUses.seen.get(keyId) === minute) return null
  putBounded(keyUses.seen, keyId, minute)
  putBounded(keyUses.unsent, keyId, minute)
  if (now < keyUses.sendingUntil) return null
  keyUses.sendingUntil = now + SENDING_AT_MOST_MS
  return sendSoon(stores)
}

/** Whoever rotates a secret learns here which keys are of the old: once an isolate, of paid calls and of others. */
export function notePreviousKey({ memory, log }: Stores, key: KeyIds): void {
  const { isPrevious, userId, keyId } = key
  if (!isPrevious || memory.previousKeys.has(keyId)) return
  putBounded(memory.previousKeys, keyId, true)
  log('info', 'api_key_of_previous_secret', { user_id: userId, key_id: keyId })
}

async function sendSoon(stores: Stores): Promise<void> {
  const { memory, now, redis } = stores
  const { keyUses } = memory
  await stores.pause(SEND_AFTER_MS)
  // From here on another use begins another sending.
  keyUses.sendingUntil = 0
  const sent = keyUses.unsent
  keyUses.unsent = new Map()
  try {
    if (isOpen(memory.redis)) return keep(stores, sent)
    const args = [...sent].flatMap(([keyId, minute]) => [keyId, String(minute)])
    await redis.evaluate(NOTE_SCRIPT, [KEY_USE_KEY], args)
    succeeded(memory.redis)
  } catch (error) {
    failed(memory.redis, now().getTime())
    keep(stores, sent)
    stores.log('warn', 'key_uses_not_noted', errorFields(error))
  }
}

/** For the next sending, that of the next minute. */
function keep({ memory }: Stores, sent: ReadonlyMap<string, number>): void {
  const { unsent } = memory.keyUses
  for (const [keyId, minute] of sent) {
    if (unsent.size < MOST_ENTRIES && !unsent.has(keyId)) unsent.set(keyId, minute)
  }
}

const minutes = z.array(z.string())

/**
 * The latest use of each of these keys that Postgres may not have yet, in milliseconds since 1970: Redis's and this
 * isolate's. Redis away: this isolate's.
 */
export async function latestUses(
  stores: Stores,
  keyIds: readonly string[],
): Promise<Map<string, number>> {
  const { memory, redis, now } = stores
  const latest = new Map<string, number>()
  const take = (keyId: string, minute: number) => {
    if (!Number.isSafeInteger(minute) || minute <= 0) return
    latest.set(keyId, Math.max(latest.get(keyId) ?? 0, minute * MINUTE_MS))
  }
  for (const keyId of keyIds) take(keyId, memory.keyUses.seen.get(keyId) ?? 0)
  if (keyIds.length === 0 || isOpen(memory.redis)) return latest
  try {
    const noted = minutes.parse(await redis.evaluate(READ_SCRIPT, [KEY_USE_KEY], keyIds))
    succeeded(memory.redis)
    keyIds.forEach((keyId, i) => {
      take(keyId, Number(noted[i] || 0))
    })
  } catch (error) {
    failed(memory.redis, now().getTime())
    stores.log('warn', 'key_uses_not_read', errorFields(error))
  }
  return latest
}

/**
 * The cron's part: writes what Redis noted to Postgres, and takes it off Redis's list. Idempotent: a use in Postgres
 * never goes back in time. Returns how many keys were written.
 * @throws Redis's and the database's errors; what was not written stays on the list
 */
export async function flushKeyUses(stores: Stores): Promise<number> {
  let written = 0
  for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
    const entries = await readList(stores.redis, KEY_USE_KEY, BATCH)
    if (entries.length === 0) return written
    const waiting = await write(stores, entries)
    const done = entries.filter((_, i) => !waiting.has(entries[i - (i % 2)] ?? ''))
    const removed = await takeOff(stores.redis, KEY_USE_KEY, done)
    written += done.length / 2
    // All of them have been used again, or are being changed: they are the next run's.
    if (removed === 0) return written
  }
  return written
}

/**
 * One statement. Keys that are gone are passed over, and what is no minute of ours. It waits for nobody who holds a
 * key's row: a deletion of accounts takes them in an order of its own, and each would wait for the other. Gives the
 * keys that somebody held.
 */
async function write({ db, now }: Stores, entries: readonly string[]): Promise<Set<string>> {
  const latest = now().getTime() / MINUTE_MS + 60
  const rows = entries.flatMap((id, i) => {
    const minute = Number(entries[i + 1])
    if (i % 2 === 1 || !Number.isInteger(minute) || minute <= 0 || minute > latest) return []
    return [{ id, used_at: new Date(minute * MINUTE_MS).toISOString() }]
  })
  const { rows: waiting } = await db.execute<{ id: string }>(sql`
    with used as (
      select k.id, r.used_at
      from json_to_recordset(${JSON.stringify(rows)}::json) as r(id text, used_at timestamptz)
      join api_keys k on k.id = r.id and (k.last_used_at is null or k.last_used_at < r.used_at)
    ),
    held as (
      select id from api_keys where id in (select id from used) order by id for update skip locked
    ),
    written as (
      update api_keys k set last_used_at = used.used_at from used, held
      where k.id = used.id and k.id = held.id
        and (k.last_used_at is null or k.last_used_at < used.used_at)
    )
    select id from used where id not in (select id from held)`)
  return new Set(waiting.map(({ id }) => id))
}
