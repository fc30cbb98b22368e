// What Redis cannot decide because it lacks the account, its counts, or its present window: Postgres tells, and Redis
// is told.
import type { AccountSnapshot, UsedByWindow } from '../data/account-snapshot.ts'
import {
  AccountsUnavailable,
  noteUse,
  type ReadAccount,
  readFromPostgres,
  writeThrough,
} from '../data/accounts.ts'
import { exchange, READ } from '../data/exchange.ts'
import type { ExchangeAnswer, Settlement, Take } from '../data/lease-script.ts'
import type { Stores } from '../data/memory.ts'
import { fits, NO_UNITS, plus, type Units } from '../data/units.ts'
import { errorFields } from '../log.ts'
import { PLANS, type Quotas } from '../plans.ts'
import {
  type Admission,
  type Ask,
  byAnswer,
  decisionFor,
  fromPool,
  giveBack,
  holdingOf,
  isPlain,
  keptOut,
  letIn,
  takeFor,
} from './admission.ts'
import { admitOnLoan, admitStale } from './admit-without-redis.ts'
import type { Allowed } from './decide.ts'

/**
 * `answer` is Redis's, which may hold what `take` asked for without knowing whether it fits: where it does by all
 * that Redis and Postgres know, the call is let in, and Redis is told in the background. Where it does not, Redis is
 * told first and asked again.
 */
export async function admitByPostgres(
  stores: Stores,
  ask: Ask,
  take: Take,
  answer: ExchangeAnswer,
  inRedis: AccountSnapshot | null | undefined,
): Promise<Admission> {
  let read: ReadAccount
  try {
    read = await readFromPostgres(stores, ask.userId)
  } catch (error) {
    giveBack(stores, ask, take)
    if (!(error instanceof AccountsUnavailable)) throw error
    return admitStale(stores, ask, inRedis ?? null)
  }
  const { account, used, askedAt } = read
  const garbage = inRedis === undefined ? answer.snapshot : ''
  const tellRedis = () => writeThrough(stores, ask.userId, account, used, { askedAt, garbage })
  const decision = decisionFor(stores, account, ask)
  if (!decision.allowed || ask.units === null) {
    giveBack(stores, ask, take)
    return { ...keptOut(decision, 'postgres'), background: [tellRedis()] }
  }
  const windowStart = decision.window.start.getTime()
  const mayFit = answer.status === 'pending' && take !== READ
  const fit = mayFit ? fitting(answer, windowStart, PLANS[decision.tier].quotas, used, take) : null
  if (fit) {
    const holding = holdingOf(stores, ask, take, { ...answer, windowStart, ...fit })
    return { ...letIn(decision, 'postgres', holding, fit.used), background: [tellRedis()] }
  }
  await tellRedis()
  return askAgain(stores, ask, take, decision)
}

/** Redis knows now what Postgres knows: a second and last time. */
async function askAgain(
  stores: Stores,
  ask: Ask,
  before: Take,
  decision: Allowed,
): Promise<Admission> {
  const pool = isPlain(ask) ? fromPool(stores, decision, stores.now().getTime()) : null
  if (pool) return letIn(decision, 'postgres', { from: 'pool', pool }, pool.used)
  const take = takeFor(stores, ask)
  const given: Settlement[] =
    before === READ ? [] : [{ how: 'void', id: before.id, units: NO_UNITS, windowStart: 0 }]
  let answer: ExchangeAnswer
  try {
    answer = await exchange(stores, ask.userId, take, given, ask.repetition?.redisKey)
  } catch (error) {
    stores.log('warn', 'redis_failed', { user_id: ask.userId, ...errorFields(error) })
    giveBack(stores, ask, before)
    giveBack(stores, ask, take)
    return admitOnLoan(stores, ask, decision, 'postgres')
  }
  noteUse(stores, ask.userId, answer)
  const answered = byAnswer(stores, ask, take, answer, decision, 'postgres')
  if (answered) return answered
  // It did not keep what it was told: as if it were away.
  giveBack(stores, ask, take)
  return admitOnLoan(stores, ask, decision, 'postgres')
}

/** What of a lease that Redis holds unseen fits into the quota by all that Redis and Postgres know, or null. */
function fitting(
  { counts, got }: ExchangeAnswer,
  windowStart: number,
  quotas: Quotas,
  inPostgres: UsedByWindow,
  take: Take,
): { got: Units; used: Units } | null {
  const count = (field: string) => counts.get(field) ?? 0
  const inRedis = {
    apiCalls: count(`${windowStart}:calls`),
    reactions: count(`${windowStart}:reactions`),
  }
  const isSeeded = count(`${windowStart}:seeded`) === 1
  const used = isSeeded ? inRedis : plus(inPostgres.get(windowStart) ?? NO_UNITS, inRedis)
  const held = {
    apiCalls: count(`${windowStart}:held_calls`) + count('0:held_calls'),
    reactions: count(`${windowStart}:held_reactions`) + count('0:held_reactions'),
  }
  const taken = plus(used, held)
  // What is held has this call's own units in it.
  if (fits(taken, quotas)) return { got, used }
  const left = quotas.apiCalls - taken.apiCalls + got.apiCalls
  if (take.mode !== 'pool' || left < 1) return null
  return { got: { apiCalls: left, reactions: 0 }, used }
}
