// Who is calling: a JWT or an API key. For the account's own calls, paid or not.
import { proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard } from '../context.ts'
import { type AccountSnapshot, isKeyActive } from '../data/account-snapshot.ts'
import { loadAccount } from '../data/accounts.ts'
import { noteKeyUse, notePreviousKey } from '../data/key-use.ts'
import { loadSession } from '../data/session.ts'
import { endedKey, endedToken } from '../ended.ts'
import { Problem } from '../problem.ts'
import { verifyToken } from '../token.ts'

const BEARER = /^bearer +(\S+) *$/i
const BEARER_SCHEME = /^bearer( |$)/i

/** By whom a door may be passed: a person who has logged in, or also a program with a key. */
export type Door = { by: 'token' | 'token or key' }

/**
 * Sets `account`. When both are sent the token decides, even when it is bad (contract). A key lies in programs and
 * their logs: it does not open what only the person may do (`by: 'token'`), and is not even looked at there. A test
 * key opens none of these calls.
 * Throws missing_credentials, invalid_token, invalid_api_key or live_key_required.
 */
export function authenticated({ by }: Door = { by: 'token or key' }): Guard {
  return async function authenticated(c, next) {
    const authorization = c.req.header('Authorization')?.trim() ?? ''
    const apiKey = by === 'token' ? undefined : c.req.header('X-API-Key')
    if (BEARER_SCHEME.test(authorization)) {
      const { account, epoch } = await sessionOfToken(c.var.deps, authorization)
      c.set('account', account)
      c.set('sessionEpoch', epoch)
    } else if (apiKey) {
      c.set('account', await accountOfKey(c, apiKey))
    } else {
      throw new Problem('missing_credentials', by === 'token' ? TOKEN_ONLY : EITHER)
    }
    await next()
  }
}

const TOKEN_ONLY = {
  detail:
    'Send "Authorization: Bearer <token>" from login or register: this call does not take an API key.',
  headers: { 'WWW-Authenticate': 'Bearer' },
}

const EITHER = { headers: { 'WWW-Authenticate': 'Bearer, ApiKey' } }

async function sessionOfToken(
  deps: Deps,
  authorization: string,
): Promise<{ account: AccountSnapshot; epoch: number }> {
  const token = BEARER.exec(authorization)?.[1]
  const subject = token && (await verifyToken(deps.config.jwtSecrets, token, deps.now()))
  const session = subject ? await loadSession(deps.db, subject.userId) : null
  if (subject && session?.epoch === subject.epoch) return session
  throw endedToken()
}

async function accountOfKey(c: AppContext, apiKey: string): Promise<AccountSnapshot> {
  const { deps } = c.var
  const ids = proveApiKey(deps.config.apiKeySecrets, apiKey)
  const account = ids && (await loadAccount(deps.db, ids.userId))
  if (account && isKeyActive(account, ids.keyId, deps.now())) {
    notePreviousKey(deps, ids)
    if (ids.mode === 'test') throw new Problem('live_key_required')
    c.set('caller', ids)
    const noting = noteKeyUse(deps, ids.keyId, deps.now().getTime())
    if (noting) c.executionCtx.waitUntil(noting)
    return account
  }
  throw endedKey()
}
