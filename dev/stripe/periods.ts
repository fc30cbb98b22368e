// Billing periods: calendar months and years counted from an anchor, in UTC.
import type { Stripe } from 'stripe'

export interface Period {
  /** Unix seconds, inclusive. */
  start: number
  /** Unix seconds, exclusive. */
  end: number
}

/** `{interval: 'month', interval_count: 1}` as a price has it. */
export interface Interval {
  interval: Stripe.Price.Recurring.Interval
  interval_count: number
}

const DAY = 86_400

/**
 * The anchor moved by n intervals. Months keep the anchor's day and time of day; where a month is
 * too short it is the month's last day, and the next longer month has the anchor's day again.
 */
export function addIntervals(
  anchor: number,
  { interval, interval_count }: Interval,
  n: number,
): number {
  const count = interval_count * n
  if (interval === 'day') return anchor + count * DAY
  if (interval === 'week') return anchor + count * 7 * DAY
  return addMonths(anchor, interval === 'year' ? count * 12 : count)
}

/** The period that holds a moment, counted from the anchor (which may lie before or after it). */
export function periodAt(anchor: number, interval: Interval, moment: number): Period {
  let n = Math.floor((moment - anchor) / roughSeconds(interval))
  while (addIntervals(anchor, interval, n) > moment) n -= 1
  while (addIntervals(anchor, interval, n + 1) <= moment) n += 1
  return { start: addIntervals(anchor, interval, n), end: addIntervals(anchor, interval, n + 1) }
}

export function sameInterval(a: Interval, b: Interval): boolean {
  return a.interval === b.interval && a.interval_count === b.interval_count
}

function addMonths(seconds: number, months: number): number {
  const from = new Date(seconds * 1000)
  const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months, 1))
  const daysInMonth = new Date(
    Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0),
  ).getUTCDate()
  const day = Math.min(from.getUTCDate(), daysInMonth)
  return first.getTime() / 1000 + (day - 1) * DAY + (((seconds % DAY) + DAY) % DAY)
}

function roughSeconds({ interval, interval_count }: Interval): number {
  const days = { day: 1, week: 7, month: 30.4, year: 365.2 }[String(interval)] ?? 30.4
  return days * DAY * interval_count
}
