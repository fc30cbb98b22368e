// Redis is away: Postgres tells of the account, and this isolate lends a little. Postgres is away too: who was seen as
// paid a moment ago is served; nobody else is let in, and nobody is refused.
import type { AccountSnapshot } from '../data/account-snapshot.ts'
import { AccountsUnavailable, readFromPostgres, recall, recallStale } from '../data/accounts.ts'
import { lend } from '../data/leases.ts'
import type { Stores } from '../data/memory.ts'
import { fits, NO_UNITS, plus, type Units } from '../data/units.ts'
import { PLANS } from '../plans.ts'
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
import type { Allowed } from './decide.ts'

/** @throws AccountsUnavailable */
export async function admitWithoutRedis(stores: Stores, ask: Ask): Promise<Admission> {
  const known = recall(stores, ask.userId, stores.now().getTime())?.account
  if (known) {
    const decision = decisionFor(stores, known, ask)
    if (decision.allowed) return admitOnLoan(stores, ask, decision, 'memory')
  }
  let account: AccountSnapshot | null
  try {
    account = (await readFromPostgres(stores, ask.userId)).account
  } catch (error) {
    if (!(error instanceof AccountsUnavailable)) throw error
    return admitStale(stores, ask, null)
  }
  const decision = decisionFor(stores, account, ask)
  if (!decision.allowed) return keptOut(decision, 'postgres')
  return admitOnLoan(stores, ask, decision, 'postgres')
}

/** Nobody can be asked, or only a Redis without counts. @throws AccountsUnavailable for who is not known as paid */
export function admitStale(stores: Stores, ask: Ask, inRedis: AccountSnapshot | null): Admission {
  const stale = recallStale(stores, ask.userId, stores.now().getTime())?.account ?? null
  const decision = decisionFor(stores, inRedis ?? stale, ask)
  if (!decision.allowed) throw new AccountsUnavailable('redis and postgres')
  return admitOnLoan(stores, ask, decision, 'memory')
}

/** By what the isolate still holds, or by what it lends. @throws AccountsUnavailable when the allowance is lent */
export function admitOnLoan(
  stores: Stores,
  ask: Ask,
  decision: Allowed,
  source: Source,
): Admission {
  const { userId, units, repetition } = ask
  if (units === null) return keptOut(decision, source)
  const pool = isPlain(ask) ? fromPool(stores, decision, stores.now().getTime()) : null
  if (pool) return letIn(decision, source, { from: 'pool', pool }, pool.used)
  const windowStart = decision.window.start.getTime()
  const { quotas } = PLANS[decision.tier]
  const used: Units = stores.memory.accounts.get(userId)?.used.get(windowStart) ?? NO_UNITS
  const id = repetition && { id: repetition.loanId }
  const holding = lend(stores, { userId, windowStart, quotas, units, used, repetition, ...id })
  if (holding) return letIn(decision, source, holding, used)
  if (fits(plus(used, units), quotas)) {
    throw new AccountsUnavailable('redis, and the allowance is lent')
  }
  return keptOut(decision, source, { kind: 'full', used, taken: used, heldUntil: null })
}
