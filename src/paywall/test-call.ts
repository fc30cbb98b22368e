// A call with a test key: let in as if it were subscribed, by an account that is there, at the rate of its plan. Spends
// nothing, counts nothing, and acts out a refusal where it is asked to.
import { answerHeader } from '../answer-header.ts'
import type { KeyIds } from '../api-key.ts'
import type { AppContext, Deps, Guard, PaidCall } from '../context.ts'
import { type AccountSnapshot, isKeyActive, subscriptionOf } from '../data/account-snapshot.ts'
import { recall } from '../data/accounts.ts'
import { noteKeyUse, notePreviousKey } from '../data/key-use.ts'
import { LEASE_SECONDS, type Units } from '../data/leases.ts'
import { quotaWindow } from '../data/quota-window.ts'
import { NO_UNITS } from '../data/units.ts'
import { upkeep } from '../data/upkeep.ts'
import { PLANS, type Tier } from '../plans.ts'
import { Problem } from '../problem.ts'
import type { Source } from './admission.ts'
import { admit } from './admit.ts'
import type { Allowed } from './decide.ts'
import { denialOf, paymentDenial, rememberKey } from './denial.ts'
import { paidHeaders } from './headers.ts'
import { inBackground } from './open-call.ts'
import { rateLimited } from './rate.ts'
import { obstacleRefusal } from './refusal.ts'

const MODE_HEADER = 'Tollgate-Mode'
const OUTCOME_HEADER = 'Tollgate-Test-Outcome'
const OUTCOMES = ['past_due', 'quota_exceeded', 'rate_limited'] as const
type Outcome = (typeof OUTCOMES)[number]

/** Throws what the paywall throws, but for what an account must pay for. */
export async function testCall(
  c: AppContext,
  deps: Deps,
  ids: KeyIds,
  costOf: (c: AppContext) => Units | Promise<Units>,
  next: Parameters<Guard>[1],
): Promise<void> {
  const now = deps.now()
  // Whoever this isolate has seen before is counted before anything is asked for.
  const seen = deps.memory.accounts.get(ids.userId)?.account
  const isCounted = seen !== undefined && seen !== null && isKeyActive(seen, ids.keyId, now)
  if (isCounted) await requireRate(c, deps, asSubscribed(deps, seen, now))
  const { account, source } = await accountOf(c, deps, ids)
  rememberKey(c, ids)
  notePreviousKey(deps, ids)
  inBackground(c, noteKeyUse(deps, ids.keyId, now.getTime()))
  const decision = asSubscribed(deps, account, now)
  if (!isCounted) await requireRate(c, deps, decision)
  const outcome = outcomeOf(c)
  if (outcome === 'rate_limited') throw rateLimited()
  if (outcome === 'past_due') throw await paymentDenial(c, 'payment_past_due', account)
  const units = await costOf(c)
  if (outcome === 'quota_exceeded') throw quotaExceeded(decision, units, now)

  const tookMs = source === 'memory' ? 0 : deps.now().getTime() - now.getTime()
  const { policy, limit, timing } = paidHeaders(
    now,
    { decision, holding: { from: 'repeat' }, used: NO_UNITS, source },
    tookMs,
  )
  c.set('paid', new TestCall(deps, account, decision.tier))
  await next()
  answerHeader(c, MODE_HEADER, 'test')
  answerHeader(c, 'RateLimit-Policy', policy)
  answerHeader(c, 'RateLimit', limit)
  answerHeader(c, 'Server-Timing', timing)
}

/** From wherever it is closest, as for a paid call. @throws Problem invalid_api_key; AccountsUnavailable */
async function accountOf(
  c: AppContext,
  deps: Deps,
  { userId, keyId }: KeyIds,
): Promise<{ account: AccountSnapshot; source: Source }> {
  const now = deps.now()
  const known = recall(deps, userId, now.getTime())?.account
  if (known && isKeyActive(known, keyId, now)) return { account: known, source: 'memory' }
  const asking = admit(deps, { userId, keyId, units: null, repetition: null }).finally(() =>
    inBackground(c, upkeep(deps, deps.now().getTime())),
  )
  const { decision, source, background } = await asking
  for (const work of background) inBackground(c, work)
  if (!('account' in decision)) throw await denialOf(c, decision)
  return { account: decision.account, source }
}

/** What a subscription would open: the one that there is, else the plan that they mean to buy. */
function asSubscribed({ config }: Deps, account: AccountSnapshot, now: Date): Allowed {
  const subscription = subscriptionOf(account, now, config.pastDueGraceDays)
  const window = quotaWindow(account, subscription, now)
  const tier = subscription?.tier ?? account.intendedTier
  return { allowed: true, account, tier, window, until: window.end.getTime() }
}

/** Apart from the live calls: whoever tests must not stop what is sold. @throws Problem rate_limited */
async function requireRate(
  c: AppContext,
  { limiters }: Deps,
  { account, tier }: Allowed,
): Promise<void> {
  // The key is known to be one: from here on every answer says so, what is thrown too.
  c.header(MODE_HEADER, 'test')
  if (!(await limiters.tier[tier].allows(`${account.userId}:test`))) throw rateLimited()
}

/** @throws Problem invalid_request for an outcome that is none */
function outcomeOf(c: AppContext): Outcome | null {
  const text = c.req.header(OUTCOME_HEADER)
  if (text === undefined) return null
  const outcome = OUTCOMES.find((each) => each === text.trim())
  if (outcome) return outcome
  const message = `must be one of ${OUTCOMES.join(', ')}, or absent`
  throw new Problem('invalid_request', { members: { errors: [{ path: OUTCOME_HEADER, message }] } })
}

/** As for an account that has used up both quotas. */
function quotaExceeded(decision: Allowed, units: Units, now: Date): Problem {
  const used = PLANS[decision.tier].quotas
  return obstacleRefusal(decision, { kind: 'full', used, taken: used, heldUntil: null }, units, now)
}

/** A stream may last as long as that of a live call. */
const LASTS_MS = (LEASE_SECONDS - 60) * 1000

/** Whatever it costs is not booked. */
class TestCall implements PaidCall {
  readonly mode = 'test'
  readonly seedBytes = null
  readonly account: AccountSnapshot
  readonly tier: Tier
  readonly #deps: Deps

  constructor(deps: Deps, account: AccountSnapshot, tier: Tier) {
    this.#deps = deps
    this.account = account
    this.tier = tier
  }

  get endsBy(): AbortSignal {
    return this.#deps.signalAfter(LASTS_MS)
  }

  settleLater(): () => Promise<void> {
    return async () => {}
  }

  costs(): void {}
}
