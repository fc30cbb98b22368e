// A breaker: a dependency that has just failed is left alone for a moment, so that its time limit is not paid by every call.

/** How long a dependency that failed is left alone before somebody tries it again, in the background. */
const PAUSE_MS = 1_000

/** The state of one dependency as this isolate has met it. Instants in milliseconds since 1970. */
export interface Breaker {
  /** 0 while all is well. */
  failedAt: number
  /** When the last trial began that nobody waits for. */
  triedAt: number
}

export function createBreaker(): Breaker {
  return { failedAt: 0, triedAt: 0 }
}

/** Whether the dependency is known to be away: ask something else. */
export function isOpen(breaker: Breaker): boolean {
  return breaker.failedAt > 0
}

export function failed(breaker: Breaker, now: number): void {
  breaker.failedAt = now
}

export function succeeded(breaker: Breaker): void {
  breaker.failedAt = 0
  breaker.triedAt = 0
}

/** Whether it is time for a trial; whoever is told so makes it. */
export function trialIsDue(breaker: Breaker, now: number): boolean {
  if (!isOpen(breaker) || now - Math.max(breaker.failedAt, breaker.triedAt) < PAUSE_MS) return false
  breaker.triedAt = now
  return true
}
