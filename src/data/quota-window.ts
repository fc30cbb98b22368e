// The window of an account's quota.
import { type Window, windowAt } from '../window.ts'
import type { AccountSnapshot } from './account-snapshot.ts'
import type { SubscriptionState } from './entitlement.ts'

/** The window of the quota at `now`: from the billing anchor, or from sign-up where nothing was bought. */
export function quotaWindow(
  account: AccountSnapshot,
  subscription: SubscriptionState | null,
  now: Date,
): Window {
  return windowAt(new Date(subscription?.billingCycleAnchor ?? account.createdAt), now)
}
