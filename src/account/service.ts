// The account as its holder sees it, its password, and the end of its sessions.
import { eq, sql } from 'drizzle-orm'
import { accountGone } from '../account-gone.ts'
import type { Deps } from '../context.ts'
import { type AccountSnapshot, isKeyActive, subscriptionOf } from '../data/account-snapshot.ts'
import { users } from '../data/schema.ts'
import { hashPassword } from '../password.ts'
import { issueToken, type TokenAnswer } from '../token.ts'
import { type Holder, holderOf, requirePassword } from './holder.ts'

/** An account on the wire. */
export interface AccountView {
  id: string
  email: string
  tier: string
  subscription_status: string
  /** Keys that open a door at the moment. */
  api_keys: number
  created_at: string
}

/** @throws Problem invalid_token where the account was deleted meanwhile */
export async function viewAccount(deps: Deps, account: AccountSnapshot): Promise<AccountView> {
  const now = deps.now()
  const [row] = await deps.db
    .select({ email: users.email })
    .from(users)
    .where(eq(users.id, account.userId))
  if (!row) throw accountGone()
  const subscription = subscriptionOf(account, now, deps.config.pastDueGraceDays)
  return {
    id: account.userId,
    email: row.email,
    tier: subscription?.tier ?? account.intendedTier,
    subscription_status: subscription?.status ?? 'none',
    api_keys: account.keys.filter(({ id }) => isKeyActive(account, id, now)).length,
    created_at: new Date(account.createdAt).toISOString(),
  }
}

/**
 * Sets a new password and ends every session, and gives the token that goes on.
 * @throws Problem incorrect_password where somebody else has changed it meanwhile
 */
export async function changePassword(
  deps: Deps,
  holder: Holder,
  { password, newPassword }: { password: string; newPassword: string },
): Promise<TokenAnswer> {
  const passwordHash = await hashPassword(newPassword, deps.randomBytes)
  let held = holder
  for (;;) {
    const epoch = await endSessions(deps, held.id, {
      action: 'account.password_changed',
      set: sql`password_hash = ${passwordHash},`,
      // Of two changes at once, with the same old password, one wins.
      unless: sql`password_hash <> ${held.passwordHash}`,
    })
    if (epoch !== null) {
      return issueToken(deps.config.jwtSecrets, { userId: held.id, epoch }, deps.now())
    }
    // A login may only have hashed the same password anew.
    held = await holderOf(deps, held.id)
    await requirePassword(held, password)
  }
}

/** Ends every session of the account, this one too. */
export async function logOutEverywhere(deps: Deps, userId: string): Promise<void> {
  const epoch = await endSessions(deps, userId, {
    action: 'account.sessions_ended',
    set: sql``,
    unless: sql`false`,
  })
  if (epoch === null) throw accountGone()
}

/** The next epoch, in one statement with whatever comes with it; null where nothing was done. */
async function endSessions(
  { db, now }: Deps,
  userId: string,
  { action, set, unless }: { action: string; set: ReturnType<typeof sql>; unless: typeof set },
): Promise<number | null> {
  const { rows } = await db.execute<{ session_epoch: number }>(sql`
    with changed as (
      update users set ${set} session_epoch = session_epoch + 1
      where id = ${userId} and not (${unless})
      returning id, session_epoch
    ), audited as (
      insert into audit_log (at, user_id, action, detail)
      select ${now().toISOString()}::timestamptz, id, ${action}, '{}' from changed
    )
    select session_epoch from changed`)
  return rows[0]?.session_epoch ?? null
}
