// /v1/test_helpers/test_clocks
import type { Stripe } from 'stripe'
import { commonInterval } from '../billing/create-subscription.ts'
import { endSubscription } from '../billing/subscription-state.ts'
import { advanceTestClock, customersOf } from '../clock.ts'
import { invalid } from '../errors.ts'
import { find } from '../lookup.ts'
import { buildTestClock } from '../objects/test-clock.ts'
import { listParams, paginate } from '../pagination.ts'
import { required, string, timestamp } from '../params.ts'
import { addIntervals, type Interval } from '../periods.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'

const KIND = 'test_helpers.test_clock'

export const testClockRoutes: Route[] = [
  route(
    'POST /v1/test_helpers/test_clocks',
    KIND,
    { frozen_time: required(timestamp()), name: string({ max: 300 }) },
    ({ world, params }) => {
      const clock = buildTestClock(params.name ?? null, params.frozen_time, world.wallSeconds())
      world.store.testClocks.set(clock.id, clock)
      world.emit('test_helpers.test_clock.created', clock)
      return clock
    },
  ),
  route('GET /v1/test_helpers/test_clocks/:id', KIND, {}, ({ world, id }) =>
    find(world.store.testClocks, KIND, id, 'id'),
  ),
  route('GET /v1/test_helpers/test_clocks', `list of ${KIND}`, listParams, ({ world, params }) =>
    paginate(world.store.testClocks.values(), params, '/v1/test_helpers/test_clocks', KIND),
  ),
  route(
    'POST /v1/test_helpers/test_clocks/:id/advance',
    KIND,
    { frozen_time: required(timestamp()) },
    ({ world, id, params }) => {
      const clock = find(world.store.testClocks, KIND, id, 'id')
      requireStep(world, clock, params.frozen_time)
      const before = structuredClone(clock)
      advanceTestClock(world, clock, params.frozen_time)
      // Stripe answers before it is done; here the next read shows `ready`.
      return {
        ...before,
        status: 'advancing',
        status_details: { advancing: { target_frozen_time: params.frozen_time } },
      }
    },
  ),
  route('DELETE /v1/test_helpers/test_clocks/:id', KIND, {}, ({ world, id }) => {
    const clock = find(world.store.testClocks, KIND, id, 'id')
    for (const customerId of customersOf(world, id)) {
      for (const subscription of world.store.subscriptions.values()) {
        if (subscription.customer !== customerId || subscription.ended_at !== null) continue
        endSubscription(world, subscription, 'cancellation_requested')
      }
      world.store.customers.delete(customerId)
      world.store.deletedCustomers.set(customerId, {
        id: customerId,
        object: 'customer',
        deleted: true,
      })
    }
    world.emit('test_helpers.test_clock.deleted', clock)
    world.store.testClocks.delete(id)
    return { id, object: KIND, deleted: true }
  }),
]

const YEAR: Interval = { interval: 'year', interval_count: 1 }

/** A clock moves forward, by two of its shortest subscription's intervals at most. @throws StripeError 400 */
function requireStep(world: World, clock: Stripe.TestHelpers.TestClock, to: number): void {
  const { frozen_time: from } = clock
  if (to <= from) {
    throw invalid('Test clock frozen time must be later than the current frozen time.', {
      code: 'test_clock_time_in_past',
      param: 'frozen_time',
    })
  }
  const furthest = [...world.store.subscriptions.values()]
    .filter(({ test_clock, ended_at }) => test_clock === clock.id && ended_at === null)
    .map(({ items }) => addIntervals(from, commonInterval(items.data), 2))
  const limit = furthest.length > 0 ? Math.min(...furthest) : addIntervals(from, YEAR, 2)
  if (to <= limit) return
  throw invalid(
    'You can only advance a test clock up to two intervals from the current frozen time for its shortest subscription.',
    { param: 'frozen_time' },
  )
}
