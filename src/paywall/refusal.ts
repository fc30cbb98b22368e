// What a refused caller is told: the contract's 402 and 429, with everything a program needs to go on.
import type { AccountSnapshot } from '../data/accounts.ts'
import type { AccessDenial } from '../data/entitlement.ts'
import type { Units } from '../data/leases.ts'
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

/** 429: which quota does not hold the call, and when the next one begins. */
export function quotaRefusal(
  plan: Plan,
  window: Window,
  asked: Units,
  used: Units,
  now: Date,
): Problem {
  const callsLeft = used.apiCalls + asked.apiCalls <= plan.quotas.apiCalls
  const unit = callsLeft ? 'reactions' : 'api_calls'
  const quota = callsLeft ? plan.quotas.reactions : plan.quotas.apiCalls
  const spent = callsLeft ? used.reactions : used.apiCalls
  const left = Math.max(0, quota - spent)
  const cost = callsLeft ? asked.reactions : asked.apiCalls
  const larger = plan.tier === TIERS.at(-1) ? '' : ' or choose a larger plan in the portal'
  return new Problem('quota_exceeded', {
    detail: `This call may cost ${cost} ${unit} and ${left} of ${quota} are left. Ask for less, wait until resets_at${larger}.`,
    members: { unit, quota, used: spent, cost, resets_at: window.end.toISOString() },
    headers: { 'Retry-After': String(secondsUntil(window.end, now)) },
  })
}

/** Whole seconds, rounded up, at least one. */
export function secondsUntil(instant: Date, now: Date): number {
  return Math.max(1, Math.ceil((instant.getTime() - now.getTime()) / 1000))
}
