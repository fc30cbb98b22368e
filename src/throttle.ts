// Doors in front of the password hashing: by address before the body is read, by account before the hash.

import type { Deps, RateLimiter } from './context.ts'
import { hmacSha256 } from './crypto.ts'
import { Problem } from './problem.ts'

// The period of the limiters in wrangler.toml.
const RETRY_SECONDS = 60

/** @throws Problem too_many_attempts */
export async function throttleAddress(deps: Deps, address: string | undefined): Promise<void> {
  // Without the platform's header everybody shares one bucket: a missing header is no way around the door.
  await pass(deps.limiters.authByAddress, address ? networkOf(address) : 'unknown')
}

/** @throws Problem too_many_attempts */
export async function throttleAccount(deps: Deps, email: string): Promise<void> {
  // The limiter's key leaves the isolate: a keyed hash says nothing about the address behind it.
  const key = hmacSha256(deps.config.apiKeySecrets[0], Buffer.from(email.toLowerCase()))
  await pass(deps.limiters.authByAccount, Buffer.from(key).toString('base64url'))
}

/** An IPv6 address counts by its /64: whoever has one address has them all. IPv4 addresses count one by one. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (text: string) => (text ? text.split(':') : [])
  const given = groups(head)
  const missing = tail === undefined ? 0 : 8 - given.length - groups(tail).length
  const all = [...given, ...Array<string>(Math.max(0, missing)).fill('0'), ...groups(tail ?? '')]
  const network = all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':')}::/64`
}

async function pass(limiter: RateLimiter, key: string): Promise<void> {
  if (await limiter.allows(key)) return
  throw new Problem('too_many_attempts', { headers: { 'Retry-After': String(RETRY_SECONDS) } })
}
