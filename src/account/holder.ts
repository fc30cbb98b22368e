// Whose account it is, and that it is really them: the password once more before anything is changed that a stolen
// token must not change.
import { eq } from 'drizzle-orm'
import { accountGone } from '../account-gone.ts'
import type { Deps } from '../context.ts'
import { tryPassword } from '../data/attempts.ts'
import { users } from '../data/schema.ts'
import { checkPassword } from '../password.ts'
import { Problem } from '../problem.ts'
import { throttleAddress } from '../throttle.ts'

/** The account's row, as its changes need it. */
export interface Holder {
  id: string
  email: string
  passwordHash: string
  stripeCustomerId: string | null
}

/** @throws Problem invalid_token where the account was deleted meanwhile */
export async function holderOf({ db }: Deps, userId: string): Promise<Holder> {
  const { id, email, passwordHash, stripeCustomerId } = users
  const [row] = await db
    .select({ id, email, passwordHash, stripeCustomerId })
    .from(users)
    .where(eq(id, userId))
  if (!row) throw accountGone()
  return row
}

/**
 * The holder, if `password` is theirs. As dear to a guesser as login: throttled by the same counts.
 * @throws Problem incorrect_password, too_many_attempts
 */
export async function confirmPassword(
  deps: Deps,
  { userId, password, address }: { userId: string; password: string; address: string | undefined },
): Promise<Holder> {
  await throttleAddress(deps, address)
  const holder = await holderOf(deps, userId)
  const caller = { address, email: holder.email }
  const check = () => checkPassword(password, holder.passwordHash)
  const { matches } = await tryPassword(deps, caller, check, (outcome) => !outcome.matches)
  if (!matches) throw new Problem('incorrect_password')
  return holder
}

/** @throws Problem incorrect_password */
export async function requirePassword(
  { passwordHash }: Pick<Holder, 'passwordHash'>,
  password: string,
): Promise<void> {
  const { matches } = await checkPassword(password, passwordHash)
  if (!matches) throw new Problem('incorrect_password')
}
