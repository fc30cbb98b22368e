// What a hash with older parameters costs: as much as one of today's.
import { expect, test } from 'vitest'
import { missingWork } from '../src/password.ts'

const work = ({ ln, r, p }: { ln: number; r: number; p: number }) => 2 ** ln * r * p

test.each([
  [
    { ln: 10, r: 8, p: 1 },
    { ln: 14, r: 8, p: 5 },
  ],
  // OWASP's alternatives, one raised to the other.
  [
    { ln: 14, r: 8, p: 5 },
    { ln: 15, r: 8, p: 3 },
  ],
  [
    { ln: 14, r: 8, p: 5 },
    { ln: 17, r: 8, p: 1 },
  ],
  [
    { ln: 13, r: 8, p: 4 },
    { ln: 14, r: 8, p: 5 },
  ],
])('%j and what is missing make %j', (older, current) => {
  const all = [older, ...missingWork(older, current)]
  expect(all.reduce((sum, one) => sum + work(one), 0)).toBe(work(current))
})

test('nothing is missing of the present parameters, nor of dearer ones', () => {
  expect(missingWork({ ln: 14, r: 8, p: 5 })).toEqual([])
  expect(missingWork({ ln: 17, r: 8, p: 1 })).toEqual([])
})
