// What an answer to a paid call tells of the quota and of the layer that answered.
import type { Holding } from '../data/leases.ts'
import { unsettled } from '../data/pool.ts'
import { NO_UNITS, type Units } from '../data/units.ts'
import { PLANS } from '../plans.ts'
import type { Admission } from './admission.ts'
import type { Allowed } from './decide.ts'
import { secondsUntil } from './refusal.ts'

/**
 * The headers of an answer. draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: the monthly quotas and what is
 * left of them, by what this isolate knows when the call begins, the call counted; Server-Timing as W3C has it.
 */
export function paidHeaders(
  now: Date,
  {
    decision,
    holding,
    used,
    source,
  }: { decision: Allowed; holding: Holding } & Pick<Admission, 'used' | 'source'>,
  tookMs: number,
) {
  const { quotas } = PLANS[decision.tier]
  const mine = notInTheBooks(holding)
  const resets = secondsUntil(decision.window.end, now)
  const calls = Math.max(0, quotas.apiCalls - used.apiCalls - mine.apiCalls)
  const reactions = Math.max(0, quotas.reactions - used.reactions - mine.reactions)
  return {
    policy: policyOf(decision),
    limit: `"api-calls";r=${calls};t=${resets}, "reactions";r=${reactions};t=${resets}`,
    timing: `paywall;dur=${tookMs};desc="${source}"`,
  }
}

/** The same for all calls of a decision. */
const policies = new WeakMap<Allowed, string>()

function policyOf(decision: Allowed): string {
  const known = policies.get(decision)
  if (known) return known
  const { start, end } = decision.window
  const { quotas } = PLANS[decision.tier]
  const seconds = Math.round((end.getTime() - start.getTime()) / 1000)
  const policy = `"api-calls";q=${quotas.apiCalls};w=${seconds}, "reactions";q=${quotas.reactions};w=${seconds}`
  policies.set(decision, policy)
  return policy
}

/** What is used or held here and not in the books yet. */
function notInTheBooks(holding: Holding): Units {
  switch (holding.from) {
    case 'pool':
      return { apiCalls: unsettled(holding.pool), reactions: 0 }
    case 'lease':
    case 'loan':
      return holding.units
    case 'repeat':
      return NO_UNITS
  }
}
