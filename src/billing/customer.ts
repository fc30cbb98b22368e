// One Stripe customer per user, however many first calls there are at once.
import { and, eq, isNull } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { users } from '../data/schema.ts'

export interface BillingUser {
  id: string
  email: string
  stripeCustomerId: string | null
}

/** @throws when the user is gone */
export async function billingUser(deps: Deps, userId: string): Promise<BillingUser> {
  const [user] = await deps.db
    .select({ id: users.id, email: users.email, stripeCustomerId: users.stripeCustomerId })
    .from(users)
    .where(eq(users.id, userId))
  if (!user) throw new Error('The account was deleted while it was billed')
  return user
}

/**
 * The user's customer, made where there is none. `replaces` is an earlier customer that Stripe no longer has.
 * Parallel calls send the same idempotency key, so that Stripe makes one customer and answers it to all of them.
 */
export async function ensureCustomer(
  deps: Deps,
  user: BillingUser,
  replaces?: string,
): Promise<string> {
  if (user.stripeCustomerId) return user.stripeCustomerId
  const customer = await deps.stripe.customers.create(
    { email: user.email, metadata: { user_id: user.id } },
    { idempotencyKey: `tollgate-customer-${user.id}-${replaces ?? 'first'}` },
  )
  const [mine] = await deps.db
    .update(users)
    .set({ stripeCustomerId: customer.id })
    .where(and(eq(users.id, user.id), isNull(users.stripeCustomerId)))
    .returning({ id: users.stripeCustomerId })
  // Somebody else was first: theirs counts.
  return mine?.id ?? (await billingUser(deps, user.id)).stripeCustomerId ?? customer.id
}

/** Takes note that Stripe no longer has `customerId`: it was deleted in the dashboard. */
export async function forgetCustomer(
  deps: Deps,
  userId: string,
  customerId: string,
): Promise<void> {
  await deps.db
    .update(users)
    .set({ stripeCustomerId: null })
    .where(and(eq(users.id, userId), eq(users.stripeCustomerId, customerId)))
}
