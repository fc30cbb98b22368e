// One exchange with Redis about one account: what was spent goes in, the snapshot and units come out. And the
// settlements that go by themselves, or wait for a Redis that answers.
import { errorFields } from '../log.ts'
import { accountKeys, CHANGED_KEY, noteUse } from './accounts.ts'
import { failed, isOpen, succeeded } from './breaker.ts'
import { LEASE_SCRIPT, REMEMBERED_MS } from './lease-lua.ts'
import {
  type ExchangeAnswer,
  exchangeArguments,
  parseAnswer,
  type Settlement,
  type Take,
} from './lease-script.ts'
import type { Stores, Unsent } from './memory.ts'
import { RedisError } from './redis.ts'
import { NO_UNITS, plus, type Units } from './units.ts'

/** What an isolate keeps for a Redis that is away; the oldest is given up, and its customer not charged. */
const MOST_UNSENT = 10_000
/** Isolates tell Redis the time, and their clocks differ. */
const CLOCK_SKEW_MS = 60_000

export const READ: Take = { mode: 'read', id: '', units: NO_UNITS, expiresAt: 0 }

/** @throws when Redis does not answer well; the breaker has heard of one that is away */
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
    const reply = await redis.evaluate(LEASE_SCRIPT, keys, args)
    const answer = parseAnswer(reply)
    succeeded(memory.redis)
    return answer
  } catch (error) {
    if (!isAboutThis(error)) failed(memory.redis, now().getTime())
    throw error
  }
}

/** Whether Redis is well and has only stumbled over this account's data. */
export function isAboutThis(error: unknown): boolean {
  return error instanceof RedisError && /script|WRONGTYPE/.test(error.message)
}

/** Sends settlements, twice if need be; after that they wait for a Redis that answers. Never throws. */
export async function send(stores: Stores, unsent: Unsent): Promise<void> {
  if (isOpen(stores.memory.redis)) return keepUnsent(stores, unsent)
  try {
    await sendOnce(stores, unsent)
  } catch {
    // The answer may have been lost: it counts once, however often it is sent.
    try {
      await sendOnce(stores, unsent)
    } catch (error) {
      const fields = { user_id: unsent.userId, ...errorFields(error) }
      stores.log('warn', 'usage_settlement_waits', fields)
      keepUnsent(stores, unsent)
    }
  }
}

/** Keeps settlements for later. */
export function keepUnsent(stores: Stores, unsent: Unsent): void {
  const { outbox } = stores.memory
  outbox.add(unsent)
  const [oldest] = outbox
  if (outbox.size > MOST_UNSENT && oldest) giveUp(stores, oldest)
}

/** What cannot be booked is not charged. */
export function giveUp(stores: Stores, unsent: Unsent): void {
  stores.memory.outbox.delete(unsent)
  if (unsent.loan) repay(stores, unsent.loan)
  for (const settlement of unsent.settlements) tellLost(stores, unsent.userId, settlement)
}

/** Tells whose use is not charged, and how much: somebody may want to book it by hand. */
export function tellLost(stores: Stores, userId: string, { units, windowStart }: Settlement): void {
  stores.log('error', 'usage_settlement_lost', {
    user_id: userId,
    api_calls: units.apiCalls,
    reactions: units.reactions,
    window_start: new Date(windowStart).toISOString(),
  })
}

/** Whether Redis, which may have booked it when it was first sent, might not know any more that it has. */
export function isTooLate(sentAt: number | undefined, now: number): boolean {
  return sentAt !== undefined && now - sentAt >= REMEMBERED_MS - CLOCK_SKEW_MS
}

/** @throws when Redis does not answer well */
export async function sendOnce(stores: Stores, unsent: Unsent): Promise<void> {
  const { userId, settlements, repetition, loan } = unsent
  unsent.sentAt ??= stores.now().getTime()
  const take = repetition ? { ...READ, fingerprint: repetition.fingerprint } : READ
  const answer = await exchange(stores, userId, take, settlements, repetition?.redisKey)
  noteUse(stores, userId, answer)
  if (loan) repay(stores, loan)
}

/** What was lent is in the books, or was not used: the allowance is whole again by as much. */
export function repay({ memory }: Stores, loan: { account: string; units: Units }): void {
  const lent = memory.loans.get(loan.account)
  if (!lent) return
  const left = plus(lent, { apiCalls: -loan.units.apiCalls, reactions: -loan.units.reactions })
  if (left.apiCalls <= 0 && left.reactions <= 0) memory.loans.delete(loan.account)
  else memory.loans.set(loan.account, left)
}
