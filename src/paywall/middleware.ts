// What every paid call goes through, top to bottom: key, account, decision, rate, units, handler, settlement.
import { type KeyIds, proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard, PaidCall } from '../context.ts'
import { LEASE_SECONDS, settle, type Units } from '../data/leases.ts'
import { putBounded } from '../data/memory.ts'
import { promptPrices } from '../data/prices.ts'
import { NO_UNITS } from '../data/units.ts'
import { upkeep } from '../data/upkeep.ts'
import { Problem } from '../problem.ts'
import { type Admission, type Ask, admit, admitFromMemory, isPlain, knownAsPaid } from './admit.ts'
import type { Allowed, Decision, Denied } from './decide.ts'
import { paidHeaders } from './headers.ts'
import { repetitionOf } from './idempotency.ts'
import { obstacleRefusal, paymentRefusal } from './refusal.ts'

/** The most that a call may use; asked only of callers with a key of ours. It may throw a Problem for a bad request. */
export type CostOf = (c: AppContext) => Promise<Units>

const ONE_CALL: Units = { apiCalls: 1, reactions: 0 }
/** A stream ends this long before its lease does, so that it can still be booked. */
const MARGIN_SECONDS = 60
// The tiers' limiters count over ten seconds (wrangler.toml).
const RATE_PERIOD_SECONDS = 10
/** A key that is no account's is believed to be none for this long at most. */
const REFUSED_KEY_MS = 1_000

/**
 * Guards a paid route. Throws the problems of the contract's paywall table; where nobody who could tell answers, the
 * error passes through as what it is and is answered 503, never "invalid key" and never 402.
 */
export function paywall(costOf: CostOf = async () => ONE_CALL): Guard {
  return async function paywall(c, next) {
    const { deps } = c.var
    const started = performance.now()
    const ids = provenKey(c)
    const { decision, holding, used, source } = await admission(c, ids, costOf)
    const took = performance.now() - started

    const call = openCall(c, decision, holding)
    c.set('paid', call)
    paidHeaders(c, decision, holding, used, `paywall;dur=${took.toFixed(1)};desc="${source}"`)
    await next()
    if (c.error || !call.settlesLater) {
      background(c, settle(deps, holding, c.res.status >= 500 ? NO_UNITS : call.cost))
    }
    background(c, upkeep(deps))
  }
}

/** The ids of a key that proves itself: hashed once, then known by its text. */
function provenKey(c: AppContext): KeyIds {
  const { memory, config, now } = c.var.deps
  const text = c.req.header('X-API-Key')
  if (!text) throw new Problem('missing_api_key', { headers: KEY_SCHEME })
  const known = memory.keys.get(text)
  if (known) return known
  const ids = proveApiKey(config.apiKeySecrets, text)
  if (!ids || (memory.refusedKeys.get(text) ?? 0) > now().getTime()) throw invalidKey()
  return ids
}

const KEY_SCHEME = { 'WWW-Authenticate': 'ApiKey' }

function invalidKey(): Problem {
  return new Problem('invalid_api_key', { headers: KEY_SCHEME })
}

type Admitted = Admission & { decision: Allowed; holding: NonNullable<Admission['holding']> }

/** @throws Problem for whoever is not let in; AccountsUnavailable */
async function admission(c: AppContext, ids: KeyIds, costOf: CostOf): Promise<Admitted> {
  const { deps } = c.var
  const known = knownAsPaid(deps, ids.userId, ids.keyId)
  if (!known) {
    // What is wrong with the request is told only to those who may call: the account first.
    const { value = NO_REQUEST, problem } = await attempt(() => requestOf(c, ids, costOf))
    return admitted(await admissionFromStores(c, ids, value, { problem }))
  }
  await passRateLimit(deps, known)
  const request = await requestOf(c, ids, costOf)
  const ready = isPlain(request) ? admitFromMemory(deps, known) : null
  return admitted(ready ?? (await admissionFromStores(c, ids, request, { ratePassed: true })))
}

type PaidRequest = Pick<Ask, 'units' | 'repetition'>
const NO_REQUEST: PaidRequest = { units: null, repetition: null }

