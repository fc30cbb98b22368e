// Deleting a customer: what runs ends at once, and a tombstone stays.
import type { Stripe } from 'stripe'
import type { World } from '../world.ts'
import { endSubscription } from './subscription-state.ts'

export function deleteCustomer(world: World, { id }: Stripe.Customer): Stripe.DeletedCustomer {
  for (const subscription of world.store.subscriptions.values()) {
    if (subscription.customer !== id || subscription.ended_at !== null) continue
    endSubscription(world, subscription, 'cancellation_requested')
  }
  const customer = world.store.customers.get(id)
  if (customer) world.emit('customer.deleted', customer)
  const deleted = { id, object: 'customer', deleted: true } as const
  world.store.customers.delete(id)
  world.store.deletedCustomers.set(id, deleted)
  return deleted
}
