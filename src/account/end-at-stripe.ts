// The end of a customer at Stripe: nothing can be paid any more, and nothing is charged any more.
import type { Deps } from '../context.ts'
import { isCustomerMissing, isRefused } from '../stripe-fault.ts'

/**
 * Deletes the customer. Stripe ends all of its subscriptions with it, at once and without giving money back, forgets
 * its cards, and keeps its invoices and payments (https://docs.stripe.com/api/customers/delete). Open Checkout sessions
 * are expired before: one that is being paid is either over, and its subscription ends with the customer, or cannot be
 * paid any more. Again, it does what is left to do.
 * @returns whether there ever was a subscription
 * @throws Stripe's errors
 */
export async function endAtStripe(
  deps: Deps,
  customer: string,
): Promise<{ hadSubscription: boolean }> {
  const { stripe } = deps
  await expireSessions(deps, customer)
  const subscriptions = await unlessMissing(
    stripe.subscriptions.list({ customer, status: 'all', limit: 1 }),
  )
  await unlessMissing(stripe.customers.del(customer))
  // One may have been made meanwhile. A customer that is gone buys nothing more, but its page need not stay open.
  await expireSessions(deps, customer)
  return { hadSubscription: (subscriptions?.data.length ?? 0) > 0 }
}

async function expireSessions({ stripe }: Deps, customer: string): Promise<void> {
  const sessions = await unlessMissing(
    stripe.checkout.sessions.list({ customer, status: 'open', limit: 100 }),
  )
  for (const { id } of sessions?.data ?? []) {
    try {
      await stripe.checkout.sessions.expire(id)
    } catch (error) {
      // It was paid, or has expired, meanwhile.
      if (!isRefused(error)) throw error
    }
  }
}

/** Null where Stripe has no such customer (any more). */
async function unlessMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (isCustomerMissing(error)) return null
    throw error
  }
}
