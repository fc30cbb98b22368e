// What a call that is let in holds of the quota, from wherever it came, and how that is settled: exactly once, in the
// window in which the call was made.

import { uuid } from '../crypto.ts'
import type { Quotas } from '../plans.ts'
import { keepUnsent, send } from './exchange.ts'
import type { Pool, Stores } from './memory.ts'
import { finish, tend } from './pool.ts'
import { fits, NO_UNITS, plus, type Units } from './units.ts'

export type { Units } from './units.ts'

/** How long a call may hold units of its own. After that they are others' to take. */
export const LEASE_SECONDS = 15 * 60

/** What a call holds. */
export type Holding =
  /** One unit of what the isolate holds. */
  | { from: 'pool'; pool: Pool }
  /** Units of its own. */
  | {
      from: 'lease'
      userId: string
      id: string
      windowStart: number
      units: Units
      idempotencyKey: string | null
    }
  /** Units lent by this isolate while Redis is away. */
  | { from: 'loan'; userId: string; id: string; windowStart: number; units: Units }
  /** Nothing: a repetition of a call that is charged already. */
  | { from: 'repeat' }

/** What one isolate lends one account while Redis is away: a hundredth of the quota, at most so many units. */
const MOST_LENT = 50

function allowance(quota: number): number {
  return Math.min(MOST_LENT, Math.floor(quota / 100))
}

/** Lends `units`, or null where the allowance does not hold them. `used` is the last that is known of the window. */
export function lend(
  { memory, randomBytes }: Stores,
  call: {
    userId: string
    windowStart: number
    quotas: Quotas
    units: Units
    used: Units
    id?: string
  },
): Holding | null {
  const { userId, windowStart, quotas, units, used } = call
  const account = loanAccount(userId, windowStart)
  const lent = plus(memory.loans.get(account) ?? NO_UNITS, units)
  const limit = { apiCalls: allowance(quotas.apiCalls), reactions: allowance(quotas.reactions) }
  if (!fits(lent, limit) || !fits(plus(used, lent), quotas)) return null
  memory.loans.set(account, lent)
  return { from: 'loan', userId, id: call.id ?? uuid(randomBytes), windowStart, units }
}

function loanAccount(userId: string, windowStart: number): string {
  return `${userId}:${windowStart}`
}

/**
 * Ends the call's hold: `units` are charged, never more than a lease of its own holds; none gives everything back.
 * Gives what remains to be done in the background, or null. Never throws.
 */
export function settle(stores: Stores, holding: Holding, units: Units): Promise<void> | null {
  switch (holding.from) {
    case 'pool':
      finish(holding.pool, units.apiCalls)
      return tend(stores, holding.pool)
    case 'lease': {
      const { userId, id, windowStart, idempotencyKey } = holding
      const settlement = { how: 'settle', id, units, windowStart } as const
      return send(stores, { userId, settlement, idempotencyKey })
    }
    case 'loan': {
      const { userId, id, windowStart, units: lent } = holding
      const charged = {
        apiCalls: Math.min(units.apiCalls, lent.apiCalls),
        reactions: Math.min(units.reactions, lent.reactions),
      }
      const settlement = { how: 'book', id, units: charged, windowStart } as const
      const loan = { account: loanAccount(userId, windowStart), units: lent }
      keepUnsent(stores, { userId, settlement, idempotencyKey: null, loan })
      return null
    }
    case 'repeat':
      return null
  }
}
