// A change of an account's keys: its statement and the parts of it, and how everybody hears of it.
import { eq, type SQL, sql } from 'drizzle-orm'
import { errorFields } from '../log.ts'
import { type SnapshotRow, snapshotQuery, toSnapshot, toUsed } from './account-snapshot.ts'
import { refreshAccount, writeThrough } from './accounts.ts'
import type { Stores } from './memory.ts'
import { users } from './schema.ts'

/** Tells what outlives the request to the platform. */
export type WaitUntil = (work: Promise<unknown>) => void

/** An instant as a parameter of a statement. */
export function at(instant: Date | null): SQL {
  return sql`${instant?.toISOString() ?? null}::timestamptz`
}

/** The part that raises the account's version if the part `changed` has changed a row. */
export function raised(userId: string, changed: string): SQL {
  return sql`raised as (
    update users set version = version + 1
    where id = ${userId} and exists (select 1 from ${sql.raw(changed)})
  )`
}

/** The part that tells the audit log if the part `changed` has changed a row. */
export function audited(
  userId: string,
  now: Date,
  action: string,
  detail: Record<string, unknown>,
  changed: string,
): SQL {
  return sql`audited as (
    insert into audit_log (at, user_id, action, detail)
    select ${at(now)}, ${userId}::uuid, ${action}, ${JSON.stringify(detail)}::jsonb
    from ${sql.raw(changed)}
  )`
}

/**
 * Runs a statement that changes an account's keys, and tells Redis and this isolate's memory. Others wait: what the
 * statement counts is exact. Where Redis does not hear of it, it is told again in the background.
 */
export async function changeKeys<Row extends Record<string, unknown>>(
  stores: Stores,
  userId: string,
  statement: SQL,
  waitUntil?: WaitUntil,
): Promise<Row | undefined> {
  const { db } = stores
  const askedAt = stores.now().getTime()
  const [, changed, accounts] = await db.batch([
    // Its own statement: the next one sees what everybody before it has committed.
    db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('update'),
    db.execute<Row>(statement),
    db.execute<SnapshotRow>(snapshotQuery(userId)),
  ])
  const [account] = accounts.rows
  const isHeard = account
    ? await writeThrough(stores, userId, toSnapshot(account), toUsed(account), { askedAt })
    : await writeThrough(stores, userId, null)
  if (!isHeard) waitUntil?.(tellAgain(stores, userId))
  return changed.rows[0]
}

const TELL_PAUSE_MS = 500
/** `waitUntil` lasts 30 s: as many as fit, each with a Redis that lets it wait. After that the snapshot has ended soon. */
const MOST_TELLINGS = 20

async function tellAgain(stores: Stores, userId: string): Promise<void> {
  for (let i = 0; i < MOST_TELLINGS; i += 1) {
    await stores.pause(TELL_PAUSE_MS)
    try {
      if (await refreshAccount(stores, userId)) return
    } catch (error) {
      const fields = { user_id: userId, ...errorFields(error) }
      stores.log('warn', 'account_snapshot_not_refreshed', fields)
    }
  }
}
