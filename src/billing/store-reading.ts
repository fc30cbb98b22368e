// What was read of a subscription goes into the database: one transaction for its row, the audit log, the account's
// version and the event's entry in the ledger.
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { type SnapshotRow, snapshotQuery } from '../data/account-snapshot.ts'
import { type EventOutcome, subscriptions, users } from '../data/schema.ts'
import type { Cause } from './ledger.ts'
import type { SubscriptionReading } from './stripe-subscription.ts'

/** What became of a reading, and the account as it is now; null where the subscription is nobody's. */
export interface Stored {
  outcome: EventOutcome
  reason: string
  account: SnapshotRow | null
}

/** Who asks for a reading. */
export interface Origin {
  /** The event that does: its entry in the ledger is finished with the rows. */
  cause?: Cause | undefined
  /** False where more is to be done for the event: its entry stays open. */
  finishes?: boolean
  /** Why, where the event's type does not say it. */
  why?: string
  /** Who asks where no event does, for the audit log. */
  by?: 'checkout' | 'reconciliation'
}

/** The reason for which the subscription of a former account is ignored. */
export const ACCOUNT_DELETED = 'the account of the customer was deleted'

export type Reading = SubscriptionReading & { pastDueSince: Date | null }

const COLUMNS = getTableColumns(subscriptions)
/** What a later reading replaces. */
const REPLACED = Object.values(COLUMNS)
  .map(({ name }) => name)
  .filter((name) => name !== 'id' && name !== 'user_id')
/** A difference in these may change who is let in, and is for the audit log. */
const AUDITED = [
  COLUMNS.status,
  COLUMNS.tier,
  COLUMNS.cancelAt,
  COLUMNS.cancelAtPeriodEnd,
  COLUMNS.pastDueSince,
  COLUMNS.servicePaused,
].map(({ name }) => name)

const day = (instant: string) => `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD')`
/** What a person reads of a row: all that may change who is let in, as `active, pro, ends 2026-12-27`. */
const standing = (row: 'old' | 'stored') =>
  sql.raw(`${row}.status || ', ' || ${row}.tier
    || case when ${row}.ended_at is not null then '' else coalesce(', ends ' || ${day(
      `coalesce(${row}.cancel_at, case when ${row}.cancel_at_period_end then ${row}.current_period_end end)`,
    )}, '') end
    || coalesce(', owes since ' || ${day(`${row}.past_due_since`)}, '')
    || case when ${row}.service_paused then ', without service' else '' end`)

const list = (names: readonly string[], table = '') =>
  sql.raw(names.map((name) => (table ? `${table}.${name}` : name)).join(', '))

/**
 * Stores a reading unless the row holds one of a later ticket, or the subscription is not ours.
 * @throws the database's errors: nothing is stored then
 */
export async function storeReading(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  reading: Reading,
  ticket: number,
  origin: Origin,
): Promise<Stored> {
  const owner = ownerOf(reading)
  const [, results, accounts] = await db.batch([
    // Locks the account: the statements below see every earlier writer's rows.
    db
      .update(users)
      .set({ version: sql`${users.version} + 1` })
      .where(sql`${users.id} = ${owner}`),
    db.execute<{ outcome: EventOutcome; reason: string }>(
      storeStatement(reading, owner, ticket, origin, now()),
    ),
    db.execute<SnapshotRow>(snapshotQuery(owner)),
  ])
  const [result] = results.rows
  if (!result) throw new Error('The statement that stores a subscription has no result')
  return { ...result, account: accounts.rows[0] ?? null }
}

/**
 * Whose it is: whoever has its row, else by the customer that we made; never by what an event or its metadata
 * claims. The row counts first, as a customer deleted at Stripe has been replaced by another.
 */
function ownerOf({ id, customerId }: Reading): SQL {
  return sql`coalesce(
    (select user_id from subscriptions where id = ${id}),
    (select id from users where stripe_customer_id = ${customerId}))`
}

