// Doors in front of the password hashing: by address before the body is read, by account before the hash.

import type { Deps, RateLimiter } from '../context.ts'
import { hmacSha256 } from '../crypto.ts'
import { Problem } from '../problem.ts'

// The period of the limiters in wrangler.toml.
const RETRY_SECONDS = 60

/** @throws Problem too_many_attempts */
export async function throttleAddress(deps: Deps, address: string | undefined): Promise<void> {
  // Without the platform's header everybody shares one bucket: a missing header is no way around the door.
  await pass(deps.limiters.authByAddress, address ?? 'unknown')
}

/** @throws Problem too_many_attempts */
export async function throttleAccount(deps: Deps, email: string): Promise<void> {
  // The limiter's key leaves the isolate: a keyed hash says nothing about the address behind it.
  const key = hmacSha256(deps.config.apiKeySecrets[0], Buffer.from(email.toLowerCase()))
  await pass(deps.limiters.authByAccount, Buffer.from(key).toString('base64url'))
}

async function pass(limiter: RateLimiter, key: string): Promise<void> {
  if (await limiter.allows(key)) return
  throw new Problem('too_many_attempts', { headers: { 'Retry-After': String(RETRY_SECONDS) } })
}
