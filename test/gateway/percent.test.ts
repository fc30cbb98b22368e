// Percent-encoding undone, every layer of it.
import { expect, test } from 'vitest'
import { decoded } from '../../src/gateway/percent.ts'

test.each([
  ['', ''],
  ['a/b?c=d', 'a/b?c=d'],
  ['%2f%2F%41%00', '//A\0'],
  ['%2%2%353535', '5'],
  ['%252f', '/'],
  ['%25252525252f', '/'],
  ['%2%66', '/'],
  ['%%32%66', '/'],
  ['%25%32%35%32%66', '/'],
  ['100%', '100%'],
  ['%zz%2', '%zz%2'],
  ['%25', '%'],
  ['%2525', '%'],
  ['%C3%A9', '%C3%A9'],
])('%j is %j', (text, expected) => {
  expect(decoded(text)).toBe(expected)
})

test('of many layers takes few turns', () => {
  expect(decoded(`%${'25'.repeat(1_000_000)}2f`)).toBe('/')
})
