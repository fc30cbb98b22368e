// Moving clocks: one customer's, or a test clock with all its customers.
import type { Stripe } from 'stripe'
import { runDueOf, runDueTogether } from './appointments.ts'
import { invalid } from './errors.ts'
import { find, findCustomer } from './lookup.ts'
import type { World } from './world.ts'

/**
 * Moves a customer's clock forward; all that is due until then happens in order. A customer of a
 * test clock takes its clock, and so the clock's other customers, along.
 * @throws StripeError 400 when the moment is not ahead
 */
export function advanceCustomer(world: World, customerId: string, to: number): void {
  const customer = findCustomer(world, customerId, 'id')
  const now = world.now(customer.id)
  if (to < now) throw backwards(to, now)
  const clockId = world.testClockOf(customer.id)
  if (clockId !== null) {
    advanceTestClock(
      world,
      find(world.store.testClocks, 'test_helpers.test_clock', clockId, 'id'),
      to,
    )
    return
  }
  runDueOf(world, customer.id, to)
  const aheadSeconds = to - world.wallSeconds()
  world.store.customerClocks.set(customer.id, { aheadSeconds: Math.max(0, aheadSeconds) })
  world.touch(customer.id)
}

/** @throws StripeError 400 when the moment is not ahead */
export function advanceTestClock(
  world: World,
  clock: Stripe.TestHelpers.TestClock,
  to: number,
): void {
  if (to < clock.frozen_time) throw backwards(to, clock.frozen_time)
  const owners = customersOf(world, clock.id)
  clock.status = 'advancing'
  clock.status_details = { advancing: { target_frozen_time: to } }
  world.emit('test_helpers.test_clock.advancing', clock)
  runDueTogether(world, owners, to)
  clock.frozen_time = to
  clock.status = 'ready'
  clock.status_details = {}
  for (const owner of owners) world.touch(owner)
  world.emit('test_helpers.test_clock.ready', clock)
}

export function customersOf(world: World, clockId: string): string[] {
  return [...world.store.customers.values()]
    .filter(({ test_clock }) => test_clock === clockId)
    .map(({ id }) => id)
}

function backwards(to: number, now: number): Error {
  return invalid(`A clock only moves forward: ${to} is before its time, ${now}.`, {
    code: 'test_clock_time_in_past',
    param: 'frozen_time',
  })
}
