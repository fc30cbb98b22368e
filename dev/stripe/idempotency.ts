// Idempotency keys: the same request twice is answered once.
import { StripeError } from './errors.ts'
import type { StoredAnswer } from './store.ts'
import type { World } from './world.ts'

const KEPT_SECONDS = 24 * 3600

/** What must be the same the second time. */
type Request = Pick<StoredAnswer, 'path' | 'parameters'>

/**
 * The answer that was given under this key.
 * @returns undefined when the key is new (or a day old)
 * @throws StripeError 400 `idempotency_error` when the key was used for another request
 */
export function replayOf(world: World, key: string, request: Request): StoredAnswer | undefined {
  if (key.length > 255) {
    throw new StripeError(400, 'Idempotency keys can be at most 255 characters long.', {
      type: 'idempotency_error',
    })
  }
  const stored = world.store.idempotency.get(key)
  if (!stored) return undefined
  if (world.wallSeconds() - stored.storedAt >= KEPT_SECONDS) {
    world.store.idempotency.delete(key)
    return undefined
  }
  if (stored.path === request.path && stored.parameters === request.parameters) return stored
  const once =
    stored.path === request.path
      ? 'with the same parameters they were first used with'
      : `for the same endpoint they were first used for ('${request.path}' vs '${stored.path}')`
  throw new StripeError(
    400,
    `Keys for idempotent requests can only be used ${once}. Try using a key other than '${key}' if you meant to execute a different request.`,
    { type: 'idempotency_error' },
  )
}

export function storeAnswer(
  world: World,
  key: string,
  answer: Omit<StoredAnswer, 'storedAt'>,
): void {
  const storedAt = world.wallSeconds()
  for (const [old, { storedAt: at }] of world.store.idempotency) {
    // In the order in which they were stored: the first young one ends the search.
    if (storedAt - at < KEPT_SECONDS) break
    world.store.idempotency.delete(old)
  }
  world.store.idempotency.set(key, { ...answer, storedAt })
}
