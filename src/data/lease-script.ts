// What goes into the lease's script (lease-lua.ts) and comes out of it.
import * as z from 'zod/mini'
import type { Units } from './units.ts'

/** What is told of units that were spent. However often it is sent, it counts once. */
export interface Settlement {
  /**
   * `settle` ends a lease; `cut` likewise, of a call whose answer did not arrive whole: under its key it is made
   * anew; `void` one of which nobody knows whether it was given, and that none shall be given any
   * more; `book` counts what was lent without one; `charge` what a call cost whose lease has gone, as far as the
   * quota holds it, and so does `settle` with what the call cost above its lease.
   */
  how: 'settle' | 'cut' | 'void' | 'book' | 'charge'
  /** The lease's id, or one of its own. */
  id: string
  units: Units
  /** Start of the window in which the call was made. */
  windowStart: number
}

export interface Take {
  /**
   * `read` takes nothing; `pool` as many of `units` as a share of what is left holds, and those that calls wait for
   * also beyond it; `exact` all or nothing; `renew` goes on with what the settled leases had left, and more where
   * there is more.
   */
  mode: 'read' | 'pool' | 'exact' | 'renew'
  id: string
  units: Units
  /** For `pool`: units that calls wait for. For `renew`: those that the settled leases had left and may be in use, */
  keep?: number
  /** and the window they are of. */
  windowStart?: number
  /** Milliseconds since 1970. */
  expiresAt: number
  /** Hex; what the call asks for, under an idempotency key. */
  fingerprint?: string
}

const STATUSES = [
  'read',
  'leased',
  'full',
  // A known account without access.
  'denied',
  // A user that does not exist.
  'unknown',
  // Redis lacks the snapshot or the counts; the units asked for are held until somebody knows.
  'pending',
  // Under an idempotency key: charged already, under way, sent for something else, sent too often.
  'repeat',
  'running',
  'key_reused',
  'key_used_up',
] as const
export type ExchangeStatus = (typeof STATUSES)[number]

export interface ExchangeAnswer {
  status: ExchangeStatus
  /** The snapshot's text, or empty. */
  snapshot: string
  windowStart: number
  got: Units
  /** Settled in that window. */
  used: Units
  /** Settled or held by anybody. */
  taken: Units
  /** When the first lease that holds something ends, where nothing was to be had. */
  heldUntil: number | null
  /** Where the status is `pending`: all counts, by field. */
  counts: ReadonlyMap<string, number>
}

/** The script's arguments. */
export function exchangeArguments(
  now: number,
  userId: string,
  take: Take,
  settlements: readonly Settlement[],
): string[] {
  return [
    String(now),
    userId,
    take.mode,
    take.id,
    String(take.units.apiCalls),
    String(take.units.reactions),
    String(take.keep ?? 0),
    String(take.expiresAt),
    String(take.windowStart ?? 0),
    take.fingerprint ?? '',
    ...settlements.flatMap(({ how, id, units, windowStart }) => [
      how,
      id,
      String(units.apiCalls),
      String(units.reactions),
      String(windowStart),
    ]),
  ]
}

const whole = z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number))
const answerShape = z.tuple([
  z.enum(STATUSES),
  z.string(),
  whole,
  whole,
  whole,
  whole,
  whole,
  whole,
  whole,
  z.string(),
  z.array(z.string()),
])

/** @throws when it is not an answer of the script */
export function parseAnswer(reply: unknown): ExchangeAnswer {
  const [status, snapshot, windowStart, calls, reactions, usedCalls, usedReactions, ...more] =
    answerShape.parse(reply)
  const [takenCalls, takenReactions, until, counts] = more
  return {
    status,
    snapshot,
    windowStart,
    got: { apiCalls: calls, reactions },
    used: { apiCalls: usedCalls, reactions: usedReactions },
    taken: { apiCalls: takenCalls, reactions: takenReactions },
    heldUntil: until ? Number(until) : null,
    counts: pairs(counts),
  }
}

/** `[field, value, …]` as Redis lists a hash. */
export function pairs(flat: readonly string[]): Map<string, number> {
  const map = new Map<string, number>()
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] ?? '', Number(flat[i + 1]))
  return map
}
