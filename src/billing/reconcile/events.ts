// Events that were begun and not finished, and those of which no delivery ever told.
import { inArray, sql } from 'drizzle-orm'
import type Stripe from 'stripe'
import type { Deps } from '../../context.ts'
import { stripeEvents } from '../../data/schema.ts'
import { errorFields } from '../../log.ts'
import { EVENT_TYPES, REVERSAL_TYPES } from '../event-types.ts'
import { type Receipt, receiveEvent } from '../receive-event.ts'
import { replayEvent } from '../replay.ts'
import { eventShape } from '../verify.ts'
import { endsPass, type FoundEvent, type Pass } from './pass.ts'

/** An attempt that takes longer has died. Each one that failed doubles the wait, up to six hours. */
const FIRST_WAIT = '5 minutes'
const LONGEST_WAIT = '6 hours'
const MOST_AT_ONCE = 100
/** Of the pass's time: the accounts need theirs. */
const SHARE = 0.5
/** The youngest are the webhook's. */
const LEFT_TO_WEBHOOK_MS = 2 * 60_000
/** `created` is rounded to seconds, and an event may be listed later than it was made. */
const OVERLAP_MS = 10 * 60_000
/** How far the first pass looks back: as long as Stripe delivers. */
const FIRST_LOOK_MS = 3 * 86_400_000
/** Listed at once: after each of these a pass that ends has got further. */
const SLICE_MS = 6 * 3_600_000
const PAGE = 100

/** Runs again what stayed in `processing` or failed. */
export async function finishEvents(deps: Deps, pass: Pass): Promise<void> {
  const rows = await deps.db
    .select({ id: stripeEvents.id, type: stripeEvents.type })
    .from(stripeEvents)
    .where(
      sql`${stripeEvents.state} <> 'done' and ${stripeEvents.attemptedAt} <= ${deps.now().toISOString()}::timestamptz
        - least(interval '${sql.raw(FIRST_WAIT)}' * power(2, least(${stripeEvents.attempts} - 1, 20)),
          interval '${sql.raw(LONGEST_WAIT)}')`,
    )
    .orderBy(stripeEvents.attemptedAt)
    .limit(MOST_AT_ONCE)
  if (rows.length === MOST_AT_ONCE) pass.report.isComplete = false
  await runEach(deps, pass, rows, ({ id }) => replayEvent(deps, id))
}

/**
 * Runs what Stripe has had to tell since `readUntil` and the ledger has never heard of, the oldest first.
 * @param onRead is told until when all of it has been dealt with
 */
export async function findEvents(
  deps: Deps,
  pass: Pass,
  readUntil: Date | null,
  onRead: (until: Date) => Promise<void>,
): Promise<void> {
  const now = deps.now().getTime()
  // What was paid back before anybody listened was dealt with by hand: its events must end nothing now.
  const types = readUntil
    ? [...EVENT_TYPES]
    : EVENT_TYPES.filter((type) => !REVERSAL_TYPES.includes(type))
  let from = (readUntil?.getTime() ?? now - FIRST_LOOK_MS) - OVERLAP_MS
  const end = now - LEFT_TO_WEBHOOK_MS
  while (from < end) {
    const until = Math.min(from + SLICE_MS, end)
    const unknown = await listUnknown(deps, pass, types, from, until)
    const left = await runEach(deps, pass, unknown, (event) =>
      receiveEvent(deps, eventShape.parse(event)),
    )
    await onRead(new Date(left ? left.created * 1000 : until))
    if (left) return
    from = until
  }
}

/** The oldest first, where Stripe lists the newest first. */
async function listUnknown(
  deps: Deps,
  pass: Pass,
  types: string[],
  from: number,
  until: number,
): Promise<Stripe.Event[]> {
  const unknown: Stripe.Event[] = []
  const created = { gte: Math.floor(from / 1000), lte: Math.floor(until / 1000) }
  let startingAfter: string | undefined
  do {
    await pass.pace()
    const after = startingAfter && { starting_after: startingAfter }
    const { data, has_more } = await deps.stripe.events.list({
      types,
      created,
      limit: PAGE,
      ...after,
    })
    const known = await knownAmong(deps, data)
    unknown.push(...data.filter(({ id }) => !known.has(id)))
    startingAfter = has_more ? data.at(-1)?.id : undefined
  } while (startingAfter)
  return unknown.reverse()
}

/** @returns the first one for which there was no time, or that failed before the ledger had it */
async function runEach<T extends FoundEvent>(
  deps: Deps,
  pass: Pass,
  events: readonly T[],
  run: (event: T) => Promise<Receipt | { kind: 'unknown_event' }>,
): Promise<T | undefined> {
  const lost: T[] = []
  for (const [done, event] of events.entries()) {
    if (pass.isOver(SHARE)) {
      pass.report.isComplete = false
      return lost[0] ?? event
    }
    pass.options.onProgress?.({ step: 'events', done, of: events.length })
    if (pass.options.isDry) pass.report.events.push({ id: event.id, type: event.type })
    else if (!(await runOne(deps, pass, event, run))) lost.push(event)
  }
  return lost[0]
}

/** @returns false where it failed and nobody but Stripe remembers it */
async function runOne<T extends FoundEvent>(
  deps: Deps,
  pass: Pass,
  event: T,
  run: (event: T) => Promise<Receipt | { kind: 'unknown_event' }>,
): Promise<boolean> {
  const { id, type } = event
  await pass.pace()
  try {
    const result = await run(event)
    if ('kind' in result) throw new Error('Neither Stripe nor the ledger knows of what it spoke')
    pass.report.events.push({ id, type })
    deps.log('info', 'stripe_event_reconciled', { event: id, ...result })
    return true
  } catch (error) {
    if (endsPass(error)) throw error
    pass.report.eventsFailed += 1
    deps.log('error', 'stripe_event_not_reconciled', { event: id, ...errorFields(error) })
    return (await knownAmong(deps, [event])).has(id)
  }
}

/** Also those that are not done: `finishEvents` takes care of them. */
async function knownAmong(
  { db }: Deps,
  events: readonly { id: string }[],
): Promise<ReadonlySet<string>> {
  if (events.length === 0) return new Set()
  const ids = events.map(({ id }) => id)
  const rows = await db
    .select({ id: stripeEvents.id })
    .from(stripeEvents)
    .where(inArray(stripeEvents.id, ids))
  return new Set(rows.map(({ id }) => id))
}
