// From Stripe's subscription to our rows: read it live, store it under the ticket, refresh the account's snapshot.
import { eq, sql } from 'drizzle-orm'
import type Stripe from 'stripe'
import type { Deps } from '../context.ts'
import { type SnapshotRow, snapshotQuery, toSnapshot, toUsed } from '../data/account-snapshot.ts'
import { refreshAccount, writeThrough } from '../data/accounts.ts'
import { isLive } from '../data/entitlement.ts'
import { subscriptions, users } from '../data/schema.ts'
import type { Tier } from '../plans.ts'
import { isMissing } from '../stripe-fault.ts'
import { drawTicket, finishEntry } from './ledger.ts'
import { readingOf, type SubscriptionReading } from './stripe-subscription.ts'

export type SyncResult =
  | { outcome: 'applied' }
  | { outcome: 'stale'; reason: string }
  | { outcome: 'ignored'; reason: string }

/** The event that asked for the sync; its ledger entry is finished with the rows. */
export interface Cause {
  eventId: string
  ticket: number
  startedAt: Date
}

/**
 * Brings the row of one subscription to what Stripe shows now. The ticket was drawn before the read, so whoever
 * holds a later one has read a later state and wins: no clock decides, and any order of events ends the same.
 * @throws Stripe's and the database's errors: nothing is stored then, and Stripe should deliver again
 */
export async function syncSubscription(
  deps: Deps,
  subscriptionId: string,
  cause?: Cause,
): Promise<SyncResult> {
  const ticket = cause?.ticket ?? (await drawTicket(deps.db))
  const subscription = await retrieve(deps, subscriptionId)
  if (!subscription) return { outcome: 'ignored', reason: 'Stripe has no such subscription' }
  const reading = readingOf(subscription, deps.config.prices)
  const owner = await ownerOf(deps, reading)
  if (!owner) return { outcome: 'ignored', reason: 'the customer belongs to no account' }
  if (reading.tier === null) {
    deps.log('error', 'unknown_price', { subscription: reading.id, price: reading.priceId })
  }
  // A subscription that we know keeps its tier when its price is changed to one that we don't: its end still counts.
  const tier = reading.tier ?? owner.knownTier
  if (tier === null) return { outcome: 'ignored', reason: `price ${reading.priceId} is not ours` }
  const pastDueSince = reading.status === 'past_due' ? await firstFailure(deps, reading) : null
  return store(deps, { ...reading, tier, pastDueSince }, owner.userId, ticket, cause)
}

/** Writes the present snapshot of a subscription's account to Redis again. */
export async function refreshSnapshot(deps: Deps, subscriptionId: string): Promise<void> {
  const [row] = await deps.db
    .select({ userId: subscriptions.userId })
    .from(subscriptions)
    .where(eq(subscriptions.id, subscriptionId))
  if (row) await refreshAccount(deps, row.userId)
}

/** Null when Stripe has no such subscription. */
async function retrieve(deps: Deps, id: string): Promise<Stripe.Subscription | null> {
  try {
    return await deps.stripe.subscriptions.retrieve(id)
  } catch (error) {
    if (!isMissing(error, 'id') && !isMissing(error, 'subscription')) throw error
    deps.log('error', 'subscription_missing_at_stripe', { subscription: id })
    return null
  }
}

/**
 * Whose it is: whoever has its row, else by the customer that we made; never by what an event or its metadata
 * claims. The row counts first, as a customer deleted at Stripe has been replaced by another.
 */
async function ownerOf(
  deps: Deps,
  { id, customerId }: SubscriptionReading,
): Promise<{ userId: string; knownTier: Tier | null } | null> {
  const { rows } = await deps.db.execute<{ user_id: string | null; tier: Tier | null }>(sql`
    select
      coalesce(
        (select user_id from subscriptions where id = ${id}),
        (select id from users where stripe_customer_id = ${customerId})
      ) as user_id,
      (select tier from subscriptions where id = ${id}) as tier`)
  const [row] = rows
  return row?.user_id ? { userId: row.user_id, knownTier: row.tier } : null
}

