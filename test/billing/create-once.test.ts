// One object for parallel calls, and no buyer locked out by a 500 that Stripe keeps under its key.
import Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { createOnce } from '../../src/billing/create-once.ts'

const clock = (minute: number) => ({ now: () => new Date(minute * 60_000) })
const apiError = () =>
  new Stripe.errors.StripeAPIError({ type: 'api_error', message: 'boom', statusCode: 500 })

/** Stripe's idempotency layer: whatever a key was first answered, it is answered again. */
function keeper(first: () => string) {
  const kept = new Map<string, () => string>()
  return async ({ idempotencyKey = '' }: Stripe.RequestOptions) => {
    if (!kept.has(idempotencyKey)) {
      const answer = kept.size === 0 ? first : () => `made under key ${kept.size}`
      kept.set(idempotencyKey, answer)
    }
    return kept.get(idempotencyKey)?.() ?? ''
  }
}

describe('createOnce', () => {
  test('asks under one key, now and later', async () => {
    const create = keeper(() => 'the one')
    expect(await createOnce(clock(0), 'key', create)).toBe('the one')
    expect(await createOnce(clock(1_000), 'key', create)).toBe('the one')
  })

  test('is not locked out by a 500 that is kept, and still makes one object for calls near each other', async () => {
    const create = keeper(() => {
      throw apiError()
    })
    const first = await createOnce(clock(10), 'key', create)
    expect(await createOnce(clock(11), 'key', create)).toBe(first)
    expect(await createOnce(clock(16), 'key', create)).not.toBe(first)
  })

  test('does not try again what Stripe refused, or whose answer was lost', async () => {
    for (const error of [
      new Stripe.errors.StripeInvalidRequestError({ type: 'invalid_request_error' }),
      new Stripe.errors.StripeConnectionError({ message: 'lost' } as never),
    ]) {
      const keys: unknown[] = []
      const attempt = createOnce(clock(0), 'key', async (options) => {
        keys.push(options.idempotencyKey)
        throw error
      })
      await expect(attempt).rejects.toBe(error)
      expect(keys).toEqual(['key'])
    }
  })
})
