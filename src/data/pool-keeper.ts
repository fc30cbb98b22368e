// Keeps pools in the background of their calls: settles and renews them while calls come, and gives their units back
// about a second after the last.
import { uuid } from '../crypto.ts'
import { errorFields } from '../log.ts'
import { noteUse, refreshAccount, takeNote } from './accounts.ts'
import { isOpen } from './breaker.ts'
import { exchange, isTooLate, READ, tellLost } from './exchange.ts'
import type { Settlement, Take } from './lease-script.ts'
import { MOST_ENTRIES, type Pool, type Stores } from './memory.ts'
import { FIRST_UNITS, isEmpty, isRenewing, measure, POOL_LEASE_MS } from './pool.ts'

const TICK_MS = 500
/** Units go back when for so many ticks no call has come: about a second after the last. */
const IDLE_TICKS = 2
/** Calls of a shorter time than this say nothing of a rate. */
const LEAST_MS = 100
/** A busy pool that is not low is settled this often: what others see of its calls, and it of the account, is so old. */
const SETTLE_MS = 2_000
/** A request keeps a pool for this long; `waitUntil` lasts 30 s. Then another call takes over. */
const KEEPING_MS = 12_000

/** What must be done in the background for a pool that a call was let in by, or null. */
export function tend(stores: Stores, pool: Pool): Promise<void> | null {
  const now = stores.now().getTime()
  if (now >= pool.keptUntil) return keep(stores, pool, now)
  return pool.size > 1 && isLow(pool) && !isRenewing(pool, now)
    ? renew(stores, pool, 'go on')
    : null
}

/** Whether less than a quarter of what was leased is left: at the rate that it was taken for, half a second's worth. */
function isLow({ size, spent, inUse }: Pool): boolean {
  return 4 * (size - spent - inUse) < size
}

/** Often enough that the account is still known when the next call comes. */
function settleAfterMs({ config }: Stores): number {
  return Math.min(SETTLE_MS, config.memorySeconds * 500)
}

/** While calls come, settles and renews; then gives back, and ends. Runs in some request's `waitUntil`. */
async function keep(stores: Stores, pool: Pool, now: number): Promise<void> {
  const ends = now + KEEPING_MS
  // Where the platform ends this request earlier, another one takes over a little later.
  pool.keptUntil = ends + 2 * TICK_MS
  let idleTicks = 0
  while (stores.now().getTime() < ends) {
    idleTicks = (await isBusy(stores, pool)) ? 0 : idleTicks + 1
    if (idleTicks === IDLE_TICKS) {
      pool.keptUntil = 0
      return renew(stores, pool, 'give back')
    }
    const at = stores.now().getTime()
    if (idleTicks === 0 && (isLow(pool) || at - pool.renewedAt >= settleAfterMs(stores))) {
      await renew(stores, pool, 'go on')
    }
  }
  // The next call takes over; where none comes, this request ends it.
  pool.keptUntil = 0
  if (!(await isBusy(stores, pool)) && pool.keptUntil === 0) await renew(stores, pool, 'give back')
}

/** Whether calls are let in within a tick from now, or a call's renewal is still under way then. */
async function isBusy(stores: Stores, pool: Pool): Promise<boolean> {
  pool.seen = pool.admitted
  pool.seenAt = stores.now().getTime()
  await stores.pause(TICK_MS)
  pool.awaited = 0
  const calls = pool.admitted - pool.seen
  // A pause is no reason to begin with little when it is over.
  if (calls > 0) pool.rate = (calls * 1_000) / TICK_MS
  return calls > 0 || isRenewing(pool, stores.now().getTime())
}

/** Calls a second, also where they have only begun to come. */
function presentRate({ rate, admitted, seen, seenAt }: Pool, now: number): number {
  return Math.max(rate, ((admitted - seen) * 1_000) / Math.max(LEAST_MS, now - seenAt))
}

/**
 * Settles what was spent. `go on`: and keeps what is left, with more for about two seconds' calls; `give back`: and
 * keeps only what is in use. Where Redis does not answer, the same is sent again next time, and counts once.
 */
async function renew(stores: Stores, pool: Pool, how: 'go on' | 'give back'): Promise<void> {
  if (isRenewing(pool, stores.now().getTime())) return
  if (isOpen(stores.memory.redis)) {
    stores.memory.waiting.add(pool)
    return
  }
  pool.renewingSince = stores.now().getTime()
  try {
    if (pool.unanswered) await sendRenewal(stores, pool)
    if (how === 'go on' || pool.leases.length > 0 || pool.spent > 0) {
      pool.unanswered = nextRenewal(stores, pool, how)
      await sendRenewal(stores, pool)
    }
    forgetIfEmpty(stores, pool)
  } catch (error) {
    stores.log('warn', 'usage_not_settled', { user_id: pool.userId, ...errorFields(error) })
    stores.memory.waiting.add(pool)
  } finally {
    pool.renewingSince = 0
    for (const goOn of pool.waiting.splice(0)) goOn()
  }
}

