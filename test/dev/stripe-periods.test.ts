// The arithmetic of periods and prorations, for any date and amount.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatAmount, share } from '../../dev/stripe/money.ts'
import { addIntervals, periodAt } from '../../dev/stripe/periods.ts'

const moment = fc.integer({ min: Date.UTC(2000, 0) / 1000, max: Date.UTC(2090, 0) / 1000 })
const interval = fc.record({
  interval: fc.constantFrom('day', 'week', 'month', 'year'),
  interval_count: fc.integer({ min: 1, max: 12 }),
})

test('every moment lies in exactly one period, and periods join without gap', () => {
  fc.assert(
    fc.property(moment, interval, moment, (anchor, every, at) => {
      const period = periodAt(anchor, every, at)
      expect(period.start).toBeLessThanOrEqual(at)
      expect(period.end).toBeGreaterThan(at)
      expect(periodAt(anchor, every, period.end).start).toBe(period.end)
      expect(periodAt(anchor, every, period.start - 1).end).toBe(period.start)
    }),
  )
})

test('months keep the anchor’s day, or the last one, and its time of day', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: 0, max: 600 }), (anchor, n) => {
      const from = new Date(anchor * 1000)
      const to = new Date(addIntervals(anchor, { interval: 'month', interval_count: 1 }, n) * 1000)
      const months = (d: Date) => d.getUTCFullYear() * 12 + d.getUTCMonth()
      expect(months(to) - months(from)).toBe(n)
      expect(to.toISOString().slice(11)).toBe(from.toISOString().slice(11))
      const lastDay = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate()
      expect(to.getUTCDate()).toBe(Math.min(from.getUTCDate(), lastDay))
    }),
  )
})

test('a share is the nearest cent, halves away from zero, and credits cancel charges', () => {
  expect([share(2900, 21, 31), share(1, 1, 2), share(-1, 1, 2), share(0, 1, 3)]).toEqual([
    1965, 1, -1, 0,
  ])
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 99_999_999 }),
      fc.integer({ min: 1, max: 40_000_000 }),
      fc.integer({ min: 0, max: 40_000_000 }),
      (amount, whole, left) => {
        const part = Math.min(left, whole)
        const charged = share(amount, part, whole)
        expect(Math.abs(charged - (amount * part) / whole)).toBeLessThanOrEqual(0.5 + 1e-6)
        expect(share(-amount, part, whole) + charged).toBe(0)
      },
    ),
  )
})

test('amounts are written as their currency is', () => {
  expect([formatAmount(2900, 'usd'), formatAmount(500, 'jpy')]).toEqual(['$29.00', '¥500'])
})
