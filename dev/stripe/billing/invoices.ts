// An invoice's life up to its payment: drafted, totalled, finalised; or voided, or given up.
import type { Stripe } from 'stripe'
import { customerOf, find, idOf, productName, subscriptionOf } from '../lookup.ts'
import { MINIMUM_CHARGE } from '../money.ts'
import { buildInvoice, invoiceItemLine, subscriptionLine } from '../objects/invoice.ts'
import type { Period } from '../periods.ts'
import { hostedInvoiceUrl } from '../urls.ts'
import type { World } from '../world.ts'
import { noteDebit } from './debits.ts'
import { cancelIntent, invoicePaymentOf } from './invoice-payments.ts'

/** Stripe leaves a renewal's draft open for an hour, so that lines can still be added. */
const DRAFT_SECONDS = 3600

export interface BilledPeriod {
  item: Stripe.SubscriptionItem
  period: Period
  trial: boolean
  /** For a part of an interval. */
  amount?: number
}

/** What an item costs in a period. */
export function billedAmount({ item, trial, amount }: BilledPeriod): number {
  const { price, quantity = 1 } = item
  return trial ? 0 : (amount ?? (price.unit_amount ?? 0) * quantity)
}

export interface Draft {
  customer: Stripe.Customer
  subscription: Stripe.Subscription | null
  reason: Stripe.Invoice.BillingReason
  /** What the invoice looks back on. */
  period: Period
  /** The items billed for their coming period; none for an invoice of prorations alone. */
  items: BilledPeriod[]
  /** `later`: finalised by itself in an hour. `never`: stays a draft until somebody acts. */
  finalizes: 'now' | 'later' | 'never'
  /**
   * Writes the subscription's event, which then names the invoice already, before `invoice.created`.
   * Without it the subscription's new invoice is an update of its own.
   */
  announce?: () => void
}

/** Drafts an invoice with its lines and the customer's pending items, and says so. */
export function draftInvoice(world: World, draft: Draft): Stripe.Invoice {
  const invoice = composeInvoice(world, draft)
  if (draft.finalizes === 'later') {
    invoice.automatically_finalizes_at = world.now(draft.customer.id) + DRAFT_SECONDS
  }
  for (const item of pendingItems(world, draft)) item.invoice = invoice.id
  world.add('invoices', invoice)
  const { subscription, announce } = draft
  for (const line of subscription ? draft.items : []) {
    const { price, quantity = 1, id } = line.item
    const debit = { price, quantity, amount: billedAmount(line), period: line.period }
    if (subscription) noteDebit(world, subscription, id, debit)
  }
  if (subscription && announce) {
    subscription.latest_invoice = invoice.id
    announce()
  } else if (subscription) {
    world.update(subscription, 'customer.subscription.updated', (changed) => {
      changed.latest_invoice = invoice.id
    })
  }
  world.emit('invoice.created', invoice)
  return invoice
}

/** The same invoice without a trace in the store: for previews. */
export function composeInvoice(world: World, draft: Draft): Stripe.Invoice {
  const { customer, subscription } = draft
  const invoice = buildInvoice({
    customer,
    subscription,
    reason: draft.reason,
    period: draft.period,
    autoAdvance: draft.finalizes !== 'never',
    created: world.now(customer.id),
  })
  const pending = pendingItems(world, draft).map((item) => {
    const priceId = item.pricing?.price_details?.price ?? ''
    return invoiceItemLine(invoice, item, find(world.store.prices, 'price', idOf(priceId), 'price'))
  })
  const lines = draft.items.map((line) =>
    subscriptionLine(invoice, {
      ...line,
      amount: billedAmount(line),
      productName: productName(world, line.item.price),
      proration: line.amount !== undefined,
    }),
  )
  invoice.lines.data = [...pending, ...lines]
  total(invoice)
  return invoice
}

/** Pending items of this subscription, and those of the customer that name none. */
function pendingItems(world: World, { customer, subscription }: Draft): Stripe.InvoiceItem[] {
  return [...world.store.invoiceItems.values()].filter((item) => {
    const of = item.parent?.subscription_details?.subscription
    return (
      item.invoice === null &&
      item.customer === customer.id &&
      (of === undefined || of === subscription?.id)
    )
  })
}

function total(invoice: Stripe.Invoice): void {
  const sum = invoice.lines.data.reduce((amount, line) => amount + line.amount, 0)
  const { amountDue } = settleBalance(sum, invoice.starting_balance)
  Object.assign(invoice, {
    subtotal: sum,
    subtotal_excluding_tax: sum,
    total: sum,
    total_excluding_tax: sum,
    amount_due: amountDue,
    amount_remaining: amountDue,
  })
}

