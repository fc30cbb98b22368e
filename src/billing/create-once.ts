// Creating something at Stripe once, however many calls ask for it at the same time.
import Stripe from 'stripe'
import type { Deps } from '../context.ts'

const ROTATION_MS = 5 * 60_000

/**
 * Calls `create` with the idempotency key `key`, so that parallel calls are answered by the same object. Stripe
 * also keeps a 500 under its key for a day (https://docs.stripe.com/api/idempotent_requests): then one more try
 * goes out under a key that changes every five minutes, or a single hiccup would lock the buyer out until tomorrow.
 */
export async function createOnce<T>(
  { now }: Pick<Deps, 'now'>,
  key: string,
  create: (options: Stripe.RequestOptions) => Promise<T>,
): Promise<T> {
  try {
    return await create({ idempotencyKey: key })
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeAPIError)) throw error
    const turn = Math.floor(now().getTime() / ROTATION_MS)
    return create({ idempotencyKey: `${key}-${turn}` })
  }
}
