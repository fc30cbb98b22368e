// The record of deliveries stays small, and never forgets what is still under way.
import { expect, test } from 'vitest'
import { DeliveryLog, EVENTS_KEPT } from '../../dev/stripe/deliveries/log.ts'

const ENDPOINT = { id: 'we_1', url: 'http://127.0.0.1:1/' }

test('the oldest settled events are forgotten, those under way are not', () => {
  const log = new DeliveryLog()
  const waiting = log.open({ id: 'evt_waiting' }, ENDPOINT, 'automatic')
  waiting.status = 'retrying'
  for (let n = 0; n < EVENTS_KEPT + 50; n += 1) {
    log.open({ id: `evt_${n}` }, ENDPOINT, 'automatic').status = 'succeeded'
  }
  expect(log.of('evt_waiting')).toEqual([waiting])
  const kept = Array.from({ length: EVENTS_KEPT + 50 }, (_, n) => log.of(`evt_${n}`).length)
  expect(kept.filter((length) => length === 1)).toHaveLength(EVENTS_KEPT - 1)
  expect(kept.at(0)).toBe(0)
  expect(kept.at(-1)).toBe(1)
})

test('an event sent again a thousand times keeps a bounded record', () => {
  const log = new DeliveryLog()
  for (let n = 0; n < 1000; n += 1) log.open({ id: 'evt_1' }, ENDPOINT, 'resend').status = 'failed'
  expect(log.of('evt_1').length).toBeLessThanOrEqual(100)
})
