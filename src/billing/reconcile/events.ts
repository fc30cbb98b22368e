// Events that were begun and not finished, and those of which no delivery ever told.
import { inArray, sql } from 'drizzle-orm'
import type { Deps } from '../../context.ts'
import { stripeEvents } from '../../data/schema.ts'
import { errorFields } from '../../log.ts'
import { EVENT_TYPES } from '../event-types.ts'
import { replayEvent } from '../replay.ts'
import { endsPass, type Pass } from './pass.ts'

/** An attempt that takes longer has died. Each one that failed doubles the wait, up to six hours. */
const FIRST_WAIT = '5 minutes'
const LONGEST_WAIT = '6 hours'
const MOST_AT_ONCE = 100
/** The youngest are the webhook's. */
const LEFT_TO_WEBHOOK_MS = 2 * 60_000
/** `created` is rounded to seconds, and an event may be listed later than it was made. */
const OVERLAP_MS = 10 * 60_000
/** How far the first pass looks back: as long as Stripe delivers. */
const FIRST_LOOK_MS = 3 * 86_400_000
const PAGE = 100

/** Runs again what stayed in `processing` or failed. */
export async function finishEvents(deps: Deps, pass: Pass): Promise<void> {
  const rows = await deps.db
    .select({ id: stripeEvents.id })
    .from(stripeEvents)
    .where(
      sql`${stripeEvents.state} <> 'done' and ${stripeEvents.attemptedAt} <= ${deps.now().toISOString()}::timestamptz
        - least(interval '${sql.raw(FIRST_WAIT)}' * power(2, least(${stripeEvents.attempts} - 1, 20)),
          interval '${sql.raw(LONGEST_WAIT)}')`,
    )
    .orderBy(stripeEvents.attemptedAt)
    .limit(MOST_AT_ONCE)
  if (rows.length === MOST_AT_ONCE) pass.report.isComplete = false
  await runAgain(deps, pass, rows)
}

/**
 * Runs what Stripe has had to tell since `readUntil` and the ledger has never heard of.
 * @returns until when all of it has been dealt with
 */
export async function findEvents(deps: Deps, pass: Pass, readUntil: Date | null): Promise<Date> {
  const now = deps.now().getTime()
  const from = new Date((readUntil?.getTime() ?? now - FIRST_LOOK_MS) - OVERLAP_MS)
  const until = new Date(now - LEFT_TO_WEBHOOK_MS)
  const unknown: { id: string; created: number }[] = []
  let startingAfter: string | undefined
  do {
    await pass.pace()
    const { data, has_more: hasMore } = await deps.stripe.events.list({
      types: [...EVENT_TYPES],
      created: { gte: seconds(from), lte: seconds(until) },
      limit: PAGE,
      ...(startingAfter && { starting_after: startingAfter }),
    })
    const known = await knownAmong(
      deps,
      data.map(({ id }) => id),
    )
    for (const { id, created } of data) if (!known.has(id)) unknown.push({ id, created })
    startingAfter = hasMore ? data.at(-1)?.id : undefined
  } while (startingAfter)
  // Stripe lists the newest first; the oldest is dealt with first, so that a pass which ends early has a place to go on.
  const left = await runAgain(deps, pass, unknown.reverse())
  return left ? new Date(left.created * 1000) : until
}

/** @returns the first one for which there was no time */
async function runAgain<T extends { id: string }>(
  deps: Deps,
  pass: Pass,
  events: readonly T[],
): Promise<T | undefined> {
  for (const [done, event] of events.entries()) {
    if (pass.isOver()) {
      pass.report.isComplete = false
      return event
    }
    pass.options.onProgress?.({ step: 'events', done, of: events.length })
    if (pass.options.isDry) pass.report.events.push(event.id)
    else await runOne(deps, pass, event.id)
  }
  return undefined
}

async function runOne(deps: Deps, pass: Pass, id: string): Promise<void> {
  await pass.pace()
  try {
    const result = await replayEvent(deps, id)
    pass.report.events.push(id)
    deps.log('info', 'stripe_event_reconciled', { event: id, ...('outcome' in result && result) })
  } catch (error) {
    if (endsPass(error)) throw error
    pass.report.eventsFailed += 1
    deps.log('error', 'stripe_event_not_reconciled', { event: id, ...errorFields(error) })
  }
}

/** Also those that are not done: `finishEvents` takes care of them. */
async function knownAmong({ db }: Deps, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .select({ id: stripeEvents.id })
    .from(stripeEvents)
    .where(inArray(stripeEvents.id, ids))
  return new Set(rows.map(({ id }) => id))
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000)
