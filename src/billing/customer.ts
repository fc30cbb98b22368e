// One Stripe customer per user, however many first calls there are at once.
import { and, eq, isNull } from 'drizzle-orm'
import { accountGone } from '../account-gone.ts'
import type { Deps } from '../context.ts'
import { emailDigest } from '../data/former-accounts.ts'
import { users } from '../data/schema.ts'
import { isCustomerMissing, isMissing } from '../stripe-fault.ts'
import { createOnce } from './create-once.ts'
import { syncSubscription } from './sync.ts'

export interface BillingUser {
  id: string
  email: string
  stripeCustomerId: string | null
  trialUsed: boolean
}

/** @throws Problem invalid_token where the account was deleted meanwhile */
export async function billingUser(deps: Deps, userId: string): Promise<BillingUser> {
  const { id, email, stripeCustomerId, trialUsed } = users
  const [user] = await deps.db
    .select({ id, email, stripeCustomerId, trialUsed })
    .from(users)
    .where(eq(id, userId))
  if (!user) throw accountGone()
  return user
}

/**
 * The user's customer, made where there is none, and anew where Stripe no longer has it (it was deleted in the
 * dashboard). Parallel calls send the same idempotency key, so that Stripe makes one and answers it to all of them.
 * @throws Stripe's errors: a look-up that fails is not "no customer"
 */
export async function ensureCustomer(deps: Deps, user: BillingUser): Promise<string> {
  const { stripeCustomerId: known } = user
  if (known && (await exists(deps, known))) return known
  if (known) await keepHistory(deps, known)
  const customer = await createOnce(
    deps,
    // The customer that it replaces stands in the key: Stripe would answer the deleted one again. And the email, which
    // may have been changed since a call that died: Stripe refuses a key that comes with something else.
    `tollgate-customer-${user.id}-${known ?? 'first'}-${emailDigest(deps.config.apiKeySecrets, user.email).slice(0, 16)}`,
    (options) =>
      deps.stripe.customers.create({ email: user.email, metadata: { user_id: user.id } }, options),
  )
  const [mine] = await deps.db
    .update(users)
    .set({ stripeCustomerId: customer.id })
    .where(
      and(
        eq(users.id, user.id),
        known ? eq(users.stripeCustomerId, known) : isNull(users.stripeCustomerId),
      ),
    )
    .returning({ id: users.stripeCustomerId, email: users.email })
  if (!mine) return otherCustomer(deps, user.id, customer.id)
  // It was changed since: Stripe was not told, as there was no customer to tell it of.
  if (mine.email !== user.email) {
    await deps.stripe.customers.update(customer.id, { email: mine.email })
  }
  return customer.id
}

/**
 * Somebody else was first: theirs counts. What was made for an account that is gone, or under another email, must not
 * stay behind.
 */
async function otherCustomer(deps: Deps, userId: string, made: string): Promise<string> {
  const [user] = await deps.db
    .select({ customer: users.stripeCustomerId })
    .from(users)
    .where(eq(users.id, userId))
  if (user?.customer === made) return made
  try {
    await deps.stripe.customers.del(made)
  } catch (error) {
    if (!isCustomerMissing(error)) throw error
  }
  if (user?.customer) return user.customer
  throw accountGone()
}

/**
 * Stores what a deleted customer had bought while it still leads to the account: events that come later would find
 * neither its row nor its owner, and the account would look like one that never had a trial.
 */
async function keepHistory(deps: Deps, customer: string): Promise<void> {
  const params = { customer, status: 'all', limit: 100 } as const
  try {
    const { data } = await deps.stripe.subscriptions.list(params)
    for (const { id } of data) await syncSubscription(deps, id, { by: 'checkout' })
  } catch (error) {
    if (!isMissing(error, 'customer')) throw error
  }
}

async function exists({ stripe }: Deps, customerId: string): Promise<boolean> {
  try {
    return !(await stripe.customers.retrieve(customerId)).deleted
  } catch (error) {
    if (isCustomerMissing(error)) return false
    throw error
  }
}
