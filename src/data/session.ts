// What a token is checked against: the account and its epoch of sessions, always from Postgres, so that a session that
// is ended has ended everywhere at once.
import { type AccountSnapshot, toSnapshot } from './account-snapshot.ts'
import { readRow } from './accounts.ts'
import type { Database } from './db.ts'

/** The account, and the epoch that a token must be of; null where there is no such user. @throws AccountsUnavailable */
export async function loadSession(
  db: Database,
  userId: string,
): Promise<{ account: AccountSnapshot; epoch: number } | null> {
  const row = await readRow(db, userId)
  return row ? { account: toSnapshot(row), epoch: row.session_epoch } : null
}
