// Who is calling: a JWT or an API key. For the account's own calls, paid or not.
import { proveApiKey } from '../api-key.ts'
import type { AppContext, Deps, Guard } from '../context.ts'
import { type AccountSnapshot, isKeyActive } from '../data/account-snapshot.ts'
import { loadAccount } from '../data/accounts.ts'
import { noteKeyUse } from '../data/key-use.ts'
import { Problem } from '../problem.ts'
import { verifyToken } from '../token.ts'

const BEARER = /^bearer +(\S+) *$/i
const BEARER_SCHEME = /^bearer( |$)/i

/**
 * Sets `account`. When both are sent the token decides, even when it is bad (contract).
 * A test key opens none of these calls.
 * Throws missing_credentials, invalid_token, invalid_api_key or live_key_required.
 */
export function authenticated(): Guard {
  return async function authenticated(c, next) {
    const authorization = c.req.header('Authorization')?.trim() ?? ''
    const apiKey = c.req.header('X-API-Key')
    if (BEARER_SCHEME.test(authorization)) {
      c.set('account', await accountOfToken(c.var.deps, authorization))
    } else if (apiKey) {
      c.set('account', await accountOfKey(c, apiKey))
    } else {
      throw new Problem('missing_credentials', {
        headers: { 'WWW-Authenticate': 'Bearer, ApiKey' },
      })
    }
    await next()
  }
}

async function accountOfToken(deps: Deps, authorization: string): Promise<AccountSnapshot> {
  const token = BEARER.exec(authorization)?.[1]
  const userId = token && (await verifyToken(deps.config.jwtSecrets, token, deps.now()))
  const account = userId ? await loadAccount(deps.db, userId) : null
  if (account) return account
  // RFC 6750, 3.1
  throw new Problem('invalid_token', {
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  })
}

async function accountOfKey(c: AppContext, apiKey: string): Promise<AccountSnapshot> {
  const { deps } = c.var
  const ids = proveApiKey(deps.config.apiKeySecrets, apiKey)
  const account = ids && (await loadAccount(deps.db, ids.userId))
  if (account && isKeyActive(account, ids.keyId, deps.now())) {
    if (ids.mode === 'test') throw new Problem('live_key_required')
    c.set('callerKey', ids)
    const noting = noteKeyUse(deps, ids.keyId, deps.now().getTime())
    if (noting) c.executionCtx.waitUntil(noting)
    return account
  }
  throw new Problem('invalid_api_key', { headers: { 'WWW-Authenticate': 'ApiKey' } })
}
