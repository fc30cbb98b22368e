// The account and the units of one call, from wherever they are closest: this isolate, else Redis in one round trip,
// else Postgres. Knows no HTTP.
import { type AccountSnapshot, isKeyActive } from '../data/account-snapshot.ts'
import { noteUse, recall, takeNote } from '../data/accounts.ts'
import { isOpen } from '../data/breaker.ts'
import { exchange, READ } from '../data/exchange.ts'
import type { ExchangeAnswer, Take } from '../data/lease-script.ts'
import type { Stores } from '../data/memory.ts'
import { errorFields } from '../log.ts'
import {
  type Admission,
  type Ask,
  byAnswer,
  decisionFor,
  fromPool,
  giveBack,
  isPlain,
  keptOut,
  letIn,
  takeFor,
} from './admission.ts'
import { admitByPostgres } from './admit-by-postgres.ts'
import { admitWithoutRedis } from './admit-without-redis.ts'
import type { Allowed } from './decide.ts'

/** The same snapshot is decided alike until its decision ends, whichever of its keys calls. */
const decisions = new WeakMap<AccountSnapshot, Allowed>()

/** Whether this isolate knows the account as one that may call: then as a decision. */
export function knownAsPaid(
  stores: Stores,
  userId: string,
  keyId: string,
  now: Date,
): Allowed | null {
  const account = recall(stores, userId, now.getTime())?.account
  if (!account) return null
  const before = decisions.get(account)
  if (before && now.getTime() < before.until && isKeyActive(account, keyId, now)) return before
  const decision = decisionFor(stores, account, { keyId })
  if (!decision.allowed) return null
  decisions.set(account, decision)
  return decision
}

/** A plain call by an account that this isolate knows as paid and holds units of: no I/O. Else null. */
export function admitFromMemory(stores: Stores, decision: Allowed, now: Date): Admission | null {
  const pool = fromPool(stores, decision, now.getTime())
  return pool && letIn(decision, 'memory', { from: 'pool', pool }, pool.used)
}

/** @throws AccountsUnavailable where nobody who could tell answers */
export async function admit(stores: Stores, ask: Ask): Promise<Admission> {
  if (isOpen(stores.memory.redis)) return admitWithoutRedis(stores, ask)
  const held = poolOfKnown(stores, ask)
  const take = held ? READ : takeFor(stores, ask)
  const askedAt = stores.now().getTime()
  let answer: ExchangeAnswer
  try {
    answer = await exchange(stores, ask.userId, take, [], ask.repetition?.redisKey)
  } catch (error) {
    stores.log('warn', 'redis_failed', { user_id: ask.userId, ...errorFields(error) })
    giveBack(stores, ask, take)
    return admitWithoutRedis(stores, ask)
  }
  const account = takeNote(stores, ask.userId, answer.snapshot, askedAt)
  noteUse(stores, ask.userId, answer)
  if (account === undefined || answer.status === 'pending') {
    return admitByPostgres(stores, ask, take, answer, account)
  }
  return (
    admitByRedis(stores, ask, take, answer, account) ??
    admitByPostgres(stores, ask, take, answer, account)
  )
}

/** Whether the pool of the window that the account was last seen in has a unit: then only the account is asked for. */
function poolOfKnown({ memory, now }: Stores, ask: Ask): boolean {
  const pool = memory.pools.get(ask.userId)
  const account = memory.accounts.get(ask.userId)?.account
  const window = account && decisions.get(account)?.window
  if (!pool || !window || !isPlain(ask)) return false
  const at = now().getTime()
  const isPresent = pool.windowStart === window.start.getTime() && at < window.end.getTime()
  return isPresent && at < pool.expiresAt && pool.size - pool.spent - pool.inUse >= 1
}

/** Redis knows the account and its counts. Null where it goes by what the account has outgrown. */
function admitByRedis(
  stores: Stores,
  ask: Ask,
  take: Take,
  answer: ExchangeAnswer,
  account: AccountSnapshot | null,
): Admission | null {
  const decision = decisionFor(stores, account, ask)
  if (!decision.allowed || ask.units === null) {
    if (answer.status === 'leased') giveBack(stores, ask, take)
    return keptOut(decision, 'redis')
  }
  if (answer.status === 'read') {
    const pool = fromPool(stores, decision, stores.now().getTime())
    return pool && letIn(decision, 'redis', { from: 'pool', pool }, answer.used)
  }
  return byAnswer(stores, ask, take, answer, decision, 'redis')
}
