// What every paid call goes through, top to bottom: key, account, decision, rate, units, handler, settlement.
import { answerHeader } from '../answer-header.ts'
import { type KeyIds, proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard, Repetition } from '../context.ts'
import { noteKeyUse, notePreviousKey } from '../data/key-use.ts'
import { type Holding, settle, tendHolding, type Units } from '../data/leases.ts'
import { NO_UNITS } from '../data/units.ts'
import { upkeep } from '../data/upkeep.ts'
import { endedKey } from '../ended.ts'
import { attempt, type Problem } from '../problem.ts'
import { type Admission, type Ask, decisionFor, isPlain } from './admission.ts'
import { admitFromMemory, knownAsPaid } from './admit.ts'
import type { Allowed } from './decide.ts'
import { denialOf, missingKey, rememberKey } from './denial.ts'
import { admitTogether } from './gather.ts'
import { paidHeaders } from './headers.ts'
import { repetitionOf } from './idempotency.ts'
import { inBackground, ONE_CALL, OpenCall } from './open-call.ts'
import { isWithinRate, rateLimited } from './rate.ts'
import { obstacleRefusal } from './refusal.ts'
import { testCall } from './test-call.ts'

/**
 * The most that a call may use. It may throw a Problem for a bad request, which is told only to those who may call.
 * It is asked before the account where that is not known yet, so that one round trip does for both.
 */
export type CostOf = (c: AppContext) => Units | Promise<Units>

/** What the gateway answers a caller who has left: nobody has seen the origin's answer. */
const CLIENT_LEFT = 499

/**
 * Guards a paid route. Throws the problems of the contract's paywall table; where nobody who could tell answers, the
 * error passes through as what it is and is answered 503, never "invalid key" and never 402.
 */
export function paywall(costOf: CostOf = () => ONE_CALL): Guard {
  return async function paywall(c, next) {
    const deps = c.get('deps')
    const now = deps.now()
    const ids = provenKey(c, deps, now)
    c.set('caller', ids)
    if (ids.mode === 'test') return testCall(c, deps, ids, costOf, next)
    const known = knownAsPaid(deps, ids.userId, ids.keyId, now)
    if (known && !(await isWithinRate(deps, known))) throw rateLimited()
    const request = known && requestOf(c, ids, costOf)
    const admission =
      fromMemory(deps, known, request, now) ??
      (await (request
        ? admitKnown(c, deps, ids, known, request)
        : admitStranger(c, deps, ids, costOf)))
    // Memory takes no time: the clock of an edge stands still between two answers from outside.
    const tookMs = admission.source === 'memory' ? 0 : deps.now().getTime() - now.getTime()
    c.set('paywallMs', tookMs)

    inBackground(c, noteKeyUse(deps, ids.keyId, now.getTime()))
    notePreviousKey(deps, ids)
    const call = new OpenCall(c, deps, admission.decision, admission.holding)
    c.set('paid', call)
    const { policy, limit, timing } = paidHeaders(now, admission, tookMs)
    try {
      await next()
    } catch (thrown) {
      // Only what is no Error gets here.
      call.end(NO_UNITS, true)
      throw thrown
    }
    answerHeader(c, 'RateLimit-Policy', policy)
    answerHeader(c, 'RateLimit', limit)
    answerHeader(c, 'Server-Timing', timing)
    if (c.error || !call.settlesLater) {
      const { status } = c.res
      call.end(status >= 500 ? NO_UNITS : call.cost, status !== CLIENT_LEFT)
    }
    inBackground(c, upkeep(deps, now.getTime()))
  }
}

/** The ids of a key that proves itself: hashed once, then known by its text. */
function provenKey(c: AppContext, { memory, config }: Deps, now: Date): KeyIds {
  const text = c.req.header('X-API-Key')
  if (!text) throw missingKey()
  const known = memory.keys.get(text)
  if (known) return known
  const ids = proveApiKey(config.apiKeySecrets, text)
  if (!ids || (memory.refusedKeys.get(text) ?? 0) > now.getTime()) throw endedKey()
  return ids
}

type Admitted = Admission & { decision: Allowed; holding: Holding }

