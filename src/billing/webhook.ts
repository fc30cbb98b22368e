// POST /billing/webhooks/stripe, top to bottom: raw text, signature, ledger, sync, answer.
import { Hono } from 'hono'
import type { AppEnv, Deps } from '../context.ts'
import { errorFields } from '../log.ts'
import { Problem } from '../problem.ts'
import { textWithin } from '../validate.ts'
import { eventSubject } from './event-subject.ts'
import { failEntry, finishEntry, openEntry } from './ledger.ts'
import { refreshSnapshot, syncSubscription } from './sync.ts'
import { type StripeEvent, verifyEvent } from './verify.ts'

/** Stripe's events have some kilobytes. */
const EVENT_LIMIT_BYTES = 1024 * 1024

/** What Stripe's delivery log shows of an event that we are done with. */
export interface Receipt {
  received: true
  outcome: 'applied' | 'duplicate' | 'ignored' | 'stale'
  reason?: string
}

export function webhookRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().post('/stripe', async (c) => {
    const payload = await textWithin(c.req.raw, EVENT_LIMIT_BYTES, 'malformed_event')
    const verified = await verifyEvent(c.var.deps, payload, c.req.header('Stripe-Signature'))
    if (verified.kind !== 'event') throw new Problem(verified.kind)
    return c.json(await receiveEvent(c.var.deps, verified.event))
  })
}

/** @throws whatever the work throws, once the ledger has it: the answer is 5xx and Stripe delivers again */
export async function receiveEvent(deps: Deps, event: StripeEvent): Promise<Receipt> {
  const startedAt = deps.now()
  const subject = subjectOf(event)
  const subscriptionId = subject.kind === 'subscription' ? subject.subscriptionId : null
  const entry = await openEntry(deps.db, event, subscriptionId, startedAt)
  if (entry.kind === 'duplicate') {
    // The delivery that did the work may have died before it told Redis.
    if (subscriptionId) await refreshSnapshot(deps, subscriptionId)
    return { received: true, outcome: 'duplicate' }
  }
  try {
    if (subject.kind === 'unreadable') throw subject.error
    const result =
      subject.kind === 'ignored'
        ? { outcome: 'ignored' as const, reason: subject.reason }
        : await syncSubscription(deps, subject.subscriptionId, {
            eventId: event.id,
            ticket: entry.ticket,
            startedAt,
          })
    if (result.outcome === 'ignored') {
      await finishEntry(deps.db, event.id, result, startedAt, deps.now())
    }
    return { received: true, ...result }
  } catch (error) {
    await noteFailure(deps, event, entry.ticket, startedAt, error)
    throw error
  }
}

/** An unreadable event is entered into the ledger like any other, so that its failure is on record. */
function subjectOf(event: StripeEvent) {
  try {
    return eventSubject(event)
  } catch (error) {
    return { kind: 'unreadable' as const, error }
  }
}

async function noteFailure(
  deps: Deps,
  event: StripeEvent,
  ticket: number,
  startedAt: Date,
  error: unknown,
): Promise<void> {
  const fields = errorFields(error)
  deps.log('error', 'stripe_event_failed', { event: event.id, type: event.type, ...fields })
  const durationMs = deps.now().getTime() - startedAt.getTime()
  try {
    const message = `${fields.error}: ${fields.message ?? ''}`
    await failEntry(deps.db, event.id, ticket, message, durationMs)
  } catch (second) {
    // The entry stays "processing", which the next delivery opens all the same.
    deps.log('error', 'stripe_event_failure_not_noted', { event: event.id, ...errorFields(second) })
  }
}
