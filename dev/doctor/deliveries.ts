// What Stripe could not deliver, and what arrived and is not done.
import { and, eq, inArray, lt, ne, sql } from 'drizzle-orm'
import type Stripe from 'stripe'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import type { Database } from '../../src/data/db.ts'
import { stripeEvents } from '../../src/data/schema.ts'
import type { Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { ONCE, unread } from './stripe-answer.ts'

const DAY_SECONDS = 86_400
const PAGE = 100
/** Younger ones may be on their way: Stripe's first retry comes later. */
const ON_ITS_WAY_SECONDS = 60
const STUCK_MS = 10 * 60_000

/**
 * Events of the last day that Stripe calls undelivered. Any endpoint of the account may be the one that failed, so
 * those that our ledger has done are left out.
 */
export async function checkDeliveries(patient: Patient, stripe: Stripe): Promise<Finding> {
  const item = 'Webhook deliveries'
  const now = Math.floor(patient.now() / 1000)
  let page: Stripe.ApiList<Stripe.Event>
  try {
    page = await stripe.events.list(
      {
        types: [...EVENT_TYPES],
        delivery_success: false,
        created: { gte: now - DAY_SECONDS },
        limit: PAGE,
      },
      ONCE,
    )
  } catch (error) {
    return unread(item, 'Events', error, true)
  }
  const late = page.data.filter(({ created }) => created < now - ON_ITS_WAY_SECONDS)
  const done = await doneAmong(
    patient.db,
    late.map(({ id }) => id),
  )
  const lost = late.filter(({ id }) => !done?.has(id))
  const [latest] = lost
  const under = done ? '' : ' (our ledger could not be asked which of them arrived)'
  if (latest) {
    const count = page.has_more ? `${lost.length} or more` : lost.length
    return {
      level: 'fail',
      item,
      says: `${count} of the last 24 hours failed, the latest is ${latest.id} (${latest.type})${under}`,
      todo: `npm run stripe:replay -- ${latest.id}`,
    }
  }
  const waiting = page.data.length - late.length
  if (waiting > 0) {
    const says = `${waiting} of the last minute not confirmed yet`
    return { level: 'warn', item, says, todo: 'run this again in a minute' }
  }
  return { level: 'ok', item, says: 'none of the last 24 hours failed' }
}

/** Undefined when the ledger cannot be asked. */
async function doneAmong(
  db: Database | undefined,
  ids: string[],
): Promise<ReadonlySet<string> | undefined> {
  if (ids.length === 0) return new Set()
  try {
    const rows = await db
      ?.select({ id: stripeEvents.id })
      .from(stripeEvents)
      .where(and(inArray(stripeEvents.id, ids), eq(stripeEvents.state, 'done')))
    return rows && new Set(rows.map(({ id }) => id))
  } catch {
    return undefined
  }
}

/** Events of our own ledger that have been failed, or in work, for too long. */
export async function checkLedger({ db, now }: Patient): Promise<Finding[]> {
  const item = 'Ledger of events'
  if (!db) return []
  const before = new Date(now() - STUCK_MS)
  try {
    const rows = await db
      .select({
        id: stripeEvents.id,
        type: stripeEvents.type,
        state: stripeEvents.state,
        error: stripeEvents.lastError,
        count: sql<number>`(count(*) over ())::int`,
      })
      .from(stripeEvents)
      .where(and(ne(stripeEvents.state, 'done'), lt(stripeEvents.receivedAt, before)))
      .orderBy(sql`${stripeEvents.receivedAt} desc`)
      .limit(1)
    const [latest] = rows
    if (!latest) return [{ level: 'ok', item, says: 'nothing failed, nothing stuck' }]
    const error = latest.error ? `: ${latest.error.slice(0, 160)}` : ''
    return [
      {
        level: 'fail',
        item,
        says: `${latest.count} not done after ten minutes, the latest is ${latest.id} (${latest.type}, ${latest.state}${error})`,
        todo: `npm run stripe:replay -- ${latest.id}`,
      },
    ]
  } catch {
    // Postgres is away or has no tables: its own lines say so.
    return [{ level: 'skip', item, says: 'not checked: it cannot be read' }]
  }
}
