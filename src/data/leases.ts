// What a call that is let in holds of the quota, from wherever it came, and how that is settled: exactly once, in the
// window in which the call was made.

import { uuid } from '../crypto.ts'
import type { Quotas } from '../plans.ts'
import { keepUnsent, repay, send } from './exchange.ts'
import type { Pool, Stores, Unsent } from './memory.ts'
import { finish } from './pool.ts'
import { tend } from './pool-keeper.ts'
import { fits, NO_UNITS, plus, type Units } from './units.ts'

export type { Units } from './units.ts'

/** How long a call may hold units of its own. After that they are others' to take. */
export const LEASE_SECONDS = 15 * 60

/** The idempotency key that a call was made under. */
type KeyOfCall = Unsent['repetition']

/** What a call holds. */
export type Holding =
  /** One unit of what the isolate holds. */
  | { from: 'pool'; pool: Pool }
  /** Units of its own; or lent by this isolate, while Redis is away. */
  | {
      from: 'lease' | 'loan'
      userId: string
      id: string
      windowStart: number
      units: Units
      repetition: KeyOfCall
    }
  /** Nothing: a repetition of a call that is charged already. */
  | { from: 'repeat' }

type OwnUnits = Extract<Holding, { units: Units }>

/** What one isolate lends one account while Redis is away: a hundredth of the quota, at most so many units. */
const MOST_LENT = 50
/** So many isolates may lend at once without exceeding the quota: where less is left, none does. */
const LENDERS = 8

function allowance(quota: number): number {
  return Math.min(MOST_LENT, Math.floor(quota / 100))
}

/**
 * Lends `units`, or null where the allowance does not hold them, or where so little is left that others' loans could
 * exceed it. `used` is the last that is known of the window.
 */
export function lend(
  { memory, randomBytes }: Stores,
  call: Omit<OwnUnits, 'from' | 'id'> & { quotas: Quotas; used: Units; id?: string },
): Holding | null {
  const { userId, windowStart, quotas, units, used, repetition } = call
  const account = loanAccount(call)
  const lent = plus(memory.loans.get(account) ?? NO_UNITS, units)
  const limit = { apiCalls: allowance(quotas.apiCalls), reactions: allowance(quotas.reactions) }
  const left = {
    apiCalls: quotas.apiCalls - used.apiCalls,
    reactions: quotas.reactions - used.reactions,
  }
  const isNearLimit =
    left.apiCalls < LENDERS * limit.apiCalls ||
    (units.reactions > 0 && left.reactions < LENDERS * limit.reactions)
  if (!fits(lent, limit) || isNearLimit) return null
  memory.loans.set(account, lent)
  return { from: 'loan', userId, id: call.id ?? uuid(randomBytes), windowStart, units, repetition }
}

function loanAccount({ userId, windowStart }: Pick<OwnUnits, 'userId' | 'windowStart'>): string {
  return `${userId}:${windowStart}`
}

/**
 * Ends the call's hold: `units` are charged; none gives everything back. `isWhole`: whether the caller was sent the
 * whole answer, so that a repetition under its key is free. Gives what is still to be sent, or null. Never throws.
 */
export function settle(
  stores: Stores,
  holding: Holding,
  units: Units,
  isWhole = true,
): Promise<void> | null {
  switch (holding.from) {
    case 'pool':
      finish(holding.pool, units.apiCalls)
      return null
    case 'lease':
      return send(stores, settlementOf(holding, units, isWhole))
    case 'loan':
      lendingEnds(stores, holding, units, isWhole)
      return null
    case 'repeat':
      return null
  }
}

function settlementOf(
  { userId, id, windowStart, repetition }: OwnUnits,
  units: Units,
  isWhole: boolean,
): Unsent {
  const how = isWhole ? 'settle' : 'cut'
  return { userId, settlements: [{ how, id, units, windowStart }], repetition, refusals: 0 }
}

/** What was used of a loan goes into the books when Redis is back; what was not is there to be lent again. */
function lendingEnds(stores: Stores, holding: OwnUnits, units: Units, isWhole: boolean): void {
  const { userId, windowStart } = holding
  // What did not arrive whole is lent and booked anew when it is repeated.
  const id = isWhole ? holding.id : uuid(stores.randomBytes)
  const repetition = isWhole ? holding.repetition : null
  const loan = { account: loanAccount(holding), units: holding.units }
  if (fits(units, NO_UNITS)) {
    repay(stores, loan)
    return
  }
  const settlements = [{ how: 'book', id, units, windowStart } as const]
  keepUnsent(stores, { userId, settlements, repetition, refusals: 0, loan })
}

/** What is to be done in the background for a call that is let in or has ended, or null. */
export function tendHolding(stores: Stores, holding: Holding): Promise<void> | null {
  return holding.from === 'pool' ? tend(stores, holding.pool) : null
}
