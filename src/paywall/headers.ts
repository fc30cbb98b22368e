// What an answer to a paid call tells of the quota and of the layer that answered.
import type { AppContext } from '../context.ts'
import type { Holding } from '../data/leases.ts'
import { NO_UNITS, type Units } from '../data/units.ts'
import { PLANS } from '../plans.ts'
import type { Allowed } from './decide.ts'
import { secondsUntil } from './refusal.ts'

/**
 * draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: the monthly quotas and what is left of them, by what
 * this isolate knows, this call counted; Server-Timing as W3C has it. Set before the handler answers: Hono makes a
 * new Response for each header that comes later. A handler answers by `c.body` and the like to have them.
 */
export function paidHeaders(
  c: AppContext,
  { tier, window }: Allowed,
  holding: Holding,
  used: Units,
  timing: string,
): void {
  const { quotas } = PLANS[tier]
  const mine = unsettled(holding)
  const seconds = Math.round((window.end.getTime() - window.start.getTime()) / 1000)
  const resets = secondsUntil(window.end, c.var.deps.now())
  const calls = Math.max(0, quotas.apiCalls - used.apiCalls - mine.apiCalls)
  const reactions = Math.max(0, quotas.reactions - used.reactions - mine.reactions)
  c.header(
    'RateLimit-Policy',
    `"api-calls";q=${quotas.apiCalls};w=${seconds}, "reactions";q=${quotas.reactions};w=${seconds}`,
  )
  c.header(
    'RateLimit',
    `"api-calls";r=${calls};t=${resets}, "reactions";r=${reactions};t=${resets}`,
  )
  c.header('Server-Timing', timing)
}

/** What is used or held here and not in the books yet. */
function unsettled(holding: Holding): Units {
  switch (holding.from) {
    case 'pool':
      return { apiCalls: holding.pool.spent + holding.pool.inUse, reactions: 0 }
    case 'lease':
    case 'loan':
      return holding.units
    case 'repeat':
      return NO_UNITS
  }
}
