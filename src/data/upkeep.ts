// What an isolate does in the background of its calls after Redis has failed: see whether it is back, and send what waits.
import { errorFields } from '../log.ts'
import { refreshAccount } from './accounts.ts'
import { failed, isOpen, succeeded, trialIsDue } from './breaker.ts'
import { sendOnce } from './exchange.ts'
import type { Stores } from './memory.ts'
import { settleWaiting } from './pool.ts'

/** `waitUntil` lasts 30 s. */
const SENDING_MS = 20_000

/** What is to be done now, begun, or null where there is nothing. Nobody's call waits for it. */
export function upkeep(stores: Stores): Promise<void> | null {
  const { memory, now } = stores
  if (isOpen(memory.redis)) {
    return trialIsDue(memory.redis, now().getTime()) ? recover(stores) : null
  }
  const waits = memory.outbox.length > 0 || memory.waiting.size > 0
  return waits && !memory.sending ? sendWaiting(stores) : null
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
  const ends = now().getTime() + SENDING_MS
  const lentTo = new Set<string>()
  memory.sending = true
  try {
    for (const pool of [...memory.waiting]) await settleWaiting(stores, pool)
    for (let next = memory.outbox[0]; next && now().getTime() < ends; next = memory.outbox[0]) {
      await sendOnce(stores, next)
      memory.outbox.shift()
      if (next.loan) lentTo.add(next.userId)
    }
    // A Redis that came back empty counts on from what Postgres has.
    for (const userId of lentTo) await refreshAccount(stores, userId)
  } catch (error) {
    // The breaker has heard of it; the rest goes when Redis is back.
    stores.log('warn', 'usage_settlement_waits', errorFields(error))
  } finally {
    memory.sending = false
  }
}
