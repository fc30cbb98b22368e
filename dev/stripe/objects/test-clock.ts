// Test clocks.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'

/** Stripe deletes a test clock by itself after 30 days. */
const LIFETIME_SECONDS = 30 * 86_400

export function buildTestClock(
  name: string | null,
  frozenTime: number,
  created: number,
): Stripe.TestHelpers.TestClock {
  return {
    id: newId('clock'),
    object: 'test_helpers.test_clock',
    created,
    deletes_after: created + LIFETIME_SECONDS,
    frozen_time: frozenTime,
    livemode: false,
    name,
    status: 'ready',
    status_details: {},
  }
}
