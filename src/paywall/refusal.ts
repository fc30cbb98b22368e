// What a refused caller is told: the contract's 402 and 429, with everything a program needs to go on.
import type { AccountSnapshot } from '../data/accounts.ts'
import type { AccessDenial } from '../data/entitlement.ts'
import type { LeaseAnswer, Units } from '../data/leases.ts'
import { type KnownPrices, planViews } from '../data/prices.ts'
import { type Plan, TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import type { Window } from '../window.ts'

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

/** 429: which quota does not hold the call, and when to try again. */
export function quotaRefusal(
  plan: Plan,
  window: Window,
  asked: Units,
  { used, settled, heldUntil }: LeaseAnswer,
  now: Date,
): Problem {
  const unit = used.apiCalls + asked.apiCalls > plan.quotas.apiCalls ? 'apiCalls' : 'reactions'
  const name = unit === 'apiCalls' ? 'api_calls' : 'reactions'
  const quota = plan.quotas[unit]
  const cost = asked[unit]
  const left = Math.max(0, quota - used[unit])
  // What running calls hold comes back, in part at least, when they end.
  const wait = settled[unit] + cost <= quota && heldUntil ? heldUntil : window.end
  const advice =
    wait === window.end
      ? `Ask for less, wait until resets_at${plan.tier === TIERS.at(-1) ? '' : ' or choose a larger plan in the portal'}.`
      : 'Calls of yours that are still running hold the rest: ask again when they have ended.'
  return new Problem('quota_exceeded', {
    detail: `This call may cost ${cost} ${name} and ${left} of ${quota} are left. ${advice}`,
    members: { unit: name, quota, used: used[unit], cost, resets_at: window.end.toISOString() },
    headers: { 'Retry-After': String(secondsUntil(wait < window.end ? wait : window.end, now)) },
  })
}

/** Whole seconds, rounded up, at least one. */
export function secondsUntil(instant: Date, now: Date): number {
  return Math.max(1, Math.ceil((instant.getTime() - now.getTime()) / 1000))
}
