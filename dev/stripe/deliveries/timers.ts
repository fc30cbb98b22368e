// The timers of the deliveries: replaceable by a test, and all ended by one call.

/** The two functions that are needed of `node:timers`. */
export interface Timers {
  setTimeout(callback: () => void, ms: number): NodeJS.Timeout
  clearTimeout(timer: NodeJS.Timeout): void
}

/** Looks the global functions up at each call, so that fake timers installed later are met. */
const GLOBAL: Timers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
}

export class TimerSet {
  private readonly timers: Timers
  private readonly waiting = new Set<NodeJS.Timeout>()

  constructor(timers: Timers = GLOBAL) {
    this.timers = timers
  }

  /** @returns what takes it back. */
  after(ms: number, run: () => unknown): () => void {
    const timer = this.timers.setTimeout(() => {
      this.waiting.delete(timer)
      run()
    }, ms)
    this.waiting.add(timer)
    return () => this.end(timer)
  }

  endAll(): void {
    for (const timer of this.waiting) this.end(timer)
  }

  private end(timer: NodeJS.Timeout): void {
    this.waiting.delete(timer)
    this.timers.clearTimeout(timer)
  }
}
