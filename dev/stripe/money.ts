// Amounts in the smallest unit of a currency.
import type { Stripe } from 'stripe'

/**
 * A decimal as the wire has it: text. stripe-node's types show the class that the client makes of
 * the text, so the one cast of the simulator's objects stands here.
 */
export function decimal(amount: number): Stripe.Decimal {
  return String(amount) as unknown as Stripe.Decimal
}

/** The smallest charge in a currency that Stripe makes: 50 cents, or 50 of the others' units. */
export const MINIMUM_CHARGE = 50

/** `$29.00`, `¥500`: as Stripe writes an amount in descriptions. */
export function formatAmount(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amount / 10 ** digits)
}

/** The share `part / whole` of an amount, half rounded away from zero. */
export function share(amount: number, part: number, whole: number): number {
  const numerator = BigInt(amount) * BigInt(part)
  const denominator = BigInt(whole)
  const sign = numerator < 0n ? -1n : 1n
  const rounded = (numerator * sign * 2n + denominator) / (denominator * 2n)
  return Number(rounded * sign)
}
