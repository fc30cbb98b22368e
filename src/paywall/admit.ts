// The account and the units of one call, from wherever they are closest: this isolate, else Redis in one round trip,
// else Postgres. Knows no HTTP.
import { uuid } from '../crypto.ts'
import type { AccountSnapshot, UsedByWindow } from '../data/account-snapshot.ts'
import {
  AccountsUnavailable,
  readFromPostgres,
  recall,
  recallStale,
  takeNote,
  writeThrough,
} from '../data/accounts.ts'
import { isOpen } from '../data/breaker.ts'
import { exchange, keepUnsent, READ } from '../data/exchange.ts'
import type { ExchangeAnswer, Settlement, Take } from '../data/lease-script.ts'
import { type Holding, LEASE_SECONDS, lend, type Units } from '../data/leases.ts'
import type { Stores } from '../data/memory.ts'
import { adopt, FIRST_UNITS, POOL_LEASE_MS, spend } from '../data/pool.ts'
import { fits, NO_UNITS } from '../data/units.ts'
import { errorFields } from '../log.ts'
import { PLANS, type Quotas } from '../plans.ts'
import { type Allowed, type Decision, type Denied, decide } from './decide.ts'
import type { Repetition } from './idempotency.ts'

export interface Ask {
  userId: string
  keyId: string
  /** The most that the call may cost; null where the request is bad, and only the account is of interest. */
  units: Units | null
  /** Under an idempotency key. */
  repetition: Repetition | null
}

export type Source = 'memory' | 'redis' | 'postgres'

/** What stands in the way of a call whose account may call. */
export type Obstacle =
  | { kind: 'full'; used: Units; taken: Units; heldUntil: number | null }
  | { kind: 'running' | 'key_reused' | 'key_used_up' }

export interface Admission {
  decision: Decision
  source: Source
  /** What the call holds; null where it is refused, or `units` was null. */
  holding: Holding | null
  obstacle: Obstacle | null
  /** Settled in the window by anybody, as far as it is known. */
  used: Units
  /** What is still to be done, without anybody waiting for it. */
  background: Promise<unknown>[]
}

/** A call of one unit by an account that this isolate knows as paid: no I/O. Null where somebody must be asked. */
export function admitFromMemory(stores: Stores, decision: Allowed): Admission | null {
  const { userId } = decision.account
  const windowStart = decision.window.start.getTime()
  const pool = spend(stores, userId, windowStart, stores.now().getTime())
  if (!pool) return null
  const holding = { from: 'pool', pool } as const
  return { decision, source: 'memory', holding, obstacle: null, used: pool.used, background: [] }
}

/** Whether this isolate knows the account as one that may call: then as a decision. */
export function knownAsPaid(stores: Stores, userId: string, keyId: string): Allowed | null {
  const now = stores.now()
  const known = recall(stores, userId, now.getTime())
  if (!known) return null
  const decision = decisionFor(stores, known.account, keyId, now)
  return decision.allowed ? decision : null
}

/** @throws AccountsUnavailable where nobody who could tell answers */
export async function admit(stores: Stores, ask: Ask): Promise<Admission> {
  if (isOpen(stores.memory.redis)) return admitWithoutRedis(stores, ask)
  const take = takeFor(stores, ask, presentWindow(stores, ask))
  let answer: ExchangeAnswer
  try {
    answer = await exchange(stores, ask.userId, take, [], ask.repetition?.redisKey)
  } catch (error) {
    stores.log('warn', 'redis_failed', { user_id: ask.userId, ...errorFields(error) })
    giveBack(stores, ask, take)
    return admitWithoutRedis(stores, ask)
  }
  const account = takeNote(stores, ask.userId, answer.snapshot)
  if (answer.status === 'pending' || account === undefined) {
    return admitPending(stores, ask, take, answer, account)
  }
  const decision = decisionFor(stores, account, ask.keyId, stores.now())
  return conclude(stores, ask, take, answer, decision, 'redis')
}

