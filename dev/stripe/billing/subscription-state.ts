// What a paid or failed invoice does to its subscription, and how a subscription ends.
import type { Stripe } from 'stripe'
import { idOf, subscriptionOf } from '../lookup.ts'
import type { World } from '../world.ts'
import { stopCollecting, unsettledInvoices, voidInvoice } from './invoices.ts'
import { notesOf } from './notes.ts'
import { attemptPayment, type PaymentResult } from './payments.ts'

/** Tries to collect an invoice and moves its subscription accordingly. */
export function collect(
  world: World,
  invoice: Stripe.Invoice,
  options: { paymentMethod?: string | null; automatic: boolean },
): PaymentResult {
  const result = attemptPayment(world, invoice, options)
  settleSubscription(world, invoice)
  return result
}

/** Moves the subscription to what its invoice now says. Safe to call again. */
export function settleSubscription(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice)
  if (!subscription || subscription.ended_at !== null) return
  const writtenOff =
    invoice.status === 'uncollectible' && isResumption(world, subscription, invoice)
  if (writtenOff) markResumed(world, subscription, 'active')
  if (invoice.status === 'paid') afterPayment(world, subscription, invoice)
  else if (
    invoice.status === 'open' &&
    invoice.attempted &&
    invoice.collection_method === 'charge_automatically'
  ) {
    afterFailure(world, subscription, invoice)
  }
}

/** When an invoice that was sent makes its subscription past due; null when it does not. */
export function overdueAt(world: World, invoice: Stripe.Invoice): number | null {
  if (invoice.status !== 'open' || invoice.collection_method !== 'send_invoice') return null
  const subscription = subscriptionOf(world, invoice)
  const newest = subscription && newestBill(world, subscription)
  return subscription?.status === 'active' && newest?.id === invoice.id ? invoice.due_date : null
}

/** Its due date has passed. Nothing more becomes of it here, however long it stays unpaid. */
export function markOverdue(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice)
  if (subscription) setStatus(world, subscription, 'past_due')
}

function afterPayment(
  world: World,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
): void {
  if (newestBill(world, subscription)?.id !== invoice.id) return
  const { status } = subscription
  if (status === 'paused' && isResumption(world, subscription, invoice)) {
    markResumed(world, subscription, 'active')
  }
  if (status !== 'incomplete' && status !== 'past_due' && status !== 'unpaid') return
  const now = world.now(idOf(subscription.customer))
  const inTrial = subscription.trial_end !== null && subscription.trial_end > now
  setStatus(world, subscription, inTrial ? 'trialing' : 'active')
}

/** The invoice whose payment decides: the newest that is due, whatever draft already waits. */
function newestBill(world: World, subscription: Stripe.Subscription): Stripe.Invoice | undefined {
  return [...world.store.invoices.values()]
    .filter(({ status }) => status !== 'draft' && status !== 'void')
    .findLast((invoice) => subscriptionOf(world, invoice)?.id === subscription.id)
}

function afterFailure(
  world: World,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
): void {
  const { status } = subscription
  if (status === 'paused') {
    const attempt = notesOf(world, subscription).resumption?.on === 'attempt'
    if (attempt && isResumption(world, subscription, invoice)) {
      markResumed(world, subscription, 'past_due')
    }
    return
  }
  if (status === 'incomplete') return
  const exhausted = invoice.auto_advance === true && invoice.next_payment_attempt === null
  if (!exhausted) {
    if (status === 'active' || status === 'trialing') setStatus(world, subscription, 'past_due')
    return
  }
  const { afterLastRetry } = world.settings
  if (afterLastRetry === 'cancel') {
    endSubscription(world, subscription, 'payment_failed')
  } else if (status !== 'unpaid') {
    setStatus(world, subscription, afterLastRetry === 'mark_unpaid' ? 'unpaid' : 'past_due')
  }
}

/** The invoice whose payment a paused subscription waits for. */
function isResumption(
  world: World,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
): boolean {
  return notesOf(world, subscription).resumption?.invoice === invoice.id
}

/** Out of `paused`: `active`, or `past_due` when the invoice was tried in vain. */
export function markResumed(
  world: World,
  subscription: Stripe.Subscription,
  status: 'active' | 'past_due',
): void {
  notesOf(world, subscription).resumption = null
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = status
    delete changed.status_details
  })
  world.emit('customer.subscription.resumed', subscription)
}

export function setStatus(
  world: World,
  subscription: Stripe.Subscription,
  status: Stripe.Subscription.Status,
): void {
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = status
  })
}

/** Ends a subscription now. Its open invoices are left as they are, but nothing more is tried. */
export function endSubscription(
  world: World,
  subscription: Stripe.Subscription,
  reason: Stripe.Subscription.CancellationDetails.Reason,
): void {
  const now = world.now(idOf(subscription.customer))
  const wasIncomplete = subscription.status === 'incomplete'
  subscription.status = 'canceled'
  subscription.canceled_at ??= now
  subscription.ended_at = now
  subscription.pause_collection = null
  if (subscription.cancellation_details) subscription.cancellation_details.reason ??= reason
  world.emit('customer.subscription.deleted', subscription)
  for (const invoice of unsettledInvoices(world, subscription)) {
    if (wasIncomplete && invoice.status === 'open') voidInvoice(world, invoice)
    else stopCollecting(world, invoice)
  }
}

/** A first payment that never came: after 23 hours there is no way back. */
export function expireIncomplete(world: World, subscription: Stripe.Subscription): void {
  const now = world.now(idOf(subscription.customer))
  for (const invoice of unsettledInvoices(world, subscription)) voidInvoice(world, invoice)
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.status = 'incomplete_expired'
    changed.ended_at = now
  })
}
