// What every paid call goes through, top to bottom: key, account, decision, rate, quota, handler, settlement.
import { proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard, PaidCall } from '../context.ts'
import { uuid } from '../crypto.ts'
import { readAccount } from '../data/accounts.ts'
import { type LeaseAnswer, settleLease, takeLease, type Units } from '../data/leases.ts'
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
    if (!decision.allowed) throw await refusal(c, decision)
    await passRateLimit(deps, decision)
    const asked = await costOf(c)
    const lease = await takeUnits(deps, decision, asked)
    const took = performance.now() - started

    const call = openCall(c, lease.id, decision)
    c.set('paid', call)
    await next()
    if (c.error || !call.settlesLater) await call.settle(c.res.status >= 500 ? NOTHING : asked)

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

async function passRateLimit(deps: Deps, { account, tier }: Allowed): Promise<void> {
  if (await deps.limiters.tier[tier].allows(account.userId)) return
  throw new Problem('rate_limited', { headers: { 'Retry-After': String(RATE_PERIOD_SECONDS) } })
}

async function takeUnits(
  deps: Deps,
  { account, tier, window }: Allowed,
  units: Units,
): Promise<{ id: string; answer: LeaseAnswer }> {
  const id = uuid(deps.randomBytes)
  const { quotas } = PLANS[tier]
  const now = deps.now()
  const request = { id, userId: account.userId, window, quotas, units, now }
  const answer = await takeLease(deps.db, request)
  if (!answer.granted) throw quotaRefusal(PLANS[tier], window, units, answer.used, now)
  return { id, answer }
}

/** A call that has been let in; settles once, and a settlement that fails leaves the customer uncharged. */
function openCall(c: AppContext, leaseId: string, { account }: Allowed) {
  const { deps } = c.var
  const settle = async (units: Units): Promise<void> => {
    try {
      await settleLease(deps.db, leaseId, units, deps.now())
    } catch (error) {
      deps.log('error', 'usage_not_settled', { user_id: account.userId, ...errorFields(error) })
    }
  }
  const call = {
    account,
    settle,
    settlesLater: false,
    settleLater() {
      call.settlesLater = true
      // The client may leave before the stream has ended: the settlement must outlive the request.
      const { promise, resolve } = Promise.withResolvers<void>()
      c.executionCtx.waitUntil(promise)
      return (units: Units) => settle(units).finally(resolve)
    },
  } satisfies PaidCall & Record<string, unknown>
  return call
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
