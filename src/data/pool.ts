// Units of the quota that this isolate holds for an account's calls of one unit, spent in memory. pool-keeper.ts
// settles, renews and gives them back.
import type { ExchangeAnswer } from './lease-script.ts'
import type { Pool, Stores } from './memory.ts'
import { NO_UNITS } from './units.ts'

/**
 * A pool's lease ends after this time where nobody renews it: what an isolate held that has died. Longer than a call
 * of one unit may last (the gateway's 30 s), which nobody may keep.
 */
export const POOL_LEASE_MS = 40_000
/** What is asked for before anything is known of an account's rate. */
export const FIRST_UNITS = 10

/** One unit of the pool for a call, if it has one of that window: no I/O. */
export function spend(
  stores: Stores,
  userId: string,
  windowStart: number,
  now: number,
): Pool | null {
  const pool = stores.memory.pools.get(userId)
  if (!pool || pool.windowStart !== windowStart || now >= pool.expiresAt) return null
  if (pool.size - pool.spent - pool.inUse < 1) return null
  pool.inUse += 1
  pool.admitted += 1
  pool.awaited = Math.max(0, pool.awaited - 1)
  return pool
}

/**
 * Ends a call's use of its unit: it goes back, or is spent, with whatever the call cost above it. That may be more
 * than the pool holds; it is charged as far as the quota holds it.
 */
export function finish(pool: Pool, cost: number): void {
  pool.inUse -= 1
  pool.spent += cost
}

/** Puts a lease into the account's pool, and one unit of it in use; `needed` calls have waited for it. */
export function adopt(
  stores: Stores,
  userId: string,
  { needed, ...lease }: Pool['leases'][number] & { needed: number },
  { windowStart, used }: Pick<ExchangeAnswer, 'windowStart' | 'used'>,
): Pool {
  const { pools } = stores.memory
  const held = pools.get(userId)
  const fits = held?.windowStart === windowStart && stores.now().getTime() < held.expiresAt
  const pool = held && fits ? held : emptyPool(userId, windowStart)
  // What the old one has not settled is settled by whoever comes next.
  if (held && held !== pool) stores.memory.waiting.add(held)
  pools.set(userId, pool)
  pool.leases.push(lease)
  pool.used = used
  measure(pool)
  pool.inUse += 1
  pool.admitted += 1
  pool.awaited = needed - 1
  return pool
}

function emptyPool(userId: string, windowStart: number): Pool {
  return {
    userId,
    windowStart,
    leases: [],
    size: 0,
    expiresAt: Number.POSITIVE_INFINITY,
    spent: 0,
    inUse: 0,
    awaited: 0,
    admitted: 0,
    seen: 0,
    seenAt: 0,
    rate: 0,
    used: NO_UNITS,
    keptUntil: 0,
    renewingSince: 0,
    renewedAt: 0,
    waiting: [],
    unanswered: null,
  }
}

export function isEmpty({ leases, spent, inUse, unanswered }: Pool): boolean {
  return leases.length === 0 && spent === 0 && inUse === 0 && unanswered === null
}

/** A renewal that has not ended by then has died with its request. */
const RENEWING_MS = 10_000

export function isRenewing({ renewingSince }: Pool, now: number): boolean {
  return renewingSince > 0 && now - renewingSince < RENEWING_MS
}

/** Resolves when the renewal under way has ended, or `patience` has. */
export function renewalEnded({ waiting }: Pool, patience: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    patience.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Units that are spent or in use, and not in `pool.used` yet: those too whose settlement is on its way. */
export function unsettled({ spent, inUse, unanswered }: Pool): number {
  if (!unanswered) return spent + inUse
  return unanswered.settlements.reduce((sum, { units }) => sum + units.apiCalls, spent + inUse)
}

/** Sums up the pool's leases anew. */
export function measure(pool: Pool): void {
  pool.size = pool.leases.reduce((sum, { size }) => sum + size, 0)
  pool.expiresAt = Math.min(...pool.leases.map(({ expiresAt }) => expiresAt))
}
