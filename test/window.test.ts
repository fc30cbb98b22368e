// The quota's window: anchored months, at every awkward date.
import { describe, expect, test } from 'vitest'
import { windowAt } from '../src/window.ts'

const at = (text: string) => new Date(text)
const window = (anchor: string, now: string) => {
  const { start, end } = windowAt(at(anchor), at(now))
  return `${start.toISOString()} ${end.toISOString()}`
}

describe('windowAt', () => {
  test.each([
    [
      '2026-01-22T10:00:00Z',
      '2026-01-22T10:00:00Z',
      '2026-01-22T10:00:00.000Z 2026-02-22T10:00:00.000Z',
    ],
    [
      '2026-01-22T10:00:00Z',
      '2026-02-22T09:59:59.999Z',
      '2026-01-22T10:00:00.000Z 2026-02-22T10:00:00.000Z',
    ],
    [
      '2026-01-22T10:00:00Z',
      '2026-02-22T10:00:00Z',
      '2026-02-22T10:00:00.000Z 2026-03-22T10:00:00.000Z',
    ],
    // The 31st falls on the last day of shorter months and comes back afterwards.
    [
      '2026-01-31T00:00:00Z',
      '2026-02-27T23:59:59Z',
      '2026-01-31T00:00:00.000Z 2026-02-28T00:00:00.000Z',
    ],
    [
      '2026-01-31T00:00:00Z',
      '2026-02-28T00:00:00Z',
      '2026-02-28T00:00:00.000Z 2026-03-31T00:00:00.000Z',
    ],
    [
      '2026-01-31T00:00:00Z',
      '2026-04-30T12:00:00Z',
      '2026-04-30T00:00:00.000Z 2026-05-31T00:00:00.000Z',
    ],
    // Leap years.
    [
      '2024-01-30T06:00:00Z',
      '2024-02-29T06:00:00Z',
      '2024-02-29T06:00:00.000Z 2024-03-30T06:00:00.000Z',
    ],
    [
      '2024-02-29T00:00:00Z',
      '2025-02-28T00:00:00Z',
      '2025-02-28T00:00:00.000Z 2025-03-29T00:00:00.000Z',
    ],
    // UTC midnight, the turn of the year.
    [
      '2026-12-31T23:59:59Z',
      '2027-01-31T23:59:58Z',
      '2026-12-31T23:59:59.000Z 2027-01-31T23:59:59.000Z',
    ],
    [
      '2026-11-01T00:00:00Z',
      '2026-12-31T23:59:59.999Z',
      '2026-12-01T00:00:00.000Z 2027-01-01T00:00:00.000Z',
    ],
    // A trial: the anchor lies ahead.
    [
      '2026-03-31T00:00:00Z',
      '2026-03-20T00:00:00Z',
      '2026-02-28T00:00:00.000Z 2026-03-31T00:00:00.000Z',
    ],
  ])('anchor %s, now %s', (anchor, now, expected) => {
    expect(window(anchor, now)).toBe(expected)
  })

  test('windows follow each other without gap or overlap through ten years, whatever the anchor day', () => {
    for (const day of ['01', '28', '29', '30', '31']) {
      const anchor = at(`2024-01-${day}T17:30:00Z`)
      let { end } = windowAt(anchor, anchor)
      for (let month = 0; month < 120; month += 1) {
        const next = windowAt(anchor, end)
        expect(next.start).toEqual(end)
        expect(windowAt(anchor, new Date(next.end.getTime() - 1))).toEqual(next)
        end = next.end
      }
    }
  })
})
