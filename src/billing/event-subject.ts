// Which subscription an event speaks of. Pure; reads the shapes from before basil (2025-03-31) and since.
import type { StripeEvent } from './verify.ts'

export type Subject =
  | { kind: 'subscription'; subscriptionId: string }
  | { kind: 'ignored'; reason: string }

/** An object in neither of the shapes that we know: Stripe has changed, or our fixtures are wrong. */
export class UnknownShapeError extends Error {
  override name = 'UnknownShapeError'
}

const SUBSCRIPTION_ID = /^sub_\w{1,250}$/

/** @throws UnknownShapeError, never a silent guess */
export function eventSubject(event: StripeEvent): Subject {
  const { object } = event.data
  switch (event.type) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
      return subject(idOf(object.id), event)
    case 'checkout.session.completed':
      if (object.mode !== 'subscription') {
        return { kind: 'ignored', reason: 'the checkout sold no subscription' }
      }
      return subject(idOf(object.subscription), event)
    case 'invoice.payment_succeeded':
    case 'invoice.payment_failed':
      return invoiceSubject(event)
    default:
      return { kind: 'ignored', reason: `events of type ${event.type} are not used` }
  }
}

function invoiceSubject(event: StripeEvent): Subject {
  const invoice = event.data.object
  if (!('parent' in invoice) && !('subscription' in invoice)) {
    throw new UnknownShapeError(`Invoice of ${event.id} has neither parent nor subscription`)
  }
  const details = record(record(invoice.parent)?.subscription_details)
  const named = details?.subscription ?? invoice.subscription
  if (named === null || named === undefined) {
    return { kind: 'ignored', reason: 'the invoice belongs to no subscription' }
  }
  return subject(idOf(named), event)
}

function subject(subscriptionId: string | null, event: StripeEvent): Subject {
  if (subscriptionId && SUBSCRIPTION_ID.test(subscriptionId)) {
    return { kind: 'subscription', subscriptionId }
  }
  throw new UnknownShapeError(`Event ${event.id} (${event.type}) names no subscription`)
}

/** An id, or that of an expanded object. */
function idOf(value: unknown): string | null {
  const id = typeof value === 'object' ? record(value)?.id : value
  return typeof id === 'string' ? id : null
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
}
