// What is gathered comes out as it was put in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHUNK_BYTES, rowBytes } from '../../src/datasets/row-bytes.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('counts and numbers are written as JSON writes them', () => {
  const count = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 9, 10, 99, 100, 1e15))
  fc.assert(
    fc.property(fc.array(count), fc.array(fc.double({ min: 0 })), (counts, numbers) => {
      const gathered = rowBytes()
      const comma = new TextEncoder().encode(',')
      for (const each of counts) {
        gathered.count(each)
        gathered.utf8(comma)
      }
      for (const each of numbers) {
        gathered.number(each)
        gathered.utf8(comma)
      }
      const expected = [...counts, ...numbers].map((each) => `${each},`).join('')
      expect(gathered.length).toBe(expected.length)
      expect(text(gathered.take())).toBe(expected)
    }),
  )
})

test('what was taken stays as it was, and room is made for more than a chunk', () => {
  const gathered = rowBytes()
  gathered.count(1)
  const first = gathered.take()
  expect(gathered.length).toBe(0)
  const long = new Uint8Array(5 * CHUNK_BYTES).fill(65)
  gathered.count(2)
  gathered.utf8(long)
  gathered.number(0.5)
  expect(text(first)).toBe('1')
  expect(text(gathered.take())).toBe(`2${'A'.repeat(long.length)}0.5`)
})