function decisionFor(
  { config }: Stores,
  account: AccountSnapshot | null,
  keyId: string,
  now: Date,
): Decision {
  return decide(account, keyId, now, config.pastDueGraceDays)
}

/** The start of the window that a call would be of by all that this isolate remembers, or null. */
function presentWindow(stores: Stores, { userId, keyId }: Ask): number | null {
  const account = stores.memory.accounts.get(userId)?.account ?? null
  const decision = decisionFor(stores, account, keyId, stores.now())
  return decision.allowed ? decision.window.start.getTime() : null
}

/** What is asked of Redis. A pool that has units of that window needs no more of them; null: whatever it has. */
function takeFor(
  stores: Stores,
  { userId, units, repetition }: Ask,
  windowStart: number | null,
): Take {
  if (units === null) return READ
  const id = uuid(stores.randomBytes)
  const now = stores.now().getTime()
  if (repetition === null && isOneCall(units)) {
    const pool = stores.memory.pools.get(userId)
    const isOfWindow = pool?.windowStart === windowStart && now < pool.expiresAt
    if (isOfWindow && pool.size - pool.spent - pool.inUse >= 1) return READ
    const wanted = { apiCalls: Math.max(FIRST_UNITS, pool?.rate ?? 0), reactions: 0 }
    return { mode: 'pool', id, units: wanted, expiresAt: now + POOL_LEASE_MS }
  }
  const expiresAt = now + LEASE_SECONDS * 1000
  const fingerprint = repetition?.fingerprint ?? ''
  return { mode: 'exact', id, units, expiresAt, fingerprint }
}

function isOneCall({ apiCalls, reactions }: Units): boolean {
  return apiCalls === 1 && reactions === 0
}

/** Redis has answered whole: what it gave becomes what the call holds. */
async function conclude(
  stores: Stores,
  ask: Ask,
  take: Take,
  answer: ExchangeAnswer,
  decision: Decision,
  source: Source,
): Promise<Admission> {
  const admission: Admission = {
    decision,
    source,
    holding: null,
    obstacle: null,
    used: answer.used,
    background: [],
  }
  const { status } = answer
  if (!decision.allowed || ask.units === null) {
    if (status === 'leased') admission.background.push(release(stores, ask, take, answer))
    return admission
  }
  if (status === 'leased') {
    admission.holding = holdingOf(stores, ask, take, answer)
    return admission
  }
  if (status === 'repeat') return { ...admission, holding: { from: 'repeat' } }
  if (status === 'full') {
    const { used, taken, heldUntil } = answer
    return { ...admission, obstacle: { kind: 'full', used, taken, heldUntil } }
  }
  if (status === 'running' || status === 'key_reused' || status === 'key_used_up') {
    return { ...admission, obstacle: { kind: status } }
  }
  if (status === 'read') {
    const pooled = admitFromMemory(stores, decision)
    if (pooled) return { ...pooled, source }
  }
  // Redis goes by a grant that this account has outgrown, or its pool has run out meanwhile: once more, with the truth.
  return admitByPostgres(stores, ask, decision)
}

function holdingOf(stores: Stores, ask: Ask, take: Take, answer: ExchangeAnswer): Holding {
  const { id, expiresAt } = take
  if (take.mode === 'pool') {
    const lease = { id, size: answer.got.apiCalls, expiresAt }
    return { from: 'pool', pool: adopt(stores, ask.userId, lease, answer) }
  }
  return {
    from: 'lease',
    userId: ask.userId,
    id,
    windowStart: answer.windowStart,
    units: answer.got,
    idempotencyKey: ask.repetition?.redisKey ?? null,
  }
}

/**
 * Redis lacks the snapshot or the counts and holds what was asked for: Postgres tells whether it fits, and Redis is
 * told in the background. Where it does not fit, or Redis gave nothing, Redis is asked again with Postgres's counts.
 */
