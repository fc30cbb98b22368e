// Let in or refused: pure. The account, the key and the clock decide.
import { type AccountSnapshot, isKeyActive, subscriptionOf } from '../data/account-snapshot.ts'
import { type AccessDenial, accessDenial, accessUntil } from '../data/entitlement.ts'
import { quotaWindow } from '../data/quota-window.ts'
import type { Tier } from '../plans.ts'
import type { Window } from '../window.ts'

export type Decision =
  | {
      allowed: true
      account: AccountSnapshot
      tier: Tier
      window: Window
      /** Until when the same account is let in the same way; milliseconds since 1970. */
      until: number
    }
  | { allowed: false; code: 'invalid_api_key' }
  | { allowed: false; code: AccessDenial; account: AccountSnapshot }

export type Allowed = Extract<Decision, { allowed: true }>
export type Denied = Extract<Decision, { allowed: false }>

/** `account` is null for a user that does not exist. */
export function decide(
  account: AccountSnapshot | null,
  keyId: string,
  now: Date,
  graceDays: number,
): Decision {
  if (account === null || !isKeyActive(account, keyId, now)) {
    return { allowed: false, code: 'invalid_api_key' }
  }
  const subscription = subscriptionOf(account, now, graceDays)
  const denial = accessDenial(subscription, now, graceDays)
  if (denial !== null || subscription === null) {
    return { allowed: false, code: denial ?? 'subscription_required', account }
  }
  const window = quotaWindow(account, subscription, now)
  const until = Math.min(window.end.getTime(), accessUntil(subscription, graceDays))
  return { allowed: true, account, tier: subscription.tier, window, until }
}
