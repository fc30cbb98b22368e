// Work that goes on where its caller leaves.
import type { AppContext } from './context.ts'

/**
 * `work`, to its end: the platform drops what a request waits for once its caller hangs up, and a change would be made
 * in Postgres and told to nobody.
 */
export function toTheEnd<T>(c: AppContext, work: Promise<T>): Promise<T> {
  c.executionCtx.waitUntil(Promise.allSettled([work]))
  return work
}
