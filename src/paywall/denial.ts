// A key or an account that opens nothing: what the caller is told, and what is remembered of the key.
import type { KeyIds } from '../api-key.ts'
import type { AppContext } from '../context.ts'
import type { AccountSnapshot } from '../data/account-snapshot.ts'
import type { AccessDenial } from '../data/entitlement.ts'
import { putBounded } from '../data/memory.ts'
import { promptPrices } from '../data/prices.ts'
import { endedKey } from '../ended.ts'
import { Problem } from '../problem.ts'
import type { Denied } from './decide.ts'
import { paymentRefusal } from './refusal.ts'

const KEY_SCHEME = { 'WWW-Authenticate': 'ApiKey' }
/** A key that is no account's is believed to be none for this long at most. */
const REFUSED_KEY_MS = 1_000

export function missingKey(): Problem {
  return new Problem('missing_api_key', { headers: KEY_SCHEME })
}

/** A key that has opened the door is hashed no more. */
export function rememberKey(c: AppContext, ids: KeyIds): void {
  putBounded(c.get('deps').memory.keys, c.req.header('X-API-Key') ?? '', ids)
}

export async function denialOf(c: AppContext, decision: Denied): Promise<Problem> {
  if (decision.code !== 'invalid_api_key') return paymentDenial(c, decision.code, decision.account)
  const { config, now, memory } = c.get('deps')
  const believedMs = Math.min(REFUSED_KEY_MS, config.memorySeconds * 1000)
  const text = c.req.header('X-API-Key') ?? ''
  memory.keys.delete(text)
  putBounded(memory.refusedKeys, text, now().getTime() + believedMs)
  return endedKey()
}

/** 402, with the prices that are known. */
export async function paymentDenial(
  c: AppContext,
  code: AccessDenial,
  account: AccountSnapshot,
): Promise<Problem> {
  const { config, stripe, now } = c.get('deps')
  const { origin } = new URL(c.req.url)
  return paymentRefusal(code, account, {
    origin,
    returnOrigin: config.redirectOrigins?.[0] ?? origin,
    prices: await promptPrices(stripe, config.prices, now()),
  })
}