/** A credit pays first (a negative balance), a debt is added; too little to charge waits on the balance. */
export function settleBalance(
  sum: number,
  balance: number,
): { amountDue: number; endingBalance: number } {
  const owed = sum + balance
  if (owed < MINIMUM_CHARGE) return { amountDue: 0, endingBalance: owed }
  return { amountDue: owed, endingBalance: 0 }
}

/** Gives the invoice its number and its payment intent; one with nothing due is paid at once. */
export function finalizeInvoice(world: World, invoice: Stripe.Invoice): void {
  const customer = customerOf(world, invoice)
  const now = world.now(customer.id)
  invoice.starting_balance = customer.balance
  total(invoice)
  const { amountDue, endingBalance } = settleBalance(invoice.total, customer.balance)
  const sequence = customer.next_invoice_sequence ?? 1
  world.update(customer, 'customer.updated', (changed) => {
    changed.balance = endingBalance
    changed.currency = invoice.currency
    changed.next_invoice_sequence = sequence + 1
  })
  Object.assign(invoice, {
    automatically_finalizes_at: null,
    effective_at: now,
    ending_balance: endingBalance,
    hosted_invoice_url: hostedInvoiceUrl(world.settings.baseUrl(), invoice.id),
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    status: 'open',
  })
  invoice.status_transitions.finalized_at = now
  world.emit('invoice.finalized', invoice)
  const sent = invoice.collection_method === 'send_invoice' && invoice.auto_advance
  if (amountDue > 0 && sent) world.emit('invoice.sent', invoice)
  if (amountDue === 0) markPaid(world, invoice)
}

/** Open to paid, with its events. Whoever calls it sees to the subscription. */
export function markPaid(world: World, invoice: Stripe.Invoice): void {
  const now = world.now(idOf(invoice.customer ?? ''))
  const payment = invoicePaymentOf(world, invoice)
  world.update(invoice, 'invoice.updated', (changed) => {
    changed.amount_paid = changed.amount_due
    changed.amount_remaining = 0
    changed.attempted = true
    changed.auto_advance = false
    changed.next_payment_attempt = null
    changed.status = 'paid'
    changed.status_transitions.paid_at = now
    delete changed.status_details
  })
  if (payment?.status === 'open') {
    payment.amount_paid = payment.amount_requested
    payment.status = 'paid'
    payment.status_transitions.paid_at = now
    world.emit('invoice_payment.paid', payment)
  }
  world.emit('invoice.paid', invoice)
  world.emit('invoice.payment_succeeded', invoice)
}

export function voidInvoice(world: World, invoice: Stripe.Invoice): void {
  cancelIntent(world, invoice, 'void_invoice')
  close(invoice, 'void')
  delete invoice.status_details
  invoice.status_transitions.voided_at = world.now(idOf(invoice.customer ?? ''))
  world.emit('invoice.voided', invoice)
}

export function markUncollectible(
  world: World,
  invoice: Stripe.Invoice,
  reason: 'subscription_paused' | 'user_forgiven',
): void {
  close(invoice, 'uncollectible')
  invoice.status_details = { uncollectible: { reason } }
  invoice.status_transitions.marked_uncollectible_at = world.now(idOf(invoice.customer ?? ''))
  world.emit('invoice.marked_uncollectible', invoice)
}

/** No more is tried by itself; a draft stays a draft, an open one can still be paid by hand. */
export function stopCollecting(world: World, invoice: Stripe.Invoice): void {
  world.update(invoice, 'invoice.updated', (changed) => {
    changed.auto_advance = false
    changed.automatically_finalizes_at = null
    changed.next_payment_attempt = null
  })
}

/** The invoices of a subscription that are not settled. */
export function unsettledInvoices(
  world: World,
  subscription: Stripe.Subscription,
): Stripe.Invoice[] {
  const ids = world.live.invoices.get(idOf(subscription.customer)) ?? new Set()
  return [...ids]
    .map((id) => world.store.invoices.get(id))
    .filter((invoice) => invoice !== undefined)
    .filter((invoice) => subscriptionOf(world, invoice)?.id === subscription.id)
    .filter(({ status }) => status === 'draft' || status === 'open')
}

function close(invoice: Stripe.Invoice, status: 'void' | 'uncollectible'): void {
  invoice.status = status
  invoice.auto_advance = false
  invoice.next_payment_attempt = null
}
