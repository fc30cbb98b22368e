// An account that is gone, as Redis and this isolate see it: its keys open nothing, and no slow reader brings it back.
import { errorFields } from '../log.ts'
import {
  accountKeys,
  CHANGED_KEY,
  GONE_KEPT_MS,
  LAST_VERSION,
  takeNote,
  UNKNOWN,
} from './accounts.ts'
import type { Stores } from './memory.ts'

/** KEYS: the account's snapshot, its counts, its leases, the accounts that changed. */
const FORGET_SCRIPT = `
local account, usage, leases, changed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
redis.call('DEL', account, usage, leases)
if redis.call('TYPE', changed).ok == 'zset' then redis.call('ZREM', changed, ARGV[1]) end
redis.call('HSET', account, 'version', ARGV[2], 'snapshot', '${UNKNOWN}', 'grant', '')
redis.call('HSET', usage, 'version', ARGV[2])
redis.call('PEXPIRE', account, ${GONE_KEPT_MS})
redis.call('PEXPIRE', usage, ${GONE_KEPT_MS})
return 1`

const PAUSE_MS = 500
/** `waitUntil` lasts 30 s. After that the snapshot that Redis still has ends by itself, within a minute of its making. */
const MOST_TRIES = 20

/**
 * Takes a deleted account out of Redis and this isolate's memory, after its rows are gone. Where Redis does not hear of
 * it, it is told again in the background.
 */
export async function forgetAccount(
  stores: Stores,
  userId: string,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<void> {
  takeNote(stores, userId, UNKNOWN, stores.now().getTime())
  if (!(await tellRedis(stores, userId))) waitUntil(tellAgain(stores, userId))
}

async function tellRedis(stores: Stores, userId: string): Promise<boolean> {
  const { snapshot, usage, leases } = accountKeys(userId)
  const args = [userId, String(LAST_VERSION)]
  try {
    await stores.redis.evaluate(FORGET_SCRIPT, [snapshot, usage, leases, CHANGED_KEY], args)
    return true
  } catch (error) {
    stores.log('error', 'account_not_forgotten', { user_id: userId, ...errorFields(error) })
    return false
  }
}

async function tellAgain(stores: Stores, userId: string): Promise<void> {
  for (let i = 0; i < MOST_TRIES; i += 1) {
    await stores.pause(PAUSE_MS)
    if (await tellRedis(stores, userId)) return
  }
}
