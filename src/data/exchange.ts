// One exchange with Redis about one account: what was spent goes in, the snapshot and units come out. And the
// settlements that go by themselves, or wait for a Redis that answers.
import { errorFields } from '../log.ts'
import { accountKeys } from './accounts.ts'
import { failed, isOpen, succeeded } from './breaker.ts'
import {
  type ExchangeAnswer,
  exchangeArguments,
  LEASE_SCRIPT,
  parseAnswer,
  type Settlement,
  type Take,
} from './lease-script.ts'
import type { Stores, Unsent } from './memory.ts'
import { NO_UNITS, plus } from './units.ts'

/** Accounts whose counts have changed since they were written to Postgres, by the time of the change. */
export const CHANGED_KEY = 'tollgate:changed:2'

/** Settlements that an isolate keeps for a Redis that is away; the oldest are given up, and their customers not charged. */
const MOST_UNSENT = 10_000

export const READ: Take = { mode: 'read', id: '', units: NO_UNITS, expiresAt: 0 }

/** @throws when Redis does not answer well; the breaker has heard of it */
export async function exchange(
  { redis, memory, now }: Pick<Stores, 'redis' | 'memory' | 'now'>,
  userId: string,
  take: Take,
  settlements: readonly Settlement[] = [],
  idempotencyKey: string | null = null,
): Promise<ExchangeAnswer> {
  const { snapshot, usage, leases } = accountKeys(userId)
  const keys = [snapshot, usage, leases, CHANGED_KEY, ...(idempotencyKey ? [idempotencyKey] : [])]
  const args = exchangeArguments(now().getTime(), userId, take, settlements)
  try {
    const answer = parseAnswer(await redis.evaluate(LEASE_SCRIPT, keys, args))
    succeeded(memory.redis)
    return answer
  } catch (error) {
    failed(memory.redis, now().getTime())
    throw error
  }
}

/** Sends a settlement, twice if need be; after that it waits for a Redis that answers. Never throws. */
export async function send(stores: Stores, unsent: Unsent): Promise<void> {
  if (isOpen(stores.memory.redis)) return keepUnsent(stores, unsent)
  try {
    await sendOnce(stores, unsent)
  } catch {
    // The answer may have been lost: it counts once, however often it is sent.
    try {
      await sendOnce(stores, unsent)
    } catch (error) {
      stores.log('warn', 'usage_settlement_waits', {
        user_id: unsent.userId,
        ...errorFields(error),
      })
      keepUnsent(stores, unsent)
    }
  }
}

/** Keeps a settlement for later. */
export function keepUnsent({ memory, log }: Stores, unsent: Unsent): void {
  memory.outbox.push(unsent)
  if (memory.outbox.length <= MOST_UNSENT) return
  const lost = memory.outbox.shift()
  log('error', 'usage_settlement_lost', { user_id: lost?.userId })
}

/** @throws when Redis does not answer well */
export async function sendOnce(stores: Stores, unsent: Unsent): Promise<void> {
  const { userId, settlement, idempotencyKey, loan } = unsent
  await exchange(stores, userId, READ, [settlement], idempotencyKey)
  if (loan) repay(stores, loan)
}

/** What was lent is in the books: the allowance is whole again by as much. */
function repay({ memory }: Stores, loan: NonNullable<Unsent['loan']>): void {
  const lent = memory.loans.get(loan.account)
  if (!lent) return
  const left = plus(lent, { apiCalls: -loan.units.apiCalls, reactions: -loan.units.reactions })
  if (left.apiCalls <= 0 && left.reactions <= 0) memory.loans.delete(loan.account)
  else memory.loans.set(loan.account, left)
}
