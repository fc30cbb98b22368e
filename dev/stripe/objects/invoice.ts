// Invoices and their lines.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'
import { decimal, formatAmount } from '../money.ts'
import type { Period } from '../periods.ts'

export interface NewInvoice {
  customer: Stripe.Customer
  subscription: Stripe.Subscription | null
  reason: Stripe.Invoice.BillingReason
  /** What the invoice looks back on: equal ends on the first one. */
  period: Period
  autoAdvance: boolean
  created: number
}

/** A draft without lines. */
export function buildInvoice(fields: NewInvoice): Stripe.Invoice {
  const { customer, subscription } = fields
  const id = newId('in')
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Tollgate (simulated)',
    account_tax_ids: null,
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: fields.autoAdvance,
    automatic_tax: {
      disabled_reason: null,
      enabled: false,
      liability: null,
      provider: null,
      status: null,
    },
    automatically_finalizes_at: null,
    billing_reason: fields.reason,
    collection_method: subscription?.collection_method ?? 'charge_automatically',
    created: fields.created,
    currency: subscription?.currency ?? customer.currency ?? 'usd',
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: customer.tax_exempt ?? 'none',
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: dueDate(fields),
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: 'list', data: [], has_more: false, url: `/v1/invoices/${id}/lines` },
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: subscription && {
      quote_details: null,
      subscription_details: {
        metadata: { ...subscription.metadata },
        subscription: subscription.id,
      },
      type: 'subscription_details',
    },
    payment_settings: {
      default_mandate: null,
      payment_method_options: null,
      payment_method_types: null,
    },
    period_end: fields.period.end,
    period_start: fields.period.start,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: customer.balance,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: {
      finalized_at: null,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    subtotal: 0,
    subtotal_excluding_tax: 0,
    test_clock: typeof customer.test_clock === 'string' ? customer.test_clock : null,
    total: 0,
    total_discount_amounts: [],
    total_excluding_tax: 0,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  }
}

function dueDate({ subscription, created }: NewInvoice): number | null {
  const days = subscription?.days_until_due ?? null
  return days === null ? null : created + days * 86_400
}

interface NewLine {
  amount: number
  description: string
  period: Period
  price: Stripe.Price
  quantity: number
  parent: Stripe.InvoiceLineItem.Parent
  metadata?: Record<string, string>
}

function buildLine(invoice: Stripe.Invoice, fields: NewLine): Stripe.InvoiceLineItem {
  return {
    id: newId('il'),
    object: 'line_item',
    amount: fields.amount,
    currency: fields.price.currency,
    description: fields.description,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: invoice.id,
    livemode: false,
    metadata: fields.metadata ?? {},
    parent: fields.parent,
    period: { end: fields.period.end, start: fields.period.start },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: fields.price.id, product: idOf(fields.price.product) },
      type: 'price_details',
      unit_amount_decimal: fields.price.unit_amount_decimal,
    },
    quantity: fields.quantity,
    quantity_decimal: decimal(fields.quantity),
    subscription:
      fields.parent.subscription_item_details?.subscription ??
      fields.parent.invoice_item_details?.subscription ??
      null,
    subtotal: fields.amount,
    taxes: [],
  }
}

export interface SubscriptionLine {
  item: Stripe.SubscriptionItem
  period: Period
  productName: string
  trial: boolean
  amount: number
  /** The period is a part of an interval. */
  proration: boolean
}

/** The line for a period of a subscription item. */
export function subscriptionLine(
  invoice: Stripe.Invoice,
  { item, period, productName, trial, amount, proration }: SubscriptionLine,
): Stripe.InvoiceLineItem {
  const { price, quantity = 1 } = item
  const unit = price.unit_amount ?? 0
  const every = price.recurring ? `${formatAmount(unit, price.currency)} / ${everyOf(price)}` : ''
  return buildLine(invoice, {
    amount,
    description: trial
      ? `Trial period for ${productName}`
      : `${quantity} × ${productName} (at ${every})`,
    period,
    price,
    quantity,
    metadata: { ...item.metadata },
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration,
        proration_details: { credited_items: null },
        subscription: item.subscription,
        subscription_item: item.id,
      },
      type: 'subscription_item_details',
    },
  })
}

/** The line that a pending invoice item becomes. */
export function invoiceItemLine(
  invoice: Stripe.Invoice,
  item: Stripe.InvoiceItem,
  price: Stripe.Price,
): Stripe.InvoiceLineItem {
  return buildLine(invoice, {
    amount: item.amount,
    description: item.description ?? '',
    period: item.period,
    price,
    quantity: item.quantity,
    metadata: { ...item.metadata },
    parent: {
      invoice_item_details: {
        invoice_item: item.id,
        proration: item.proration,
        proration_details: { credited_items: null },
        subscription: item.parent?.subscription_details?.subscription ?? null,
      },
      subscription_item_details: null,
      type: 'invoice_item_details',
    },
  })
}

function everyOf({ recurring }: Stripe.Price): string {
  if (!recurring) return ''
  return recurring.interval_count === 1
    ? String(recurring.interval)
    : `every ${recurring.interval_count} ${recurring.interval}s`
}

function idOf(value: string | { id: string }): string {
  return typeof value === 'string' ? value : value.id
}
