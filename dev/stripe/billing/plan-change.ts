// Changing price or quantity within a period: what was not used is credited, what remains is charged.
import type { Stripe } from 'stripe'
import { findActivePrice } from '../lookup.ts'
import type { World } from '../world.ts'
import type { PaymentResult } from './payments.ts'

export function changePlan(
  world: World,
  _subscription: Stripe.Subscription,
  priceId: string,
): PaymentResult | null {
  findActivePrice(world, priceId, 'price')
  return null
}