/** When the oldest invoice still open was finalised: Stripe's first attempt to collect it follows at once. */
async function firstFailure(
  deps: Deps,
  { id, currentPeriodStart }: SubscriptionReading,
): Promise<Date> {
  const { data } = await deps.stripe.invoices.list({ subscription: id, status: 'open', limit: 100 })
  const finalized = data.flatMap(({ status_transitions }) => status_transitions.finalized_at ?? [])
  return finalized.length > 0 ? new Date(Math.min(...finalized) * 1000) : currentPeriodStart
}

type Row = Omit<SubscriptionReading, 'tier'> & { tier: Tier; pastDueSince: Date | null }

/** One transaction: the row, the audit entry, the account's version and the event's ledger entry. */
async function store(
  deps: Deps,
  { customerId: _, ...reading }: Row,
  userId: string,
  ticket: number,
  cause: Cause | undefined,
): Promise<SyncResult> {
  const { db } = deps
  const now = deps.now()
  const row = { ...reading, userId, ticket, syncedAt: now }
  const { id: _id, userId: _userId, ...changes } = row
  const stored = sql`exists (select from subscriptions where id = ${row.id} and ticket = ${ticket})`
  const [, , , snapshots] = await db.batch([
    // Locks the account: the statements below see every earlier writer's rows.
    db
      .update(users)
      .set({ version: sql`${users.version} + 1` })
      .where(eq(users.id, userId)),
    db.execute(auditChange(row, cause?.eventId ?? null, now)),
    db
      .insert(subscriptions)
      .values(row)
      .onConflictDoUpdate({
        target: subscriptions.id,
        set: changes,
        setWhere: sql`${subscriptions.ticket} < ${ticket}`,
      }),
    db.execute<SnapshotRow & { stored: boolean }>(
      sql`select snapshot.*, ${stored} as stored from (${snapshotQuery(userId)}) snapshot`,
    ),
    finishEntry(
      db,
      // Without a cause there is no entry to finish: no event has the empty id.
      cause?.eventId ?? '',
      { outcome: sql`case when ${stored} then 'applied' else 'stale' end` },
      cause?.startedAt ?? now,
      now,
    ),
  ])
  const [snapshot] = snapshots.rows
  if (!snapshot) throw new Error('The account was deleted while its subscription was stored')
  reportDuplicates(deps, snapshot)
  await writeThrough(deps, userId, toSnapshot(snapshot), toUsed(snapshot))
  return snapshot.stored
    ? { outcome: 'applied' }
    : { outcome: 'stale', reason: 'a later read of this subscription is stored already' }
}

/** An entry when access may change: status, tier, scheduled end or grace differ from the row that is replaced. */
function auditChange(row: typeof subscriptions.$inferInsert, eventId: string | null, now: Date) {
  const iso = (date: Date | null | undefined) => date?.toISOString() ?? null
  return sql`
    insert into audit_log (at, user_id, action, event_id, detail)
    select ${now.toISOString()}::timestamptz, ${row.userId}::uuid, 'subscription.changed', ${eventId}::text,
      jsonb_build_object('subscription', ${row.id}::text,
        'from', case when old.id is null then null
          else jsonb_build_object('status', old.status, 'tier', old.tier) end,
        'to', jsonb_build_object('status', ${row.status}::text, 'tier', ${row.tier}::text))
    from (select) one left join subscriptions old on old.id = ${row.id}
    where old.id is null or old.ticket < ${row.ticket} and
      (old.status, old.tier, old.cancel_at, old.cancel_at_period_end, old.past_due_since)
      is distinct from
      (${row.status}::text, ${row.tier}::text, ${iso(row.cancelAt)}::timestamptz,
        ${row.cancelAtPeriodEnd}::boolean, ${iso(row.pastDueSince)}::timestamptz)`
}

/** Two live subscriptions are one entitlement and two payments: somebody must give one back. */
function reportDuplicates(deps: Deps, snapshot: SnapshotRow): void {
  const live = snapshot.subscriptions.filter(({ status }) => isLive(status))
  if (live.length < 2) return
  const ids = live.map(({ id }) => id).join(' ')
  deps.log('error', 'duplicate_subscription', { user_id: snapshot.user_id, subscriptions: ids })
}