/** Sends again what was not answered, and settles. Where Redis does not answer the pool waits again. */
export async function settleWaiting(stores: Stores, pool: Pool): Promise<void> {
  stores.memory.waiting.delete(pool)
  const isKept = stores.now().getTime() < pool.keptUntil
  await renew(stores, pool, isKept ? 'go on' : 'give back')
}

async function sendRenewal(stores: Stores, pool: Pool): Promise<void> {
  if (!pool.unanswered) return
  const sent = pool.unanswered
  const askedAt = stores.now().getTime()
  if (isTooLate(sent.sentAt, askedAt)) dropCharges(stores, pool.userId, sent)
  const { take, settlements } = sent
  const answer = await exchange(stores, pool.userId, take, settlements)
  // Another request has sent the same, and has gone on since.
  if (pool.unanswered !== sent) return
  pool.unanswered = null
  pool.renewedAt = askedAt
  pool.used = answer.used
  const lease = pool.leases.find(({ id }) => id === take.id)
  if (lease) {
    lease.size = answer.got.apiCalls
    lease.expiresAt = take.expiresAt
  }
  pool.leases = pool.leases.filter(({ size }) => size > 0)
  measure(pool)
  const known = takeNote(stores, pool.userId, answer.snapshot, askedAt)
  noteUse(stores, pool.userId, answer)
  if (known === undefined && pool.admitted > pool.seen) await refresh(stores, pool.userId)
}

/** A lease that was settled is gone, and is settled once; of a charge Redis knows for a day that it was made. */
function dropCharges(stores: Stores, userId: string, sent: NonNullable<Pool['unanswered']>): void {
  const charges = sent.settlements.filter(({ how }) => how === 'charge')
  for (const charge of charges) tellLost(stores, userId, charge)
  sent.settlements = sent.settlements.filter(({ how }) => how !== 'charge')
}

/** Redis's snapshot has ended while its account calls: a new one is made before anybody has to wait for it. */
async function refresh(stores: Stores, userId: string): Promise<void> {
  try {
    await refreshAccount(stores, userId)
  } catch (error) {
    stores.log('warn', 'account_snapshot_not_refreshed', {
      user_id: userId,
      ...errorFields(error),
    })
  }
}

/** Moves what was spent into a message, and the rest into the lease that it asks for. */
function nextRenewal(stores: Stores, pool: Pool, how: 'go on' | 'give back'): Pool['unanswered'] {
  const { windowStart } = pool
  let left = pool.spent
  const settlements = pool.leases.map(({ id, size, isCut }, i): Settlement => {
    // What calls cost above their units goes with the last.
    const isLast = i === pool.leases.length - 1 && !isCut
    const apiCalls = isLast ? left : Math.min(left, size)
    left -= apiCalls
    return { how: 'settle', id, units: { apiCalls, reactions: 0 }, windowStart }
  })
  if (left > 0) {
    const id = uuid(stores.randomBytes)
    const units = { apiCalls: left, reactions: 0 }
    settlements.push({ how: 'charge', id, units, windowStart })
  }
  // Not more than the rate asks for: others may need the rest.
  const most = how === 'go on' ? Math.max(1, pool.awaited, 2 * pool.rate) : 0
  const rest = Math.min(Math.max(0, pool.size - pool.spent - pool.inUse), most)
  const keep = pool.inUse + rest
  const take = how === 'go on' || keep > 0 ? renewal(stores, pool, keep, how) : READ
  pool.spent = 0
  // Until the answer is there, what was held before is all that is sure.
  pool.leases = take === READ ? [] : [{ id: take.id, size: keep, expiresAt: pool.expiresAt }]
  measure(pool)
  return { take, settlements, sentAt: stores.now().getTime() }
}

function renewal(stores: Stores, pool: Pool, keep: number, how: 'go on' | 'give back'): Take {
  const wanted = Math.max(FIRST_UNITS, Math.ceil(2 * presentRate(pool, stores.now().getTime())))
  return {
    mode: 'renew',
    id: uuid(stores.randomBytes),
    units: { apiCalls: how === 'go on' ? pool.inUse + wanted : keep, reactions: 0 },
    keep,
    windowStart: pool.windowStart,
    expiresAt: stores.now().getTime() + POOL_LEASE_MS,
  }
}

/** An empty one is kept for its rate, as long as there is room: see upkeep.ts. */
function forgetIfEmpty({ memory }: Stores, pool: Pool): void {
  if (!isEmpty(pool) || memory.pools.size <= MOST_ENTRIES) return
  if (memory.pools.get(pool.userId) === pool) memory.pools.delete(pool.userId)
}
