// Proration: what a change within a period credits and charges, to the second.
import type { Stripe } from 'stripe'
import { share } from './money.ts'
import type { Period } from './periods.ts'

/** What an item bills in a period, before or after a change. */
export interface BilledItem {
  id: string
  price: Stripe.Price
  quantity: number
}

export interface Proration {
  item: string
  price: Stripe.Price
  quantity: number
  /** Negative for a credit. */
  amount: number
  kind: 'unused' | 'remaining'
  period: Period
}

/** The credit for the rest of the period. */
export function unused(items: BilledItem[], period: Period, at: number): Proration[] {
  return items.map((item) => ({ ...part(item, period, at, -1), kind: 'unused' }))
}

/** The charge for the rest of the period. */
export function remaining(items: BilledItem[], period: Period, at: number): Proration[] {
  return items.map((item) => ({ ...part(item, period, at, 1), kind: 'remaining' }))
}

function part(
  { id, price, quantity }: BilledItem,
  period: Period,
  at: number,
  sign: 1 | -1,
): Omit<Proration, 'kind'> {
  const whole = (price.unit_amount ?? 0) * quantity
  const left = Math.min(Math.max(period.end - at, 0), period.end - period.start)
  // A credit is the negative of the rounded charge, so that both cancel out to the cent.
  const amount = sign * share(whole, left, period.end - period.start)
  return {
    item: id,
    price,
    quantity,
    amount: amount === 0 ? 0 : amount,
    period: { start: at, end: period.end },
  }
}
