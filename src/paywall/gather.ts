// Calls of one account that come while another of them asks for it: they wait for its answer instead of asking too,
// and where that is not enough, or came from before they began, one of them asks for all. A burst of any size costs
// two round trips.
import { AccountsUnavailable } from '../data/accounts.ts'
import { isOpen } from '../data/breaker.ts'
import type { Memory, Stores } from '../data/memory.ts'
import { isRenewing, renewalEnded } from '../data/pool.ts'
import { settleWaiting } from '../data/pool-keeper.ts'
import {
  type Admission,
  type Ask,
  decisionFor,
  fromPool,
  isPlain,
  keptOut,
  letIn,
  type Source,
} from './admission.ts'
import { admit } from './admit.ts'
import { admitWithoutRedis } from './admit-without-redis.ts'
import type { Decision } from './decide.ts'

/** Calls that wait for one that asks. */
interface Gathering {
  /** Its place among all gatherings of the isolate. */
  number: number
  /** Nobody joins it later: who asks has died. */
  until: number
  waiting: ((brought: Brought) => void)[]
}

/** What the one that asked has brought. */
interface Brought {
  number: number
  outcome: { admission: Admission } | { error: unknown }
  /** Of those that waited, how many nothing has been found for yet. */
  unserved: number
}

/** The gatherings of an isolate, by account. */
interface Gatherings {
  open: Map<string, Gathering>
  /** How many there have been. */
  count: number
}

const all = new WeakMap<Memory, Gatherings>()

function gatheringsOf({ memory }: Stores): Gatherings {
  const known = all.get(memory) ?? { open: new Map(), count: 0 }
  all.set(memory, known)
  return known
}

/** As long as whoever asks may take: Redis and Postgres, and Redis once more when it has been told. */
function patienceMs({ config }: Stores): number {
  return 3 * config.redis.timeoutMs + config.databaseTimeoutMs
}

/** As `admit`, together with whoever asks for the same. @throws AccountsUnavailable */
export async function admitTogether(stores: Stores, ask: Ask): Promise<Admission> {
  if (!isPlain(ask)) return admit(stores, ask)
  const { open, count: begunAfter } = gatheringsOf(stores)
  let needed = 1
  for (;;) {
    const gathering = open.get(ask.userId)
    if (!gathering || stores.now().getTime() >= gathering.until) {
      return askForAll(stores, { ...ask, needed })
    }
    const brought = await join(gathering, stores.signalAfter(patienceMs(stores)))
    if (!brought) {
      if (open.get(ask.userId) === gathering) open.delete(ask.userId)
      continue
    }
    const admission = await share(stores, ask, brought, brought.number > begunAfter)
    if (admission) return admission
    needed = Math.max(1, brought.unserved)
  }
}

/** Null where nothing comes in time. A timer of its own: a request that waits for another's alone counts as hung. */
function join({ waiting }: Gathering, patience: AbortSignal): Promise<Brought | null> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    patience.addEventListener('abort', () => resolve(null), { once: true })
  })
}

async function askForAll(stores: Stores, ask: Ask): Promise<Admission> {
  const gatherings = gatheringsOf(stores)
  const { open } = gatherings
  gatherings.count += 1
  const number = gatherings.count
  const until = stores.now().getTime() + patienceMs(stores)
  const gathering: Gathering = { number, until, waiting: [] }
  open.set(ask.userId, gathering)
  const end = (outcome: Brought['outcome']) => {
    if (open.get(ask.userId) === gathering) open.delete(ask.userId)
    const brought = { number, outcome, unserved: gathering.waiting.length }
    for (const goOn of gathering.waiting) goOn(brought)
  }
  try {
    const admission = await admitted(stores, ask)
    end({ admission })
    return admission
  } catch (error) {
    end({ error })
    throw error
  }
}

/** How often what this isolate holds is looked for before a quota counts as full. */
const LOOKS = 3

/**
 * As `admit`; but what Redis holds for this isolate is not lacking: what its pool has spent may be less than that, and
 * what it is about to give back is not there yet.
 */
async function admitted(stores: Stores, ask: Ask): Promise<Admission> {
  let admission = await admit(stores, ask)
  for (let look = 0; look < LOOKS && admission.obstacle?.kind === 'full'; look += 1) {
    const { decision, source } = admission
    const pooled = byPool(stores, decision, source)
    const pool = stores.memory.pools.get(ask.userId)
    if (pooled || !pool) return pooled ?? admission
    if (isRenewing(pool, stores.now().getTime())) {
      await renewalEnded(pool, stores.signalAfter(patienceMs(stores)))
    } else if (pool.spent > 0) {
      await settleWaiting(stores, pool)
    } else {
      return admission
    }
    admission = byPool(stores, decision, source) ?? (await admit(stores, ask))
  }
  return admission
}

function byPool(stores: Stores, decision: Decision, source: Source): Admission | null {
  if (!decision.allowed) return null
  const pool = fromPool(stores, decision, stores.now().getTime())
  return pool && letIn(decision, source, { from: 'pool', pool }, pool.used)
}

/**
 * What another's answer means for this call; null where it must ask itself. `isFresh`: whether the other has asked
 * since this call began. If not, what keeps the other out may have ended before this one came.
 * @throws AccountsUnavailable
 */
async function share(
  stores: Stores,
  ask: Ask,
  brought: Brought,
  isFresh: boolean,
): Promise<Admission | null> {
  const { outcome } = brought
  if ('error' in outcome || outcome.admission.holding?.from === 'loan') {
    return withoutRedis(stores, ask, brought, isFresh)
  }
  const { source, obstacle } = outcome.admission
  // Not by its decision: each may call with another key.
  const account = stores.memory.accounts.get(ask.userId)?.account ?? null
  const decision = decisionFor(stores, account, ask)
  const admission = byPool(stores, decision, source)
  if (admission) {
    brought.unserved -= 1
    return admission
  }
  if (!isFresh) return null
  return !decision.allowed || obstacle ? keptOut(decision, source, obstacle) : null
}

/**
 * Redis has failed the other one, which may be chance: whoever gets nothing without it asks it once more, unless the
 * other has asked since this call began.
 */
async function withoutRedis(
  stores: Stores,
  ask: Ask,
  brought: Brought,
  isFresh: boolean,
): Promise<Admission | null> {
  try {
    const admission = await admitWithoutRedis(stores, ask)
    brought.unserved -= 1
    return admission
  } catch (error) {
    const isChance = error instanceof AccountsUnavailable && !isOpen(stores.memory.redis)
    if (!isChance || isFresh) throw error
    return null
  }
}
