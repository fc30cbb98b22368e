// Waiting, more exactly than one timer does.

/**
 * Resolves once `ms` have passed, on average less than 1 ms later. A timer counts from the last look that the
 * event loop took at the clock, so that it may ring up to 1 ms early, or more where the loop is busy.
 * Keeps no process alive.
 */
export async function pause(ms: number): Promise<void> {
  const due = performance.now() + ms
  for (let left = ms; left > 0; left = due - performance.now()) {
    await new Promise<void>((resolve) => {
      if (left < 1) setImmediate(resolve)
      else setTimeout(resolve, Math.floor(left)).unref()
    })
  }
}