async function admitPending(
  stores: Stores,
  ask: Ask,
  take: Take,
  answer: ExchangeAnswer,
  inRedis: AccountSnapshot | null | undefined,
): Promise<Admission> {
  let read: { account: AccountSnapshot | null; used: UsedByWindow }
  try {
    read = await readFromPostgres(stores, ask.userId)
  } catch (error) {
    if (take !== READ) giveBack(stores, ask, take)
    if (!(error instanceof AccountsUnavailable)) throw error
    return admitStale(stores, ask, inRedis ?? null)
  }
  const { account, used } = read
  const decision = decisionFor(stores, account, ask.keyId, stores.now())
  const toRedis = () => writeThrough(stores, ask.userId, account, used)
  const refused: Admission = {
    decision,
    source: 'postgres',
    holding: null,
    obstacle: null,
    used: NO_UNITS,
    background: [],
  }
  const held = answer.status === 'pending' && take !== READ
  if (!decision.allowed || ask.units === null) {
    refused.background.push(toRedis())
    if (held) refused.background.push(release(stores, ask, take, answer))
    return refused
  }
  const windowStart = decision.window.start.getTime()
  const fit = held ? fitting(answer, windowStart, PLANS[decision.tier].quotas, used, take) : null
  if (!fit) return admitByPostgres(stores, ask, decision, used, held ? take : null)
  const adopted = { ...answer, windowStart, got: fit.got, used: fit.used }
  const holding = holdingOf(stores, ask, take, adopted)
  return { ...refused, holding, used: fit.used, background: [toRedis()] }
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
  const base = count(`${windowStart}:seeded`) ? NO_UNITS : (inPostgres.get(windowStart) ?? NO_UNITS)
  const used = {
    apiCalls: base.apiCalls + count(`${windowStart}:calls`),
    reactions: base.reactions + count(`${windowStart}:reactions`),
  }
  const others = {
    apiCalls: count(`${windowStart}:held_calls`) + count('0:held_calls') - got.apiCalls,
    reactions: count(`${windowStart}:held_reactions`) + count('0:held_reactions') - got.reactions,
  }
  const left = {
    apiCalls: quotas.apiCalls - used.apiCalls - others.apiCalls,
    reactions: quotas.reactions - used.reactions - others.reactions,
  }
  if (fits(got, left)) return { got, used }
  if (take.mode !== 'pool' || left.apiCalls < 1) return null
  return { got: { apiCalls: left.apiCalls, reactions: 0 }, used }
}

/** Tells Redis what Postgres knows, and then asks it: for what no short way could decide. */
async function admitByPostgres(
  stores: Stores,
  ask: Ask,
  decision: Allowed,
  used?: UsedByWindow,
  held: Take | null = null,
): Promise<Admission> {
  const { userId } = ask
  let known = used
  if (!known) {
    try {
      known = (await readFromPostgres(stores, userId)).used
    } catch (error) {
      if (error instanceof AccountsUnavailable) return admitStale(stores, ask, decision.account)
      throw error
    }
  }
  await writeThrough(stores, userId, decision.account, known)
  // Others may spend what the pool has before the answer is there, and there is no third time.
  const take = takeFor(stores, ask, null)
  const giveUp: Settlement[] = held ? [zero(held, decision.window.start.getTime())] : []
  try {
    const key = ask.repetition?.redisKey ?? null
    const answer = await exchange(stores, userId, take, giveUp, key)
    if (answer.status === 'leased') {
      const holding = holdingOf(stores, ask, take, answer)
      return admitted(decision, 'postgres', holding, answer.used)
    }
    if (answer.status !== 'pending' && answer.status !== 'read') {
      return conclude(stores, ask, take, answer, decision, 'postgres')
    }
    giveBack(stores, ask, take)
  } catch (error) {
    stores.log('warn', 'redis_failed', { user_id: userId, ...errorFields(error) })
    giveBack(stores, ask, take)
  }
  return admitOnLoan(stores, ask, decision, 'postgres')
}

