// The quota's window: months counted from the billing anchor, so that a quota resets when the customer pays.

/** Half-open: `start` belongs to the window, `end` to the next one. */
export interface Window {
  start: Date
  end: Date
}

/**
 * The window that holds `now`. Months are counted from `anchor` in UTC, its time of day kept; an anchor on
 * the 29th to 31st falls on the last day of a shorter month and returns to its own day afterwards
 * (https://docs.stripe.com/billing/subscriptions/billing-cycle). `now` may lie before the anchor, as in a trial.
 */
export function windowAt(anchor: Date, now: Date): Window {
  let months =
    (now.getUTCFullYear() - anchor.getUTCFullYear()) * 12 + now.getUTCMonth() - anchor.getUTCMonth()
  if (addMonths(anchor, months) > now) months -= 1
  return { start: addMonths(anchor, months), end: addMonths(anchor, months + 1) }
}

function addMonths(anchor: Date, months: number): Date {
  const lastDay = new Date(
    Date.UTC(anchor.getUTCFullYear(), anchor.getUTCMonth() + months + 1, 0),
  ).getUTCDate()
  return new Date(
    Date.UTC(
      anchor.getUTCFullYear(),
      anchor.getUTCMonth() + months,
      Math.min(anchor.getUTCDate(), lastDay),
      anchor.getUTCHours(),
      anchor.getUTCMinutes(),
      anchor.getUTCSeconds(),
      anchor.getUTCMilliseconds(),
    ),
  )
}
