// Starting a Checkout: never a second one for somebody who pays already, never two open ones for one account.
import type Stripe from 'stripe'
import type { Deps } from '../context.ts'
import { hmacSha256 } from '../crypto.ts'
import type { AccountSnapshot } from '../data/accounts.ts'
import { isLive } from '../data/entitlement.ts'
import { type Tier, tierOfPrice } from '../plans.ts'
import { isRefused } from '../stripe-fault.ts'
import { createOnce } from './create-once.ts'
import { billingUser, ensureCustomer } from './customer.ts'
import { syncSubscription } from './sync.ts'

export interface CheckoutRequest {
  tier: Tier
  successUrl: string
  cancelUrl: string
}

export type CheckoutOutcome =
  | { kind: 'session'; id: string; url: string }
  | { kind: 'already_subscribed' }

/** @throws Stripe's errors; nothing half-done stays behind but a customer, which the next call uses */
export async function startCheckout(
  deps: Deps,
  account: AccountSnapshot,
  request: CheckoutRequest,
): Promise<CheckoutOutcome> {
  if (account.subscription && isLive(account.subscription.status)) {
    return { kind: 'already_subscribed' }
  }
  const customerId = await ensureCustomer(deps, await billingUser(deps, account.userId))
  // Stripe knows of a payment before its webhook has told us.
  const owned = await deps.stripe.subscriptions.list({
    customer: customerId,
    status: 'all',
    limit: 100,
  })
  const paid = owned.data.find((subscription) => isOurs(deps, subscription))
  if (paid) {
    await syncSubscription(deps, paid.id)
    return { kind: 'already_subscribed' }
  }
  const { data: sessions } = await deps.stripe.checkout.sessions.list({
    customer: customerId,
    limit: 100,
  })
  const wanted = fingerprint(deps, request)
  let reusable: Stripe.Checkout.Session | undefined
  for (const session of sessions.filter(({ status }) => status === 'open')) {
    if (session.metadata?.request === wanted && !reusable) reusable = session
    else if ((await closeSession(deps, session.id)) === 'paid')
      return { kind: 'already_subscribed' }
  }
  if (reusable) return sessionOutcome(reusable)
  const everSubscribed = account.subscription !== null || owned.data.length > 0
  const params = sessionParams(deps, account.userId, customerId, request, wanted, everSubscribed)
  // Parallel calls see the same latest session and so send the same key; once it is used up, the key changes.
  const key = `tollgate-checkout-${customerId}-${wanted}-${sessions[0]?.id ?? 'first'}`
  return sessionOutcome(
    await createOnce(deps, key, (options) => deps.stripe.checkout.sessions.create(params, options)),
  )
}

function sessionParams(
  deps: Deps,
  userId: string,
  customerId: string,
  { tier, successUrl, cancelUrl }: CheckoutRequest,
  wanted: string,
  everSubscribed: boolean,
): Stripe.Checkout.SessionCreateParams {
  const { prices, trialDays } = deps.config
  const metadata = { user_id: userId, tier }
  return {
    mode: 'subscription',
    customer: customerId,
    client_reference_id: userId,
    line_items: [{ price: prices[tier][0], quantity: 1 }],
    success_url: successUrl,
    cancel_url: cancelUrl,
    metadata: { ...metadata, request: wanted },
    subscription_data: {
      metadata,
      // A trial is taken once: whoever had a subscription, on trial or not, pays at once.
      ...(trialDays > 0 && !everSubscribed && { trial_period_days: trialDays }),
    },
  }
}

/** The same for requests that the same session answers: plan, price and where it leads. */
function fingerprint(deps: Deps, { tier, successUrl, cancelUrl }: CheckoutRequest): string {
  const text = JSON.stringify([tier, deps.config.prices[tier][0], successUrl, cancelUrl])
  const digest = hmacSha256(deps.config.apiKeySecrets[0], Buffer.from(text))
  return Buffer.from(digest).toString('hex').slice(0, 24)
}

function isOurs(deps: Deps, subscription: Stripe.Subscription): boolean {
  return (
    isLive(subscription.status) &&
    subscription.items.data.some(({ price }) => tierOfPrice(deps.config.prices, price.id) !== null)
  )
}

/** Expires an open session; Stripe refuses when it was paid or has expired in the meantime. */
async function closeSession(deps: Deps, sessionId: string): Promise<'closed' | 'paid'> {
  try {
    await deps.stripe.checkout.sessions.expire(sessionId)
    return 'closed'
  } catch (error) {
    if (!isRefused(error)) throw error
    const session = await deps.stripe.checkout.sessions.retrieve(sessionId)
    if (session.status === 'open') throw error
    return session.status === 'complete' ? 'paid' : 'closed'
  }
}

function sessionOutcome(session: Stripe.Checkout.Session): CheckoutOutcome {
  if (!session.url) throw new Error(`Stripe gave checkout session ${session.id} no URL`)
  return { kind: 'session', id: session.id, url: session.url }
}
