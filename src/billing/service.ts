// What an account can see and change of its billing.
import type { Deps } from '../context.ts'
import { type AccountSnapshot, subscriptionOf } from '../data/account-snapshot.ts'
import { accessDenial, graceUntil } from '../data/entitlement.ts'
import { type PlanView, planViews, readPrices } from '../data/prices.ts'
import { readUsage, type UsageView } from '../data/usage.ts'
import { isMissing } from '../stripe-fault.ts'
import { billingUser } from './customer.ts'

/** A subscription on the wire; instants in ISO 8601 or null. */
export interface SubscriptionView {
  tier: string
  status: string
  current_period_start: string | null
  current_period_end: string | null
  cancel_at_period_end: boolean
  cancel_at: string | null
  trial_end: string | null
  grace_until: string | null
  access: boolean
  usage: UsageView
}

/** The plans with Stripe's prices. @throws Stripe's errors */
export async function listPlans({ stripe, config, now }: Deps): Promise<PlanView[]> {
  return planViews(await readPrices(stripe, config.prices, now()))
}

/** The account's subscription as the paywall sees it, and this window's use. */
export async function readSubscription(
  deps: Deps,
  account: AccountSnapshot,
): Promise<SubscriptionView> {
  const now = deps.now()
  const { pastDueGraceDays } = deps.config
  const subscription = subscriptionOf(account, now, pastDueGraceDays)
  const { current } = await readUsage(deps, account, subscription, now)
  return {
    tier: subscription?.tier ?? account.intendedTier,
    status: subscription?.status ?? 'none',
    current_period_start: iso(subscription?.currentPeriodStart),
    current_period_end: iso(subscription?.currentPeriodEnd),
    cancel_at_period_end: subscription?.cancelAtPeriodEnd ?? false,
    cancel_at: iso(subscription?.cancelAt),
    trial_end: iso(subscription?.trialEnd),
    grace_until: iso(subscription && graceUntil(subscription, pastDueGraceDays)),
    access: accessDenial(subscription, now, pastDueGraceDays) === null,
    usage: current,
  }
}

export type PortalOutcome = { kind: 'portal'; url: string } | { kind: 'no_customer' }

/** A session of Stripe's customer portal. @throws Stripe's errors */
export async function openPortal(
  deps: Deps,
  userId: string,
  returnUrl: string,
): Promise<PortalOutcome> {
  const { stripeCustomerId } = await billingUser(deps, userId)
  const { portalConfiguration: configuration } = deps.config.stripe
  if (!stripeCustomerId) return { kind: 'no_customer' }
  try {
    const session = await deps.stripe.billingPortal.sessions.create({
      customer: stripeCustomerId,
      return_url: returnUrl,
      ...(configuration && { configuration }),
    })
    return { kind: 'portal', url: session.url }
  } catch (error) {
    // It was deleted at Stripe; the next checkout makes another.
    if (!isMissing(error, 'customer')) throw error
    return { kind: 'no_customer' }
  }
}

function iso(epochMs: number | null | undefined): string | null {
  return epochMs === null || epochMs === undefined ? null : new Date(epochMs).toISOString()
}
