// What an isolate does in the background of its calls: see whether a Redis that failed is back, send what waits, and
// settle pools whose keeper has died.
import { errorFields } from '../log.ts'
import { refreshAccount } from './accounts.ts'
import { failed, isOpen, succeeded, trialIsDue } from './breaker.ts'
import { giveUp, isTooLate, sendOnce } from './exchange.ts'
import type { Stores } from './memory.ts'
import { isEmpty } from './pool.ts'
import { settleWaiting } from './pool-keeper.ts'

/** `waitUntil` lasts 30 s, and what is under way at its end is lost. */
const SENDING_MS = 10_000
const SENDING_AT_MOST_MS = 30_000
const SWEEP_MS = 10_000
const RATE_KEPT_MS = 60_000
/** A settlement that Redis refuses so often is none that it can take. */
const MOST_REFUSALS = 3

/** What is to be done now, begun, or null where there is nothing. Nobody's call waits for it. */
export function upkeep(stores: Stores, now: number): Promise<void> | null {
  const { memory } = stores
  if (now < memory.sendingUntil) return null
  if (isOpen(memory.redis)) return trialIsDue(memory.redis, now) ? recover(stores) : null
  if (now - memory.sweptAt >= SWEEP_MS) sweep(stores, now)
  return memory.outbox.size > 0 || memory.waiting.size > 0 ? sendWaiting(stores) : null
}

/** Pools whose rate is of no interest any more, and those whose keeper, some request, has ended before its time. */
function sweep({ memory }: Stores, now: number): void {
  memory.sweptAt = now
  for (const [userId, pool] of memory.pools) {
    if (isEmpty(pool)) {
      if (now - pool.renewedAt >= RATE_KEPT_MS) memory.pools.delete(userId)
    } else if (now >= pool.keptUntil && (pool.leases.length === 0 || now >= pool.expiresAt)) {
      memory.pools.delete(userId)
      memory.waiting.add(pool)
    }
  }
}

async function recover(stores: Stores): Promise<void> {
  const { memory, now } = stores
  try {
    await stores.redis.evaluate('return 1', [], [])
  } catch {
    return failed(memory.redis, now().getTime())
  }
  succeeded(memory.redis)
  stores.log('info', 'redis_is_back')
  await sendWaiting(stores)
}

async function sendWaiting(stores: Stores): Promise<void> {
  const { memory, now } = stores
  const begun = now().getTime()
  const mayGoOn = () => !isOpen(memory.redis) && now().getTime() - begun < SENDING_MS
  memory.sendingUntil = begun + SENDING_AT_MOST_MS
  const lentTo = new Set<string>()
  try {
    for (const pool of [...memory.waiting]) if (mayGoOn()) await settleWaiting(stores, pool)
    // A Set is walked to its end with what is added meanwhile.
    for (const unsent of memory.outbox) {
      if (!mayGoOn()) break
      if (isTooLate(unsent.sentAt, begun)) {
        giveUp(stores, unsent)
        continue
      }
      try {
        await sendOnce(stores, unsent)
        memory.outbox.delete(unsent)
        if (unsent.loan) lentTo.add(unsent.userId)
      } catch {
        unsent.refusals += 1
        if (unsent.refusals >= MOST_REFUSALS && !isOpen(memory.redis)) giveUp(stores, unsent)
      }
    }
    // A Redis that came back empty counts on from what Postgres has.
    for (const userId of lentTo) if (mayGoOn()) await refreshAccount(stores, userId)
  } catch (error) {
    stores.log('warn', 'account_snapshot_not_refreshed', errorFields(error))
  } finally {
    memory.sendingUntil = 0
  }
}
