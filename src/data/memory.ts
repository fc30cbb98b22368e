// What this isolate remembers between requests: plain values only, as workerd forbids sharing anything that waits.
import type { KeyIds } from '../api-key.ts'
import type { Log } from '../log.ts'
import type { AccountSnapshot } from './account-snapshot.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import type { Database } from './db.ts'
import type { Settlement, Take } from './lease-script.ts'
import type { RedisClient } from './redis.ts'
import type { Units } from './units.ts'

/** An account as this isolate last saw it. Instants in milliseconds since 1970. */
export interface KnownAccount {
  /** Null for a user that does not exist. */
  account: AccountSnapshot | null
  /** The snapshot's text in Redis, where it came from there: the same text needs no second parsing. */
  text: string
  seenAt: number
  /** Until then it answers by itself. */
  freshUntil: number
  /** What was settled in its windows when somebody last told, by their start. */
  used: Map<number, Units>
}

/** Units that an isolate holds of one account's window, for calls of one unit. See pool.ts. */
export interface Pool {
  readonly userId: string
  readonly windowStart: number
  /** `isCut`: Redis holds more under it than fits, and counts what is settled of it without looking at the quota. */
  leases: { id: string; size: number; expiresAt: number; isCut?: boolean }[]
  /** Of all leases together, and when the first of them ends. */
  size: number
  expiresAt: number
  /** API calls: answered and not settled yet; under way. */
  spent: number
  inUse: number
  /** Calls that wait here and for which units have come: about to be spent. */
  awaited: number
  /** Ever admitted; how many that were at some moment, and when: tells what has happened since. */
  admitted: number
  seen: number
  seenAt: number
  /** Calls a second when calls last came. */
  rate: number
  /** Settled in the window by anybody, as Redis last said. */
  used: Units
  /** Until when a request keeps it: settles it every second. 0: nobody does. */
  keptUntil: number
  /** When the renewal under way began, or 0; when the last that was answered did. */
  renewingSince: number
  renewedAt: number
  /** Calls that wait until it has ended. */
  waiting: (() => void)[]
  /** A renewal whose outcome is unknown: it is sent again before anything else is. */
  unanswered: { take: Take; settlements: Settlement[]; sentAt: number } | null
}

/** Settlements that have not reached Redis, or of which nobody knows. */
export interface Unsent {
  userId: string
  settlements: readonly Settlement[]
  /** The idempotency key of their call. */
  repetition: { redisKey: string; fingerprint: string } | null
  /** How often Redis has answered that they cannot be. */
  refusals: number
  /** When it was first sent: Redis may have booked it then. */
  sentAt?: number
  /** The loan that it books: whose, and how much was lent. */
  loan?: { account: string; units: Units }
}

export interface Memory {
  /** Keys that have proved themselves, by their text: a hot call hashes nothing. */
  keys: Map<string, KeyIds>
  /** Proven keys that are no (longer an) account's, and until when that is believed. */
  refusedKeys: Map<string, number>
  /** Keys of a previous secret that the log was told of. */
  previousKeys: Map<string, true>
  /** Uses of keys: see key-use.ts. */
  keyUses: {
    /** The minute since 1970 in which each key was last used here. */
    seen: Map<string, number>
    /** Of these, what Redis has not been told. */
    unsent: Map<string, number>
    /** Until when some request is about to send them. 0: nobody is. */
    sendingUntil: number
  }
  accounts: Map<string, KnownAccount>
  /** The pool of each account's present window. */
  pools: Map<string, Pool>
  /** Units lent while Redis is away and not booked yet, by user and window. */
  loans: Map<string, Units>
  /** Pools with a renewal that was not answered. */
  waiting: Set<Pool>
  outbox: Set<Unsent>
  /** Until when some request sends what waits. 0: nobody does. */
  sendingUntil: number
  /** When pools were last looked through for those that nobody keeps any more. */
  sweptAt: number
  redis: Breaker
  database: Breaker
}

export function createMemory(): Memory {
  return {
    keys: new Map(),
    refusedKeys: new Map(),
    previousKeys: new Map(),
    keyUses: { seen: new Map(), unsent: new Map(), sendingUntil: 0 },
    accounts: new Map(),
    pools: new Map(),
    loans: new Map(),
    waiting: new Set(),
    outbox: new Set(),
    sendingUntil: 0,
    sweptAt: 0,
    redis: createBreaker(),
    database: createBreaker(),
  }
}

/** What data/ works with: the part of Deps that it needs. */
export interface Stores {
  db: Database
  redis: RedisClient
  memory: Memory
  log: Log
  now(): Date
  /** Aborts after that time. */
  signalAfter(milliseconds: number): AbortSignal
  /** Resolves after that time. */
  pause(milliseconds: number): Promise<void>
  randomBytes(length: number): Uint8Array
  config: {
    pastDueGraceDays: number
    memorySeconds: number
    staleSeconds: number
    redis: { timeoutMs: number }
    databaseTimeoutMs: number
  }
}

/** Entries that one map of the memory may have. An account has some kilobytes, an isolate 128 MB. */
export const MOST_ENTRIES = 10_000

/** Puts an entry in, at the cost of the one that was put in longest ago. */
export function putBounded<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MOST_ENTRIES) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