/** Redis is away: Postgres answers, and the isolate lends. Where Postgres is away too, who is known as paid is served. */
async function admitWithoutRedis(stores: Stores, ask: Ask): Promise<Admission> {
  const now = stores.now()
  const known = recall(stores, ask.userId, now.getTime())
  if (known?.account) {
    const decision = decisionFor(stores, known.account, ask.keyId, now)
    if (decision.allowed) return admitOnLoan(stores, ask, decision, 'memory')
  }
  try {
    const { account } = await readFromPostgres(stores, ask.userId)
    const decision = decisionFor(stores, account, ask.keyId, stores.now())
    if (decision.allowed) return admitOnLoan(stores, ask, decision, 'postgres')
    return refusal(decision, 'postgres')
  } catch (error) {
    if (!(error instanceof AccountsUnavailable)) throw error
    return admitStale(stores, ask, null)
  }
}

/** Nobody can be asked: only somebody who was seen to have access not long ago is let in, and nobody is refused. */
function admitStale(stores: Stores, ask: Ask, inRedis: AccountSnapshot | null): Admission {
  const now = stores.now()
  const account = inRedis ?? recallStale(stores, ask.userId, now.getTime())?.account ?? null
  const decision = decisionFor(stores, account, ask.keyId, now)
  if (!decision.allowed) throw new AccountsUnavailable('redis and postgres')
  return admitOnLoan(stores, ask, decision, 'memory')
}

function admitOnLoan(stores: Stores, ask: Ask, decision: Allowed, source: Source): Admission {
  const { userId, units, repetition } = ask
  const windowStart = decision.window.start.getTime()
  const { quotas } = PLANS[decision.tier]
  if (units === null) return refusal(decision, source)
  if (isOneCall(units) && repetition === null) {
    const pooled = admitFromMemory(stores, decision)
    if (pooled) return { ...pooled, source }
  }
  const used = lastKnownUse(stores, userId, windowStart)
  const id = repetition ? { id: repetition.loanId } : {}
  const holding = lend(stores, { userId, windowStart, quotas, units, used, ...id })
  if (holding) return admitted(decision, source, holding, used)
  if (
    fits(
      {
        ...units,
        apiCalls: used.apiCalls + units.apiCalls,
        reactions: used.reactions + units.reactions,
      },
      quotas,
    )
  ) {
    throw new AccountsUnavailable('redis, and the allowance is lent')
  }
  return {
    ...refusal(decision, source),
    obstacle: { kind: 'full', used, taken: used, heldUntil: null },
  }
}

function lastKnownUse({ memory }: Stores, userId: string, windowStart: number): Units {
  const inPostgres = memory.accounts.get(userId)?.used?.get(windowStart) ?? NO_UNITS
  const pool = memory.pools.get(userId)
  const inRedis = pool?.windowStart === windowStart ? pool.used : NO_UNITS
  return {
    apiCalls: Math.max(inPostgres.apiCalls, inRedis.apiCalls),
    reactions: Math.max(inPostgres.reactions, inRedis.reactions),
  }
}

function admitted(decision: Allowed, source: Source, holding: Holding, used: Units): Admission {
  return { decision, source, holding, obstacle: null, used, background: [] }
}

function refusal(decision: Denied | Allowed, source: Source): Admission {
  return { decision, source, holding: null, obstacle: null, used: NO_UNITS, background: [] }
}

function zero({ id }: Take, windowStart: number): Settlement {
  return { how: 'settle', id, units: NO_UNITS, windowStart }
}

/** A lease that was given to a call that is refused. */
async function release(
  stores: Stores,
  ask: Ask,
  take: Take,
  { windowStart }: ExchangeAnswer,
): Promise<void> {
  giveBack(stores, ask, take, windowStart)
}

/** What Redis may hold for a call that got no answer goes back as soon as Redis answers. */
function giveBack(stores: Stores, { userId, repetition }: Ask, take: Take, windowStart = 0): void {
  if (take === READ) return
  const idempotencyKey = repetition?.redisKey ?? null
  keepUnsent(stores, { userId, settlement: zero(take, windowStart), idempotencyKey })
}
