// What an account's snapshot grants, as the lease's script reads it beside the snapshot.
import { PLANS } from '../plans.ts'
import { type AccountSnapshot, subscriptionOf, type UsedByWindow } from './account-snapshot.ts'
import { accessDenial, accessUntil } from './entitlement.ts'
import type { Stores } from './memory.ts'
import { quotaWindow } from './quota-window.ts'

/** What the lease's script goes by: from when to when there is access, in which window, with which quotas. */
export function grantArguments(
  { now, config }: Stores,
  account: AccountSnapshot | null,
  used: UsedByWindow | null,
): string[] {
  const none = ['', '', '', '', '', '', '']
  if (account === null) return none
  const at = now()
  const subscription = subscriptionOf(account, at, config.pastDueGraceDays)
  if (!subscription || accessDenial(subscription, at, config.pastDueGraceDays) !== null) return none
  const { start, end } = quotaWindow(account, subscription, at)
  const until = Math.min(end.getTime(), accessUntil(subscription, config.pastDueGraceDays))
  const { quotas } = PLANS[subscription.tier]
  const base = used && (used.get(start.getTime()) ?? { apiCalls: 0, reactions: 0 })
  return [
    `${start.getTime()}:${until}`,
    String(start.getTime()),
    String(end.getTime()),
    String(quotas.apiCalls),
    String(quotas.reactions),
    String(base?.apiCalls ?? ''),
    String(base?.reactions ?? ''),
  ]
}
