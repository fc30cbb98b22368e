// What the simulator remembers of a subscription beside its object.
import type { Stripe } from 'stripe'
import type { SubscriptionNotes } from '../store.ts'
import type { World } from '../world.ts'

/** Made at the first need. */
export function notesOf(world: World, subscription: Stripe.Subscription): SubscriptionNotes {
  const notes = world.store.subscriptionNotes.get(subscription.id) ?? {
    trialWillEndSentFor: null,
    resumption: null,
    debits: {},
  }
  world.store.subscriptionNotes.set(subscription.id, notes)
  return notes
}
