// What a refused caller is told: the contract's 402 and 429, with everything a program needs to go on.
import type { AccountSnapshot } from '../data/account-snapshot.ts'
import type { AccessDenial } from '../data/entitlement.ts'
import { type KnownPrices, planViews } from '../data/prices.ts'
import type { Units } from '../data/units.ts'
import { PLANS, TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import type { Obstacle } from './admission.ts'
import type { Allowed } from './decide.ts'

/** Where the calls that lead out of the refusal are, and where a browser should come back to. */
export interface WayOut {
  /** Origin of this API, as the caller reached it. */
  origin: string
  /** An origin that redirects may go to. */
  returnOrigin: string
  prices: KnownPrices
}

/** 402: what to buy and how, or the portal where a subscription needs mending. */
export function paymentRefusal(
  code: AccessDenial,
  account: AccountSnapshot,
  { origin, returnOrigin, prices }: WayOut,
): Problem {
  const checkout = {
    method: 'POST',
    url: `${origin}/api/v1/billing/checkout/session`,
    body: {
      tier: account.intendedTier,
      success_url: `${returnOrigin}/`,
      cancel_url: `${returnOrigin}/`,
    },
  }
  const portal = {
    method: 'POST',
    url: `${origin}/api/v1/billing/portal`,
    body: { return_url: `${returnOrigin}/` },
  }
  const plans = planViews(prices)
  const members =
    code === 'subscription_required' ? { plans, checkout } : { plans, checkout, portal }
  return new Problem(code, { members })
}

/** Why a call is not let in though its account may call: 429, or what is wrong with its idempotency key. */
export function obstacleRefusal(
  decision: Allowed,
  obstacle: Obstacle,
  asked: Units,
  now: Date,
): Problem {
  switch (obstacle.kind) {
    case 'full':
      return quotaRefusal(decision, asked, obstacle, now)
    case 'running':
      return new Problem('idempotency_key_in_use', { headers: { 'Retry-After': '1' } })
    case 'key_reused':
      return new Problem('idempotency_key_reused')
    case 'key_used_up':
      return new Problem('idempotency_key_used_up')
  }
}

/** Which quota does not hold the call, and when to try again. */
function quotaRefusal(
  { tier, window }: Allowed,
  asked: Units,
  { used, taken, heldUntil }: Extract<Obstacle, { kind: 'full' }>,
  now: Date,
): Problem {
  const { quotas } = PLANS[tier]
  const unit = taken.apiCalls + asked.apiCalls > quotas.apiCalls ? 'apiCalls' : 'reactions'
  const name = unit === 'apiCalls' ? 'api_calls' : 'reactions'
  const quota = quotas[unit]
  const cost = asked[unit]
  const left = Math.max(0, quota - taken[unit])
  // What running calls hold comes back, in part at least, when they end.
  const isHeld =
    used[unit] + cost <= quota && heldUntil !== null && heldUntil < window.end.getTime()
  const advice = isHeld
    ? 'Calls of yours that are still running hold the rest: ask again when they have ended.'
    : `Ask for less${cost > quota ? '' : ', wait until resets_at'}${tier === TIERS.at(-1) ? '' : ' or choose a larger plan in the portal'}.`
  const wait = isHeld ? new Date(heldUntil) : window.end
  return new Problem('quota_exceeded', {
    detail: `This call may cost ${cost} ${name} and ${left} of ${quota} are left. ${advice}`,
    members: {
      unit: name,
      quota,
      used: Math.min(quota, taken[unit]),
      cost,
      resets_at: window.end.toISOString(),
    },
    headers: { 'Retry-After': String(secondsUntil(wait, now)) },
  })
}

/** Whole seconds, rounded up, at least one. */
export function secondsUntil(instant: Date, now: Date): number {
  return Math.max(1, Math.ceil((instant.getTime() - now.getTime()) / 1000))
}
