// From status `paused` back to active.
import type { Stripe } from 'stripe'
import type { World } from '../world.ts'
import type { PaymentResult } from './payments.ts'

export function resumePaused(
  _world: World,
  _subscription: Stripe.Subscription,
): PaymentResult | null {
  return null
}