async function requestOf(c: AppContext, { userId }: KeyIds, costOf: CostOf): Promise<PaidRequest> {
  const repetition = await repetitionOf(c, userId)
  return { repetition, units: await costOf(c) }
}

/** `problem` is what is wrong with the request. */
async function admissionFromStores(
  c: AppContext,
  { userId, keyId }: KeyIds,
  { units, repetition }: PaidRequest,
  { problem, ratePassed = false }: { problem?: Problem | undefined; ratePassed?: boolean },
): Promise<Admission> {
  const { deps } = c.var
  const answer = await admit(deps, { userId, keyId, units, repetition }).finally(() =>
    background(c, upkeep(deps)),
  )
  const { decision, holding, obstacle } = answer
  for (const work of answer.background) background(c, work)
  if (repetition) c.set('repetition', repetition)
  try {
    if (!ratePassed) await passRateLimit(deps, decision)
    if (!decision.allowed) throw await refusal(c, decision)
    if (problem) throw problem
    if (obstacle) throw obstacleRefusal(decision, obstacle, units ?? NO_UNITS, deps.now())
  } catch (refused) {
    if (holding) background(c, settle(deps, holding, NO_UNITS))
    throw refused
  }
  putBounded(deps.memory.keys, c.req.header('X-API-Key') ?? '', { userId, keyId })
  return answer
}

function admitted(admission: Admission): Admitted {
  if (admission.decision.allowed && admission.holding) return admission as Admitted
  throw new Error('A call was let in without units')
}

/** A Problem as a value. */
async function attempt<T>(work: () => Promise<T>): Promise<{ value?: T; problem?: Problem }> {
  try {
    return { value: await work() }
  } catch (problem) {
    if (problem instanceof Problem) return { problem }
    throw problem
  }
}

async function refusal(c: AppContext, decision: Denied): Promise<Problem> {
  const { config, stripe, now, memory } = c.var.deps
  if (decision.code === 'invalid_api_key') {
    const believedMs = Math.min(REFUSED_KEY_MS, config.memorySeconds * 1000)
    const text = c.req.header('X-API-Key') ?? ''
    memory.keys.delete(text)
    putBounded(memory.refusedKeys, text, now().getTime() + believedMs)
    return invalidKey()
  }
  const { origin } = new URL(c.req.url)
  return paymentRefusal(decision.code, decision.account, {
    origin,
    returnOrigin: config.redirectOrigins?.[0] ?? origin,
    prices: await promptPrices(stripe, config.prices, now()),
  })
}

/** By account, whether it has paid or not; a key that is not of an account has nothing to be counted by. */
async function passRateLimit(deps: Deps, decision: Decision): Promise<void> {
  if (!('account' in decision)) return
  const { account } = decision
  const tier = decision.allowed ? decision.tier : account.intendedTier
  if (await deps.limiters.tier[tier].allows(account.userId)) return
  throw new Problem('rate_limited', { headers: { 'Retry-After': String(RATE_PERIOD_SECONDS) } })
}

/** A call that has been let in, and how it settles. */
function openCall(c: AppContext, { account, tier }: Allowed, holding: Admitted['holding']) {
  const { deps } = c.var
  const call = {
    account,
    tier,
    cost: 'units' in holding ? holding.units : ONE_CALL,
    costs(units: Units) {
      call.cost = units
    },
    get endsBy() {
      return deps.signalAfter((LEASE_SECONDS - MARGIN_SECONDS) * 1000)
    },
    seedBytes: c.var.repetition?.seedBytes ?? null,
    settlesLater: false,
    settleLater() {
      call.settlesLater = true
      const ended = Promise.withResolvers<void>()
      // The client may leave before the stream has ended: the settlement must outlive the request.
      c.executionCtx.waitUntil(ended.promise)
      return (units: Units) =>
        Promise.resolve(settle(deps, holding, units) ?? undefined).finally(() => ended.resolve())
    },
  } satisfies PaidCall & Record<string, unknown>
  return call
}

function background(c: AppContext, work: Promise<unknown> | null): void {
  if (work) c.executionCtx.waitUntil(work)
}
