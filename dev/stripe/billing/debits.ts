// What each item was billed for, and the credit for the part of it that goes unused.
import type { Stripe } from 'stripe'
import { share } from '../money.ts'
import type { Period } from '../periods.ts'
import { type Proration, unused } from '../prorate.ts'
import type { Debit } from '../store.ts'
import type { World } from '../world.ts'
import { notesOf } from './notes.ts'

/** Notes that an item is billed for a period, or for what is left of one. */
export function noteDebit(
  world: World,
  subscription: Stripe.Subscription,
  item: string,
  { price, quantity, amount, period }: Debit,
): void {
  const notes = notesOf(world, subscription)
  notes.debits = { ...notes.debits, [item]: { price, quantity, amount, period } }
}

/** Its credit is written: nothing of it is left to be credited again. */
export function forgetDebit(world: World, subscription: Stripe.Subscription, item: string): void {
  const notes = notesOf(world, subscription)
  if (notes.debits) delete notes.debits[item]
}

/**
 * The credits for items whose period ends early. Flexible billing credits what was debited, whatever
 * the item costs by now; classic billing takes the item's present price.
 */
export function credits(
  world: World,
  subscription: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  period: Period,
  at: number,
): Proration[] {
  const { debits } = notesOf(world, subscription)
  if (subscription.billing_mode.type !== 'flexible' || !debits) {
    const billed = items.map(({ id, price, quantity = 1 }) => ({ id, price, quantity }))
    return unused(billed, period, at)
  }
  return items.flatMap(({ id }) => {
    const debit = debits[id]
    return debit ? [credit(id, debit, at)] : []
  })
}

function credit(item: string, { price, quantity, amount, period }: Debit, at: number): Proration {
  const left = Math.min(Math.max(period.end - at, 0), period.end - period.start)
  const part = share(amount, left, period.end - period.start)
  return {
    item,
    price,
    quantity,
    amount: part === 0 ? 0 : -part,
    kind: 'unused',
    period: { start: at, end: period.end },
  }
}
