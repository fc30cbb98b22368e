// Accounts' beginning: register, login, and what both answer.
import { and, eq, sql } from 'drizzle-orm'
import { mintApiKey } from '../api-key.ts'
import type { Deps } from '../context.ts'
import { uuid } from '../crypto.ts'
import { type AccountSnapshot, subscriptionOf } from '../data/account-snapshot.ts'
import { loadAccount, writeThrough } from '../data/accounts.ts'
import { firstLiveKey, newKeyId } from '../data/api-keys.ts'
import { isDuplicate } from '../data/db.ts'
import { isFormer } from '../data/former-accounts.ts'
import { apiKeys, auditLog, users } from '../data/schema.ts'
import { checkPassword, hashPassword, NOBODYS_HASH } from '../password.ts'
import type { Tier } from '../plans.ts'
import { issueToken, type TokenAnswer } from '../token.ts'

export interface Credentials {
  email: string
  password: string
}

/** What register and login answer, in the contract's names. */
export interface Session extends TokenAnswer {
  api_key: string
  user: { id: string; email: string; tier: Tier; subscription_status: string; api_key: string }
}

/** A new account with its first key. */
export async function register(
  deps: Deps,
  { email, password, tier }: Credentials & { tier: Tier },
): Promise<Session | 'email_taken'> {
  const userId = uuid(deps.randomBytes)
  const keyId = newKeyId(deps.randomBytes)
  const now = deps.now()
  const passwordHash = await hashPassword(password, deps.randomBytes)
  try {
    await deps.db.batch([
      deps.db.insert(users).values({
        id: userId,
        email,
        passwordHash,
        tier,
        createdAt: now,
      }),
      // Its own statement: the one before may have waited for the end of an account of this email, and this one sees it.
      deps.db
        .update(users)
        .set({ trialUsed: true })
        .where(and(eq(users.id, userId), isFormer(deps.config.apiKeySecrets, email))),
      deps.db.insert(apiKeys).values({ id: keyId, userId, name: 'default', createdAt: now }),
      deps.db
        .insert(auditLog)
        .values({ at: now, userId, action: 'account.registered', detail: { tier } }),
    ])
  } catch (error) {
    if (isDuplicate(error, 'users_email_key')) return 'email_taken'
    throw error
  }
  const account: AccountSnapshot = {
    userId,
    version: 1,
    intendedTier: tier,
    createdAt: now.getTime(),
    keys: [{ id: keyId, expiresAt: null }],
    subscriptions: [],
  }
  await writeThrough(deps, userId, account)
  return session(deps, account, { email, sessionEpoch: 0 }, keyId)
}

/** The account of these credentials. An unknown email takes the time of a wrong password and answers the same. */
export async function login(
  deps: Deps,
  { email, password }: Credentials,
): Promise<Session | 'invalid_credentials'> {
  const [user] = await deps.db
    .select()
    .from(users)
    .where(eq(sql`lower(${users.email})`, sql`lower(${email})`))
  const check = await checkPassword(password, user?.passwordHash ?? NOBODYS_HASH)
  if (!user || !check.matches) return 'invalid_credentials'
  if (check.outdated) {
    const passwordHash = await hashPassword(password, deps.randomBytes)
    // Unless the password was changed meanwhile: the old one must not come back.
    await deps.db
      .update(users)
      .set({ passwordHash })
      .where(and(eq(users.id, user.id), eq(users.passwordHash, user.passwordHash)))
  }
  const [account, keyId] = await Promise.all([
    loadAccount(deps.db, user.id),
    firstLiveKey(deps, user.id),
  ])
  if (!account) return 'invalid_credentials'
  // The epoch that stood beside the password: a token must not outlive a password that is changed meanwhile.
  return session(deps, account, user, keyId)
}

async function session(
  deps: Deps,
  account: AccountSnapshot,
  { email, sessionEpoch }: { email: string; sessionEpoch: number },
  keyId: string,
): Promise<Session> {
  const { userId } = account
  const subscription = subscriptionOf(account, deps.now(), deps.config.pastDueGraceDays)
  const apiKey = mintApiKey(deps.config.apiKeySecrets, { userId, keyId })
  const subject = { userId, epoch: sessionEpoch }
  return {
    ...(await issueToken(deps.config.jwtSecrets, subject, deps.now())),
    api_key: apiKey,
    user: {
      id: userId,
      email,
      tier: subscription?.tier ?? account.intendedTier,
      subscription_status: subscription?.status ?? 'none',
      api_key: apiKey,
    },
  }
}
