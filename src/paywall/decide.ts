// Let in or refused: pure. The account, the key and the clock decide.
import { type AccountSnapshot, isKeyActive, subscriptionOf } from '../data/accounts.ts'
import { type AccessDenial, accessDenial } from '../data/entitlement.ts'
import { quotaWindow } from '../data/usage.ts'
import type { Tier } from '../plans.ts'
import type { Window } from '../window.ts'

export type Decision =
  | { allowed: true; account: AccountSnapshot; tier: Tier; window: Window }
  | { allowed: false; code: 'invalid_api_key' }
  | { allowed: false; code: AccessDenial; account: AccountSnapshot }

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
  return { allowed: true, account, tier: subscription.tier, window }
}
