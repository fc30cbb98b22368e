// The ledger of Stripe's events: what arrived, how often, and what became of it. Draws the tickets.
import { and, eq, ne, sql } from 'drizzle-orm'
import type { Database } from '../data/db.ts'
import { type EventOutcome, stripeEvents } from '../data/schema.ts'
import type { StripeEvent } from './verify.ts'

export type Entry = { kind: 'duplicate' } | { kind: 'open'; ticket: number }

/** What the ledger keeps of an event. */
export interface EventHead extends Omit<StripeEvent, 'data' | 'object'> {
  objectId: string | null
}

/** An event's work: what the batch that does it writes into the ledger. */
export interface Cause {
  eventId: string
  ticket: number
  startedAt: Date
}

/**
 * Enters the event and draws its ticket. An event that is done is a duplicate, unless it is to be done `again`; one
 * whose work failed, or whose Worker died at it, is opened again.
 */
export async function openEntry(
  db: Database,
  event: EventHead,
  subscriptionId: string | null,
  now: Date,
  again = false,
): Promise<Entry> {
  const { rows } = await db.execute<{ ticket: string }>(sql`
    insert into stripe_events
      (id, type, api_version, created_at, received_at, attempted_at, state, ticket, subscription_id,
        object_id)
    values (${event.id}, ${event.type}, ${event.api_version ?? null},
      ${new Date(event.created * 1000).toISOString()}, ${now.toISOString()}, ${now.toISOString()},
      'processing', nextval('sync_ticket'), ${subscriptionId}, ${event.objectId})
    on conflict (id) do update set
      state = 'processing', attempts = stripe_events.attempts + 1, ticket = excluded.ticket,
      attempted_at = excluded.attempted_at, outcome = null, reason = null, finished_at = null
      where stripe_events.state <> 'done' or ${again}
    returning ticket::text`)
  const [row] = rows
  if (!row) return { kind: 'duplicate' }
  return { kind: 'open', ticket: Number(row.ticket) }
}

/** A ticket for a read that no event asked for. */
export async function drawTicket(db: Database): Promise<number> {
  const { rows } = await db.execute<{ ticket: string }>(
    sql`select nextval('sync_ticket')::text as ticket`,
  )
  return Number(rows[0]?.ticket)
}

/** Marks an event done whose work wrote nothing. */
export async function finishEntry(
  db: Database,
  { eventId, startedAt }: Cause,
  { outcome, reason }: { outcome: EventOutcome; reason: string },
  now: Date,
): Promise<void> {
  await db
    .update(stripeEvents)
    .set({
      state: 'done',
      outcome,
      reason,
      durationMs: now.getTime() - startedAt.getTime(),
      finishedAt: now,
    })
    .where(and(eq(stripeEvents.id, eventId), ne(stripeEvents.state, 'done')))
}

/** Notes a failure; the event stays open for Stripe's next try, and for the cron. */
export async function failEntry(
  db: Database,
  { eventId, ticket, startedAt }: Cause,
  message: string,
  now: Date,
): Promise<void> {
  await db
    .update(stripeEvents)
    .set({
      state: 'failed',
      lastError: message,
      durationMs: now.getTime() - startedAt.getTime(),
    })
    .where(
      and(
        eq(stripeEvents.id, eventId),
        eq(stripeEvents.ticket, ticket),
        ne(stripeEvents.state, 'done'),
      ),
    )
}
