// What an event speaks of. Pure; reads the shapes from before basil (2025-03-31) and since.
import type { EventType } from './event-types.ts'
import type { StripeEvent } from './verify.ts'

export type Subject =
  /** `owes`: the event says that a payment is missing, so that the invoices will be asked for. */
  | { kind: 'subscription'; subscriptionId: string; owes: boolean }
  /** Money that went back. */
  | { kind: 'refund'; chargeId: string }
  | { kind: 'dispute'; disputeId: string }
  | { kind: 'ignored'; reason: string }

/** An object in neither of the shapes that we know: Stripe has changed, or our fixtures are wrong. */
export class UnknownShapeError extends Error {
  override name = 'UnknownShapeError'
}

/** @throws UnknownShapeError, never a silent guess */
export function eventSubject(event: StripeEvent): Subject {
  const { object } = event.data
  switch (event.type as EventType) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      return subscription(object.id, event, object.status === 'past_due')
    case 'checkout.session.completed':
      if (object.mode !== 'subscription') {
        return { kind: 'ignored', reason: 'the checkout sold no subscription' }
      }
      return subscription(object.subscription, event, false)
    case 'invoice.payment_succeeded':
    case 'invoice.paid':
      return invoiceSubject(event, false)
    case 'invoice.payment_failed':
    case 'invoice.voided':
    case 'invoice.marked_uncollectible':
      return invoiceSubject(event, true)
    case 'charge.refunded':
      return { kind: 'refund', chargeId: idOf(object.id, 'ch|py', event) }
    case 'charge.dispute.closed':
      // dp_ before 2020, du_ since.
      return { kind: 'dispute', disputeId: idOf(object.id, 'dp|du', event) }
    default:
      return { kind: 'ignored', reason: `events of type ${event.type} are not used` }
  }
}

function invoiceSubject(event: StripeEvent, owes: boolean): Subject {
  const { parent, subscription: formerly, billing_reason: reason } = event.data.object
  const details = record(record(parent)?.subscription_details)
  const named = details?.subscription ?? formerly
  if (named !== null && named !== undefined) return subscription(named, event, owes)
  // None: said by today's parent, which is null or of another kind, or by the property of before basil.
  const kind = record(parent)?.type
  const isOfNone = parent === null || formerly === null || typeof kind === 'string'
  if (!isOfNone || kind === 'subscription_details' || /^subscription/.test(String(reason))) {
    throw new UnknownShapeError(`Invoice of ${event.id} does not show its subscription`)
  }
  return { kind: 'ignored', reason: 'the invoice belongs to no subscription' }
}

function subscription(named: unknown, event: StripeEvent, owes: boolean): Subject {
  return { kind: 'subscription', subscriptionId: idOf(named, 'sub', event), owes }
}

/** An id of one of those prefixes, or that of an expanded object. */
function idOf(value: unknown, prefixes: string, event: StripeEvent): string {
  const id = typeof value === 'object' ? record(value)?.id : value
  if (typeof id === 'string' && new RegExp(`^(${prefixes})_\\w{1,250}$`).test(id)) return id
  throw new UnknownShapeError(`Event ${event.id} (${event.type}) names no ${prefixes}_ object`)
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
}
