// Runs an event again by its id: as Stripe still has it (30 days), or as far as the ledger remembers it.
import { eq } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { stripeEvents } from '../data/schema.ts'
import { isMissing } from '../stripe-fault.ts'
import { eventSubject, type Subject } from './event-subject.ts'
import { dealWith, type Receipt, type ReceiveOptions, receiveEvent } from './receive-event.ts'
import { eventShape } from './verify.ts'

export type Replay = Receipt | { kind: 'unknown_event' }

/**
 * @returns what was done; `unknown_event` where Stripe has it no more, and the ledger does not know of what it spoke:
 *   nothing is changed then
 * @throws what the event's work throws, or Stripe's errors
 */
export async function replayEvent(
  deps: Deps,
  id: string,
  options: ReceiveOptions = {},
): Promise<Replay> {
  const event = await retrieve(deps, id)
  if (event) return receiveEvent(deps, eventShape.parse(event), options)
  const [kept] = await deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id))
  const subject = kept && remembered(kept)
  if (!subject) return { kind: 'unknown_event' }
  const { type, apiVersion, objectId } = kept
  const created = Math.floor(kept.createdAt.getTime() / 1000)
  return dealWith(deps, { id, type, api_version: apiVersion, created, objectId }, subject, options)
}

/** Of what an event spoke: its subscription, or the charge or dispute that it carried. */
function remembered(kept: typeof stripeEvents.$inferSelect): Subject | null {
  const { id, type, subscriptionId, objectId } = kept
  if (subscriptionId) return { kind: 'subscription', subscriptionId, owes: false }
  const object = objectId === null ? {} : { id: objectId }
  try {
    const subject = eventSubject({ id, object: 'event', type, created: 0, data: { object } })
    return subject.kind === 'ignored' ? null : subject
  } catch {
    // More of it than its id would have to be known.
    return null
  }
}

async function retrieve({ stripe }: Deps, id: string) {
  try {
    return await stripe.events.retrieve(id)
  } catch (error) {
    if (isMissing(error, 'id')) return null
    throw error
  }
}
