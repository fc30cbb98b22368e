// Making something at Stripe once, however many runs do so at the same time.
import { createHash } from 'node:crypto'
import Stripe from 'stripe'

/** Objects that were made and given up within the day that Stripe keeps an answer; nobody does that as often. */
const MAX_TURNS = 20

/**
 * Calls `create` with an idempotency key of its parameters, so that runs at once are answered by one object. Stripe
 * keeps an answer for a day (https://docs.stripe.com/api/idempotent_requests), even when its object has been deleted
 * or deactivated since, or when it was a 500: then the next key has its turn.
 * @param find reads the object; throws when it is gone
 */
export async function makeOnce<P extends object, T extends { id: string }>(
  kind: string,
  params: P,
  create: (params: P, options: Stripe.RequestOptions) => Promise<T>,
  find: (id: string) => Promise<object>,
): Promise<T> {
  const hash = createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 32)
  for (let turn = 0; ; turn += 1) {
    try {
      const made = await create(params, {
        idempotencyKey: `tollgate-setup-${kind}-${hash}-${turn}`,
      })
      if (turn >= MAX_TURNS || (await isOfUse(find(made.id)))) return made
    } catch (error) {
      if (turn > 0 || !(error instanceof Stripe.errors.StripeAPIError)) throw error
    }
  }
}

async function isOfUse(found: Promise<object>): Promise<boolean> {
  try {
    const object = await found
    return !('active' in object) || object.active === true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Stripe knows no object of that id (any more). */
export function isGone(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === 'resource_missing'
}
