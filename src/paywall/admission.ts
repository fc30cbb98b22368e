// What an admission is made of: what a call asks for, what it is given, and the steps that the ways to it share.
import type { Repetition } from '../context.ts'
import { uuid } from '../crypto.ts'
import type { AccountSnapshot } from '../data/account-snapshot.ts'
import { keepUnsent, READ } from '../data/exchange.ts'
import type { ExchangeAnswer, Take } from '../data/lease-script.ts'
import { type Holding, LEASE_SECONDS } from '../data/leases.ts'
import type { Pool, Stores } from '../data/memory.ts'
import { adopt, FIRST_UNITS, POOL_LEASE_MS, spend } from '../data/pool.ts'
import { NO_UNITS, type Units } from '../data/units.ts'
import { type Allowed, type Decision, decide } from './decide.ts'

export interface Ask {
  userId: string
  keyId: string
  /** The most that the call may cost; null where the request is bad, and only the account is of interest. */
  units: Units | null
  /** Under an idempotency key. */
  repetition: Repetition | null
  /** How many plain calls it asks for: those that wait with it, itself among them; 1 when absent. */
  needed?: number
}

/** Who knew the account. */
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

/** Let in, with what it holds. */
export function letIn(decision: Allowed, source: Source, holding: Holding, used: Units): Admission {
  return { decision, source, holding, obstacle: null, used, background: [] }
}

/** Not let in: by the decision, or by an obstacle, or because nothing was asked for. */
export function keptOut(
  decision: Decision,
  source: Source,
  obstacle: Obstacle | null = null,
): Admission {
  return { decision, source, holding: null, obstacle, used: NO_UNITS, background: [] }
}

export function decisionFor(
  { config, now }: Stores,
  account: AccountSnapshot | null,
  { keyId }: Pick<Ask, 'keyId'>,
): Decision {
  return decide(account, keyId, now(), config.pastDueGraceDays)
}

/** Whether a unit of the pool is all that the call needs. */
export function isPlain({ units, repetition }: Pick<Ask, 'units' | 'repetition'>): boolean {
  return repetition === null && units !== null && units.apiCalls === 1 && units.reactions === 0
}

/** One unit of what this isolate holds, if it holds one: no I/O. */
export function fromPool(stores: Stores, decision: Allowed, now: number): Pool | null {
  return spend(stores, decision.account.userId, decision.window.start.getTime(), now)
}

/** What Redis is asked for. */
export function takeFor(stores: Stores, { userId, units, repetition, needed = 1 }: Ask): Take {
  if (units === null) return READ
  const id = uuid(stores.randomBytes)
  const now = stores.now().getTime()
  if (isPlain({ units, repetition })) {
    const rate = stores.memory.pools.get(userId)?.rate ?? 0
    const wanted = { apiCalls: Math.max(FIRST_UNITS, Math.ceil(2 * rate), needed), reactions: 0 }
    return { mode: 'pool', id, units: wanted, keep: needed, expiresAt: now + POOL_LEASE_MS }
  }
  const expiresAt = now + LEASE_SECONDS * 1000
  const fingerprint = repetition?.fingerprint ?? ''
  return { mode: 'exact', id, units, expiresAt, fingerprint }
}

/** What Redis gave becomes what the call holds. */
export function holdingOf(stores: Stores, ask: Ask, take: Take, answer: ExchangeAnswer): Holding {
  const { id, expiresAt, keep: needed = 1 } = take
  if (take.mode === 'pool') {
    const size = answer.got.apiCalls
    const isCut = answer.status === 'pending' && size < take.units.apiCalls
    const lease = { id, size, expiresAt, needed, isCut }
    return { from: 'pool', pool: adopt(stores, ask.userId, lease, answer) }
  }
  const { windowStart, got: units } = answer
  const { userId, repetition } = ask
  return { from: 'lease', userId, id, windowStart, units, repetition }
}

/** What Redis's answer to a take means for a call whose account may call; null where it says nothing of it. */
export function byAnswer(
  stores: Stores,
  ask: Ask,
  take: Take,
  answer: ExchangeAnswer,
  decision: Allowed,
  source: Source,
): Admission | null {
  switch (answer.status) {
    case 'leased':
      return letIn(decision, source, holdingOf(stores, ask, take, answer), answer.used)
    case 'repeat':
      return letIn(decision, source, { from: 'repeat' }, answer.used)
    case 'full': {
      const { used, taken, heldUntil } = answer
      return keptOut(decision, source, { kind: 'full', used, taken, heldUntil })
    }
    case 'running':
    case 'key_reused':
    case 'key_used_up':
      return keptOut(decision, source, { kind: answer.status })
    case 'read':
    case 'denied':
    case 'unknown':
    case 'pending':
      return null
  }
}

/** What Redis may hold for a call that does not use it goes back with what is sent next, and is never given again. */
export function giveBack(stores: Stores, { userId, repetition }: Ask, take: Take): void {
  if (take === READ) return
  const settlements = [{ how: 'void', id: take.id, units: NO_UNITS, windowStart: 0 } as const]
  keepUnsent(stores, { userId, settlements, repetition, refusals: 0 })
}