/** A plain call by an account that this isolate knows and holds units of: at once, or null. */
function fromMemory(
  deps: Deps,
  known: Allowed | null,
  request: PaidRequest | Promise<PaidRequest> | null,
  now: Date,
): Admitted | null {
  if (!known || !request || request instanceof Promise || !isPlain(request)) return null
  const admission = admitFromMemory(deps, known, now)
  return admission && admitted(admission)
}

/** @throws Problem for whoever is not let in; AccountsUnavailable */
async function admitKnown(
  c: AppContext,
  deps: Deps,
  ids: KeyIds,
  known: Allowed | null,
  asked: PaidRequest | Promise<PaidRequest>,
): Promise<Admitted> {
  const request = await asked
  const ready = fromMemory(deps, known, request, deps.now())
  return ready ?? admitted(await admissionFromStores(c, deps, ids, request, true))
}

/** @throws Problem for whoever is not let in; AccountsUnavailable */
async function admitStranger(
  c: AppContext,
  deps: Deps,
  ids: KeyIds,
  costOf: CostOf,
): Promise<Admitted> {
  // Whoever this isolate has seen before is counted before anything is asked for.
  const seen = deps.memory.accounts.get(ids.userId)?.account
  if (seen && !(await isWithinRate(deps, decisionFor(deps, seen, ids)))) throw rateLimited()
  const { value = NO_REQUEST, problem } = await attempt(async () => requestOf(c, ids, costOf))
  const isCounted = seen !== undefined && seen !== null
  return admitted(await admissionFromStores(c, deps, ids, value, isCounted, problem))
}

type PaidRequest = Pick<Ask, 'units'> & { repetition: Repetition | null }
const NO_REQUEST: PaidRequest = { units: null, repetition: null }

function requestOf(
  c: AppContext,
  { userId }: KeyIds,
  costOf: CostOf,
): PaidRequest | Promise<PaidRequest> {
  if (c.req.header('Idempotency-Key') !== undefined) return repeatable(c, userId, costOf)
  const units = costOf(c)
  if (!(units instanceof Promise)) return { repetition: null, units }
  return units.then((cost) => ({ repetition: null, units: cost }))
}

async function repeatable(c: AppContext, userId: string, costOf: CostOf): Promise<PaidRequest> {
  const repetition = await repetitionOf(c, userId)
  return { repetition, units: await costOf(c) }
}

/** Others may wait for it, and it may hold units: it goes on where its own caller leaves. */
function admissionFromStores(...asked: Parameters<typeof askStores>): Promise<Admission> {
  const admission = askStores(...asked)
  inBackground(asked[0], Promise.allSettled([admission]))
  return admission
}

/** `problem` is what is wrong with the request; `isCounted` whether it has passed its rate limit. */
async function askStores(
  c: AppContext,
  deps: Deps,
  ids: KeyIds,
  { units, repetition }: PaidRequest,
  isCounted: boolean,
  problem?: Problem,
): Promise<Admission> {
  const { userId, keyId } = ids
  const asking = admitTogether(deps, { userId, keyId, units, repetition }).finally(() =>
    inBackground(c, upkeep(deps, deps.now().getTime())),
  )
  const answer = await asking
  c.set('layer', answer.source)
  const { decision, holding, obstacle } = answer
  for (const work of answer.background) inBackground(c, work)
  if ('account' in decision) notePreviousKey(deps, ids)
  if (repetition) c.set('repetition', repetition)
  try {
    if (!isCounted && !(await isWithinRate(deps, decision))) throw rateLimited()
    if (!decision.allowed) throw await denialOf(c, decision)
    if (problem) throw problem
    if (obstacle) throw obstacleRefusal(decision, obstacle, units ?? NO_UNITS, deps.now())
  } catch (refused) {
    if (holding) {
      inBackground(c, settle(deps, holding, NO_UNITS))
      inBackground(c, tendHolding(deps, holding))
    }
    throw refused
  }
  // From now on, and not only when the call has ended: it may be the last for a while, and a long one.
  if (holding) inBackground(c, tendHolding(deps, holding))
  rememberKey(c, ids)
  return answer
}

function admitted(admission: Admission): Admitted {
  if (admission.decision.allowed && admission.holding) return admission as Admitted
  throw new Error('A call was let in without units')
}