/** All parts see the tables as they were before: `old` is the row that is replaced. */
function storeStatement(
  { customerId, ...reading }: Reading,
  owner: SQL,
  ticket: number,
  { cause, finishes = true, why, by }: Origin,
  now: Date,
): SQL {
  const at = sql`${now.toISOString()}::timestamptz`
  const row = JSON.stringify(named({ ...reading, ticket, syncedAt: now }))
  return sql`
    with old as (select * from subscriptions where id = ${reading.id}),
    -- A subscription that we know keeps its tier when its price is changed to one that we don't: its end still counts.
    target as (
      select ${owner} as user_id, coalesce(${reading.tier}::text, (select tier from old)) as tier
    ),
    stored as (
      insert into subscriptions (${list(['id', 'user_id', ...REPLACED])})
      select ${list(['id', 'user_id', ...REPLACED], 'fresh')}
      from target, jsonb_populate_record(null::subscriptions,
        ${row}::jsonb || jsonb_build_object('user_id', target.user_id, 'tier', target.tier)) fresh
      where target.user_id is not null and target.tier is not null
      on conflict (id) do update set (${list(REPLACED)}) = row(${list(REPLACED, 'excluded')})
        where subscriptions.ticket < excluded.ticket
      returning *
    ),
    change as (
      select case when old.id is null then null
          else jsonb_build_object('status', old.status, 'tier', old.tier) end as before,
        jsonb_build_object('status', stored.status, 'tier', stored.tier) as after,
        case when old.id is null then 'new' else 'was ' || ${standing('old')} end as was
      from stored left join old on true
      where old.id is null
        or (${list(AUDITED, 'old')}) is distinct from (${list(AUDITED, 'stored')})
    ),
    result as (
      select case when target.user_id is null or target.tier is null then 'ignored'
          when stored.id is null then 'stale' else 'applied' end as outcome,
        case when target.user_id is null then case
            when exists (select 1 from former_accounts where stripe_customer_id = ${customerId})
              then ${ACCOUNT_DELETED}::text
            else 'the customer belongs to no account' end
          when target.tier is null then 'price ' || ${reading.priceId}::text || ' is not ours'
          when stored.id is null then 'a later read of this subscription is stored already'
          else ${why ? `${why}: ` : ''}::text || stored.id || ': ' || coalesce(change.was, 'as before') || ', now ' || ${standing('stored')}
            || case when ${reading.tier}::text is null
              then '; price ' || ${reading.priceId}::text || ' is not ours, the plan stays' else '' end
          end as reason
      from target left join stored on true left join change on true
    ),
    audited as (
      insert into audit_log (at, user_id, action, event_id, detail)
      select ${at}, target.user_id, 'subscription.changed', ${cause?.eventId ?? null}::text,
        jsonb_build_object('subscription', ${reading.id}::text, 'from', before, 'to', after,
          'reason', result.reason)
          || case when ${by ?? null}::text is null then '{}' else jsonb_build_object('by', ${by ?? null}::text) end
      from change, target, result
    ),
    -- Without a cause, or before its work is done, there is no entry to finish: no event has the empty id.
    finished as (
      update stripe_events set state = 'done', outcome = result.outcome, reason = result.reason,
        duration_ms = ${now.getTime() - (cause?.startedAt ?? now).getTime()}::integer, finished_at = ${at}
      from result where stripe_events.id = ${cause && finishes ? cause.eventId : ''} and stripe_events.state <> 'done'
    )
    select outcome, reason from result`
}

/** By the names of the columns, as JSON: Postgres reads them into the types of the table. */
function named(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const columns: Readonly<Record<string, { name: string }>> = COLUMNS
  return Object.fromEntries(
    Object.entries(row).flatMap(([key, value]) => {
      const column = columns[key]
      return column ? [[column.name, value]] : []
    }),
  )
}
