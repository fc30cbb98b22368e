// Calls of one account that come while another of them asks for it: they wait for its answer instead of asking too,
// and where that is not enough, one of them asks for all. A burst of any size costs two round trips.
import { recall } from '../data/accounts.ts'
import type { Memory, Stores } from '../data/memory.ts'
import { isRenewing, renewalEnded } from '../data/pool.ts'
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

/** Longer than Redis takes to fail and Postgres to answer; the request that asks may die amid it. */
const PATIENCE_MS = 1_000

/** Calls that wait for one that asks. */
interface Gathering {
  /** Nobody joins it later: who asks has died. */
  until: number
  waiting: ((brought: Brought) => void)[]
}

/** What the one that asked has brought. */
interface Brought {
  outcome: { admission: Admission } | { error: unknown }
  /** Of those that waited, how many nothing has been found for yet. */
  unserved: number
}

const gatherings = new WeakMap<Memory, Map<string, Gathering>>()

function gatheringsOf({ memory }: Stores): Map<string, Gathering> {
  const known = gatherings.get(memory) ?? new Map()
  gatherings.set(memory, known)
  return known
}

/** As `admit`, together with whoever asks for the same. @throws AccountsUnavailable */
export async function admitTogether(stores: Stores, ask: Ask): Promise<Admission> {
  if (!isPlain(ask)) return admit(stores, ask)
  let needed = 1
  for (;;) {
    const gathering = gatheringsOf(stores).get(ask.userId)
    if (!gathering || stores.now().getTime() >= gathering.until) {
      return askForAll(stores, { ...ask, needed })
    }
    const brought = await join(gathering, stores.signalAfter(PATIENCE_MS))
    if (!brought) return admit(stores, ask)
    const admission = await share(stores, ask, brought)
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
  const open = gatheringsOf(stores)
  const gathering: Gathering = { until: stores.now().getTime() + PATIENCE_MS, waiting: [] }
  open.set(ask.userId, gathering)
  const end = (outcome: Brought['outcome']) => {
    if (open.get(ask.userId) === gathering) open.delete(ask.userId)
    const brought = { outcome, unserved: gathering.waiting.length }
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

/** By what a renewal under way brings: the units that Redis lacks may be on their way here. */
async function afterRenewal(stores: Stores, ask: Ask): Promise<Admission | null> {
  const pool = stores.memory.pools.get(ask.userId)
  if (!pool || !isRenewing(pool, stores.now().getTime())) return null
  await renewalEnded(pool, stores.signalAfter(PATIENCE_MS))
  const account = recall(stores, ask.userId, stores.now().getTime())?.account
  return account ? byPool(stores, decisionFor(stores, account, ask), 'memory') : null
}

/** As `admit`; but what Redis holds for this isolate is not lacking. */
async function admitted(stores: Stores, ask: Ask): Promise<Admission> {
  const admission = await admit(stores, ask)
  if (admission.obstacle?.kind !== 'full') return admission
  const { decision, source } = admission
  return byPool(stores, decision, source) ?? (await afterRenewal(stores, ask)) ?? admission
}

function byPool(stores: Stores, decision: Decision, source: Source): Admission | null {
  if (!decision.allowed) return null
  const pool = fromPool(stores, decision, stores.now().getTime())
  return pool && letIn(decision, source, { from: 'pool', pool }, pool.used)
}

/** What another's answer means for this call; null where it must ask itself. @throws what the other has met */
async function share(stores: Stores, ask: Ask, brought: Brought): Promise<Admission | null> {
  const { outcome } = brought
  if ('error' in outcome) throw outcome.error
  const { source, obstacle, holding } = outcome.admission
  // Not by its decision: each may call with another key.
  const account = stores.memory.accounts.get(ask.userId)?.account ?? null
  const decision = decisionFor(stores, account, ask)
  if (!decision.allowed) return keptOut(decision, source)
  const admission = byPool(stores, decision, source)
  if (admission) {
    brought.unserved -= 1
    return admission
  }
  if (obstacle) return keptOut(decision, source, obstacle)
  // Redis has failed the other one: that was this one's attempt too.
  return holding?.from === 'loan' ? admitWithoutRedis(stores, ask) : null
}
