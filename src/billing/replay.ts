// Runs an event again by its id: as Stripe still has it (30 days), or as far as the ledger remembers it.
import { eq } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { stripeEvents } from '../data/schema.ts'
import { isMissing } from '../stripe-fault.ts'
import { dealWith, type Receipt, type ReceiveOptions, receiveEvent } from './receive-event.ts'
import { eventShape } from './verify.ts'

export type Replay = Receipt | { kind: 'unknown_event' }

/**
 * @returns what was done; `unknown_event` where neither Stripe nor the ledger has the event
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
  if (!kept) return { kind: 'unknown_event' }
  const { type, apiVersion, subscriptionId } = kept
  const created = Math.floor(kept.createdAt.getTime() / 1000)
  const subject = subscriptionId
    ? { kind: 'subscription' as const, subscriptionId, owes: false }
    : { kind: 'ignored' as const, reason: 'Stripe no longer has the event' }
  return dealWith(deps, { id, type, api_version: apiVersion, created }, subject, options)
}

async function retrieve({ stripe }: Deps, id: string) {
  try {
    return await stripe.events.retrieve(id)
  } catch (error) {
    if (isMissing(error, 'id')) return null
    throw error
  }
}
