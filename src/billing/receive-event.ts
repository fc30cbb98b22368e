// What happens to an event of Stripe's, top to bottom: ledger, subject, sync, receipt. However it came: delivered,
// found by the reconciliation, or run again by hand.
import type { Deps } from '../context.ts'
import { errorFields } from '../log.ts'
import { eventSubject, type Subject } from './event-subject.ts'
import { type Cause, type EventHead, failEntry, finishEntry, openEntry } from './ledger.ts'
import { endReversed } from './reversal.ts'
import { refreshSnapshot, type SyncResult, syncSubscription } from './sync.ts'
import type { StripeEvent } from './verify.ts'

/** What Stripe's delivery log shows of an event that we are done with. */
export interface Receipt {
  received: true
  outcome: 'applied' | 'duplicate' | 'ignored' | 'stale'
  /** What was done, or why nothing. */
  reason: string
}

export interface ReceiveOptions {
  /** Whether an event that is done is to be done once more. */
  again?: boolean
}

/** @throws whatever the work throws, once the ledger has it: the answer is 5xx and Stripe delivers again */
export async function receiveEvent(
  deps: Deps,
  event: StripeEvent,
  options: ReceiveOptions = {},
): Promise<Receipt> {
  const { id } = event.data.object
  const head = { ...event, objectId: typeof id === 'string' ? id : null }
  return dealWith(deps, head, subjectOf(event), options)
}

/** The same for an event of which no more than this is known. */
export async function dealWith(
  deps: Deps,
  event: EventHead,
  subject: KnownSubject,
  { again = false }: ReceiveOptions,
): Promise<Receipt> {
  const startedAt = deps.now()
  const subscriptionId = subject.kind === 'subscription' ? subject.subscriptionId : null
  const entry = await openEntry(deps.db, event, subscriptionId, startedAt, again)
  if (entry.kind === 'duplicate') {
    // The delivery that did the work may have died before it told Redis.
    if (subscriptionId) await refreshSnapshot(deps, subscriptionId)
    return { received: true, outcome: 'duplicate', reason: 'this event was dealt with before' }
  }
  const cause = { eventId: event.id, ticket: entry.ticket, startedAt }
  try {
    return { received: true, ...(await work(deps, subject, cause)) }
  } catch (error) {
    await noteFailure(deps, event, cause, error)
    throw error
  }
}

type KnownSubject = Subject | { kind: 'unreadable'; error: unknown }

/** An unreadable event is entered into the ledger like any other, so that its failure is on record. */
function subjectOf(event: StripeEvent): KnownSubject {
  try {
    return eventSubject(event)
  } catch (error) {
    return { kind: 'unreadable', error }
  }
}

async function work(deps: Deps, subject: KnownSubject, cause: Cause): Promise<SyncResult> {
  switch (subject.kind) {
    case 'subscription':
      return syncSubscription(deps, subject.subscriptionId, { cause, owes: subject.owes })
    case 'refund':
    case 'dispute':
      return endReversed(deps, subject, cause)
    case 'ignored': {
      const result = { outcome: 'ignored' as const, reason: subject.reason }
      await finishEntry(deps.db, cause, result, deps.now())
      return result
    }
    case 'unreadable':
      throw subject.error
  }
}

async function noteFailure(
  deps: Deps,
  event: EventHead,
  cause: Cause,
  error: unknown,
): Promise<void> {
  const fields = errorFields(error)
  deps.log('error', 'stripe_event_failed', { event: event.id, type: event.type, ...fields })
  try {
    await failEntry(deps.db, cause, `${fields.error}: ${fields.message ?? ''}`, deps.now())
  } catch (second) {
    // The entry stays "processing", which the next delivery opens all the same.
    deps.log('error', 'stripe_event_failure_not_noted', { event: event.id, ...errorFields(second) })
  }
}
