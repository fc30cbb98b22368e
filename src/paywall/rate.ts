// Calls a second, by the platform's limiter of the account's plan.
import type { Deps } from '../context.ts'
import { errorFields } from '../log.ts'
import { Problem } from '../problem.ts'
import type { Decision } from './decide.ts'

// The tiers' limiters count over ten seconds (wrangler.toml).
const RATE_PERIOD_SECONDS = 10

/** By account, whether it has paid or not; a key that is not of an account has nothing to be counted by. */
export function isWithinRate({ limiters, log }: Deps, decision: Decision): Promise<boolean> | true {
  if (!('account' in decision)) return true
  const { account } = decision
  const tier = decision.allowed ? decision.tier : account.intendedTier
  return limiters.tier[tier].allows(account.userId).catch((error: unknown) => {
    // A shield that is away keeps nobody out who has paid: the quota stands.
    log('error', 'limiter_failed', { limiter: tier, ...errorFields(error) })
    return true
  })
}

export function rateLimited(): Problem {
  return new Problem('rate_limited', { headers: { 'Retry-After': String(RATE_PERIOD_SECONDS) } })
}
