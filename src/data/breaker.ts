// A breaker: a dependency that fails is left alone for a moment, so that its time limit is not paid by every call.

/** One failure may be chance; after so many in a row the dependency counts as away. */
const FAILURES = 2
/** How long it is left alone before somebody tries it again. */
const PAUSE_MS = 1_000

/** The state of one dependency as this isolate has met it. Instants in milliseconds since 1970. */
export interface Breaker {
  /** In a row. */
  failures: number
  /** When it last failed, or a trial of it began. */
  since: number
}

export function createBreaker(): Breaker {
  return { failures: 0, since: 0 }
}

/** Whether the dependency is known to be away: ask something else. */
export function isOpen({ failures }: Breaker): boolean {
  return failures >= FAILURES
}

export function failed(breaker: Breaker, now: number): void {
  breaker.failures += 1
  breaker.since = now
}

export function succeeded(breaker: Breaker): void {
  breaker.failures = 0
}

/** Whether it is time for a trial of one that is away; whoever is told so makes it, and nobody else. */
export function trialIsDue(breaker: Breaker, now: number): boolean {
  if (!isOpen(breaker) || now - breaker.since < PAUSE_MS) return false
  breaker.since = now
  return true
}
