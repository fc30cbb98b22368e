// Starting a Checkout: never a second one for somebody who pays already, never two open ones for one account.
import type Stripe from 'stripe'
import type { Deps } from '../context.ts'
import { hmacSha256 } from '../crypto.ts'
import type { AccountSnapshot } from '../data/account-snapshot.ts'
import { loadAccount } from '../data/accounts.ts'
import { isLive } from '../data/entitlement.ts'
import { type Tier, tierOfPrice } from '../plans.ts'
import { Problem } from '../problem.ts'
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

/** Rounds in which parallel calls for different plans agree on one open session. */
const ROUNDS = 6

/** @throws Stripe's errors; nothing half-done stays behind but a customer, which the next call uses */
export async function startCheckout(
  deps: Deps,
  account: AccountSnapshot,
  request: CheckoutRequest,
): Promise<CheckoutOutcome> {
  if (await isSubscribed(deps, account)) return { kind: 'already_subscribed' }
  const user = await billingUser(deps, account.userId)
  const customer = await ensureCustomer(deps, user)
  const owned = await subscriptionsOf(deps, customer)
  if (await syncPaid(deps, owned)) return { kind: 'already_subscribed' }
  // A trial is taken once: whoever had a subscription, on trial or not, in an account that was deleted too, pays at once.
  const isReplaced = user.stripeCustomerId !== null && user.stripeCustomerId !== customer
  const known = isReplaced ? await loadAccount(deps.db, account.userId) : account
  const isFirst = !user.trialUsed && known?.subscriptions.length === 0 && owned.length === 0
  const order = { ...request, customer, trialDays: isFirst ? deps.config.trialDays : 0 }
  for (let round = 0; round < ROUNDS; round += 1) {
    const session = await openSession(deps, account.userId, order)
    const result = await keepNewest(deps, session)
    if (result === 'paid') return { kind: 'already_subscribed' }
    if (result === 'lost') continue
    // An earlier session may have been paid while this one was made.
    if (!(await syncPaid(deps, await subscriptionsOf(deps, customer))))
      return sessionOutcome(session)
    await closeSession(deps, session.id)
    return { kind: 'already_subscribed' }
  }
  throw new Problem('unavailable', { headers: { 'Retry-After': '1' } })
}

async function subscriptionsOf(deps: Deps, customer: string): Promise<Stripe.Subscription[]> {
  const { data } = await deps.stripe.subscriptions.list({ customer, status: 'all', limit: 100 })
  return data
}

/** Whether one of these is live and ours: Stripe knows of a payment before its webhook has told us. */
async function syncPaid(deps: Deps, owned: readonly Stripe.Subscription[]): Promise<boolean> {
  const paid = owned.find((subscription) => isOurs(deps, subscription))
  if (paid) await syncSubscription(deps, paid.id, { by: 'checkout' })
  return paid !== undefined
}

/** Asks Stripe where our row says so: an end of which the event is late must not lock a buyer out. */
async function isSubscribed(deps: Deps, account: AccountSnapshot): Promise<boolean> {
  const live = account.subscriptions.filter(({ status }) => isLive(status))
  if (live.length === 0) return false
  for (const { id } of live) await syncSubscription(deps, id, { by: 'checkout' })
  const synced = await loadAccount(deps.db, account.userId)
  return synced?.subscriptions.some(({ status }) => isLive(status)) ?? false
}

interface Order extends CheckoutRequest {
  customer: string
  trialDays: number
}

/** The open session of the same order, or a new one. */
async function openSession(deps: Deps, userId: string, order: Order) {
  const wanted = fingerprint(deps, order)
  const { data: sessions } = await deps.stripe.checkout.sessions.list({
    customer: order.customer,
    limit: 100,
  })
  const same = sessions.find(
    ({ status, metadata }) => status === 'open' && metadata?.request === wanted,
  )
  if (same) return same
  const params = sessionParams(deps, userId, order, wanted)
  // Parallel calls see the same latest session and so send the same key; once it is used up, the key changes.
  const key = `tollgate-checkout-${order.customer}-${wanted}-${sessions[0]?.id ?? 'first'}`
  return createOnce(deps, key, (options) => deps.stripe.checkout.sessions.create(params, options))
}

/**
 * Expires every other open session, so that no two can be paid. Where parallel calls have made several, the newest
 * stays (Stripe lists newest first): the call that made an older one begins anew, as if it had come later.
 */
async function keepNewest(
  deps: Deps,
  mine: Stripe.Checkout.Session,
): Promise<'kept' | 'lost' | 'paid'> {
  const { data: open } = await deps.stripe.checkout.sessions.list({
    customer: String(mine.customer),
    status: 'open',
    limit: 100,
  })
  const isNewest = open[0]?.id === mine.id
  const rest = isNewest ? open.slice(1) : open.filter(({ id }) => id === mine.id)
  for (const { id } of rest) {
    if ((await closeSession(deps, id)) === 'closed') continue
    if (isNewest) await closeSession(deps, mine.id)
    return 'paid'
  }
  return isNewest ? 'kept' : 'lost'
}

function sessionParams(
  deps: Deps,
  userId: string,
  { tier, successUrl, cancelUrl, customer, trialDays }: Order,
  wanted: string,
): Stripe.Checkout.SessionCreateParams {
  const metadata = { user_id: userId, tier }
  return {
    mode: 'subscription',
    customer,
    client_reference_id: userId,
    line_items: [{ price: deps.config.prices[tier][0], quantity: 1 }],
    success_url: successUrl,
    cancel_url: cancelUrl,
    metadata: { ...metadata, request: wanted },
    subscription_data: { metadata, ...(trialDays > 0 && { trial_period_days: trialDays }) },
  }
}

/** The same for requests that the same session answers: plan, price, trial and where it leads. */
function fingerprint(deps: Deps, { tier, successUrl, cancelUrl, trialDays }: Order): string {
  const price = deps.config.prices[tier][0]
  const text = JSON.stringify([tier, price, trialDays, successUrl, cancelUrl])
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
