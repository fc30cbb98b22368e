// Pending invoice items: what waits for the next invoice.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'
import { decimal } from '../money.ts'
import type { Proration } from '../prorate.ts'

/** A proration of a subscription, waiting for an invoice. */
export function buildProrationItem(
  customer: Stripe.Customer,
  subscription: Stripe.Subscription,
  proration: Proration,
  productName: string,
  now: number,
): Stripe.InvoiceItem {
  const { price, quantity, amount, kind, period } = proration
  const times = quantity === 1 ? '' : `${quantity} × `
  const what = kind === 'unused' ? 'Unused time on' : 'Remaining time on'
  return {
    id: newId('ii'),
    object: 'invoiceitem',
    amount,
    currency: price.currency,
    customer: customer.id,
    customer_account: null,
    date: now,
    description: `${what} ${times}${productName} after ${dayOf(period.start)}`,
    discountable: false,
    discounts: [],
    invoice: null,
    livemode: false,
    metadata: {},
    net_amount: amount,
    parent: {
      subscription_details: { subscription: subscription.id, subscription_item: proration.item },
      type: 'subscription_details',
    },
    period,
    pricing: {
      price_details: {
        price: price.id,
        product: typeof price.product === 'string' ? price.product : price.product.id,
      },
      type: 'price_details',
      unit_amount_decimal: decimal(quantity === 0 ? 0 : amount / quantity),
    },
    proration: true,
    proration_details: { credited_items: null, discount_amounts: [] },
    quantity,
    quantity_decimal: decimal(quantity),
    tax_rates: [],
    test_clock: typeof customer.test_clock === 'string' ? customer.test_clock : null,
  }
}

/** `15 Jan 2027` */
function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString('en-GB', {
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  })
}
