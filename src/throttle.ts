// The platform's limiters: shields that count for each location, cost nothing, and stand whatever else is away. The
// waits that grow are in data/attempts.ts.

import type { Deps } from './context.ts'
import { hmacSha256 } from './crypto.ts'
import { errorFields } from './log.ts'
import { Problem } from './problem.ts'

type Doors = Pick<Deps, 'config' | 'limiters' | 'log'>

/** The period of these limiters in wrangler.toml: a call may have to wait for so long. */
const PERIOD_SECONDS = 60

/** Before the body of a stranger is read. @throws Problem too_many_attempts */
export async function throttleAddress(deps: Doors, address: string | undefined): Promise<void> {
  await pass(deps, 'authByAddress', networkOf(address))
}

/**
 * Before anything is hashed. Not by the account alone: anybody could keep its owner out.
 * @throws Problem too_many_attempts
 */
export async function throttlePair(deps: Doors, pairDigest: string): Promise<void> {
  await pass(deps, 'authByAccount', pairDigest)
}

/** Before an account's call that makes Stripe, or the database, work hard. @throws Problem too_many_attempts */
export async function throttleBilling(deps: Doors, userId: string): Promise<void> {
  await pass(deps, 'billing', userId)
}

/** What stands for an account, a network or both outside of this isolate: nobody can tell who is behind it. */
export function digestOf(
  { config }: Pick<Doors, 'config'>,
  kind: string,
  ...parts: string[]
): string {
  const message = JSON.stringify(['attempts', kind, ...parts])
  const digest = hmacSha256(config.apiKeySecrets[0], Buffer.from(message))
  return Buffer.from(digest).toString('base64url')
}

/** An IPv6 address counts by its /64: whoever has one address has them all. IPv4 addresses count one by one. */
export function networkOf(address: string | undefined): string {
  // Without the platform's header everybody shares one bucket: a missing header is no way around the door.
  if (!address) return 'unknown'
  return address.includes(':') ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address
}

/** The /48 of an IPv6 address: a subscriber may get as much. */
export function siteOf(address: string | undefined): string | undefined {
  return address?.includes(':') ? `${groupsOf(address).slice(0, 3).join(':')}::/48` : undefined
}

function groupsOf(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (text: string) => (text ? text.split(':') : [])
  const given = groups(head)
  const missing = tail === undefined ? 0 : 8 - given.length - groups(tail).length
  const all = [...given, ...Array<string>(Math.max(0, missing)).fill('0'), ...groups(tail ?? '')]
  return all.map((group) => group.replace(/^0+(?=.)/, ''))
}

async function pass(
  { limiters, log }: Doors,
  name: 'authByAddress' | 'authByAccount' | 'billing',
  key: string,
): Promise<void> {
  let allows = true
  try {
    allows = await limiters[name].allows(key)
  } catch (error) {
    // A shield that is away is no reason to keep everybody out: passwords are counted by Redis as well.
    log('error', 'limiter_failed', { limiter: name, ...errorFields(error) })
  }
  if (!allows) throw tooManyAttempts(PERIOD_SECONDS)
}

export function tooManyAttempts(retrySeconds: number): Problem {
  return new Problem('too_many_attempts', { headers: { 'Retry-After': String(retrySeconds) } })
}
