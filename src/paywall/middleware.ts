// What every paid call goes through, top to bottom: key, account, decision, rate, quota, handler, settlement.
import { proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard, PaidCall } from '../context.ts'
import { uuid } from '../crypto.ts'
import { type AccountSnapshot, readAccount } from '../data/accounts.ts'
import { databaseFault } from '../data/db.ts'
import {
  LEASE_SECONDS,
  type LeaseAnswer,
  settleLease,
  takeLease,
  type Units,
} from '../data/leases.ts'
import { promptPrices } from '../data/prices.ts'
import { errorFields } from '../log.ts'
import { PLANS } from '../plans.ts'
import { Problem } from '../problem.ts'
import { type Decision, decide } from './decide.ts'
import { paymentRefusal, quotaRefusal, secondsUntil } from './refusal.ts'

/** The most that a call may use; asked only of callers who may call. It may throw a Problem for a bad request. */
export type CostOf = (c: AppContext) => Promise<Units>

const ONE_CALL: Units = { apiCalls: 1, reactions: 0 }
const NOTHING: Units = { apiCalls: 0, reactions: 0 }
/** A stream ends this long before its lease does, so that it can still be booked. */
const MARGIN_SECONDS = 60
// The tiers' limiters count over ten seconds (wrangler.toml).
const RATE_PERIOD_SECONDS = 10

/**
 * Guards a paid route. Throws the problems of the contract's paywall table; a database that is away passes through
 * as what it is and is answered 503, never "invalid key" and never 402.
 */
export function paywall(costOf: CostOf = async () => ONE_CALL): Guard {
  return async function paywall(c, next) {
    const { deps } = c.var
    const started = performance.now()
    const { keyId, userId } = provenKey(c)
    const { account, source } = await readAccount(deps, userId)
    const decision = decide(account, keyId, deps.now(), deps.config.pastDueGraceDays)
    await passRateLimit(deps, decision)
    if (!decision.allowed) throw await refusal(c, decision)
    const asked = await costOf(c)
    const lease = await takeUnits(c, decision, asked)
    const took = performance.now() - started

    const call = openCall(c, lease.id, decision, asked)
    c.set('paid', call)
    await next()
    if (c.error || !call.settlesLater) await call.settle(c.res.status >= 500 ? NOTHING : call.cost)

    c.header('Server-Timing', `paywall;dur=${took.toFixed(1)};desc="${source}"`)
    quotaHeaders(c, decision, lease.answer)
  }
}

type Allowed = Extract<Decision, { allowed: true }>

function provenKey(c: AppContext) {
  const text = c.req.header('X-API-Key')
  const headers = { 'WWW-Authenticate': 'ApiKey' }
  if (!text) throw new Problem('missing_api_key', { headers })
  const ids = proveApiKey(c.var.deps.config.apiKeySecrets, text)
  if (!ids) throw new Problem('invalid_api_key', { headers })
  return ids
}

async function refusal(
  c: AppContext,
  decision: Extract<Decision, { allowed: false }>,
): Promise<Problem> {
  if (decision.code === 'invalid_api_key') {
    return new Problem('invalid_api_key', { headers: { 'WWW-Authenticate': 'ApiKey' } })
  }
  const { config, stripe, now } = c.var.deps
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

async function takeUnits(
  c: AppContext,
  { account, tier, window }: Allowed,
  units: Units,
): Promise<{ id: string; answer: LeaseAnswer }> {
  const { deps } = c.var
  const id = uuid(deps.randomBytes)
  const { quotas } = PLANS[tier]
  const now = deps.now()
  const request = { id, userId: account.userId, window, quotas, units, now }
  try {
    const answer = await takeLease(deps.db, request)
    if (!answer.granted) throw quotaRefusal(PLANS[tier], window, units, answer, now)
    return { id, answer }
  } catch (error) {
    // Where only the answer was lost the units are held: they go back, or a second try would find them taken.
    if (databaseFault(error)) c.executionCtx.waitUntil(settle(deps, id, account, NOTHING))
    throw error
  }
}

/** A call that has been let in, and how it settles. */
function openCall(c: AppContext, leaseId: string, { account, tier }: Allowed, asked: Units) {
  const { deps } = c.var
  const ended = Promise.withResolvers<void>()
  const book = (units: Units) => settle(deps, leaseId, account, units).finally(ended.resolve)
  const call = {
    account,
    tier,
    cost: asked,
    costs(units: Units) {
      call.cost = units
    },
    endsBy: deps.signalAfter((LEASE_SECONDS - MARGIN_SECONDS) * 1000),
    settle: book,
    settlesLater: false,
    settleLater() {
      call.settlesLater = true
      // The client may leave before the stream has ended: the settlement must outlive the request.
      c.executionCtx.waitUntil(ended.promise)
      return book
    },
  } satisfies PaidCall & Record<string, unknown>
  return call
}

/**
 * Books `units`, once however often it is sent: so a second try may follow one whose answer was lost. Where both
 * fail the customer is not charged, and the log says so.
 */
async function settle(
  deps: Deps,
  leaseId: string,
  account: AccountSnapshot,
  units: Units,
): Promise<void> {
  const send = () => settleLease(deps.db, leaseId, units, deps.now())
  const fields = { user_id: account.userId, lease: leaseId, reactions: units.reactions }
  try {
    if (!(await send())) deps.log('error', 'usage_settled_late', fields)
  } catch {
    try {
      await send()
    } catch (error) {
      deps.log('error', 'usage_not_settled', { ...fields, ...errorFields(error) })
    }
  }
}

/** draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: the monthly quotas and what is left of them. */
function quotaHeaders(c: AppContext, { tier, window }: Allowed, { used }: LeaseAnswer): void {
  const { quotas } = PLANS[tier]
  const seconds = Math.round((window.end.getTime() - window.start.getTime()) / 1000)
  const resets = secondsUntil(window.end, c.var.deps.now())
  const policy = (name: string, quota: number) => `"${name}";q=${quota};w=${seconds}`
  const rest = (name: string, left: number) => `"${name}";r=${Math.max(0, left)};t=${resets}`
  c.header(
    'RateLimit-Policy',
    `${policy('api-calls', quotas.apiCalls)}, ${policy('reactions', quotas.reactions)}`,
  )
  c.header(
    'RateLimit',
    `${rest('api-calls', quotas.apiCalls - used.apiCalls)}, ${rest('reactions', quotas.reactions - used.reactions)}`,
  )
}
