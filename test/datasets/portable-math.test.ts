// The engine-independent logarithm and exponential against the engine's own.
import { expect, test } from 'vitest'
import { exp, ln } from '../../src/datasets/portable-math.ts'
import { runRandom } from '../../src/datasets/random.ts'

const ULP = 2 ** -52

test('ln is within two units in the last place over the range it is used on', () => {
  const random = runRandom(1, 0)
  const uniform = Array.from({ length: 20_000 }, () => 1 - random.uniform())
  const small = Array.from({ length: 53 }, (_, i) => 2 ** -i)
  const cut = Array.from({ length: 1000 }, (_, i) => 1.4 + i * 2e-5)
  const near = Array.from({ length: 1000 }, (_, i) => 1 - i * ULP)
  for (const x of [...uniform, ...small, ...near, ...cut, 2, 10, 1e300]) {
    expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(2 * ULP * Math.abs(Math.log(x)))
  }
  expect(ln(1)).toBe(0)
})

test('exp is within four units in the last place', () => {
  for (let x = -700; x <= 700; x += 0.37) {
    expect(Math.abs(exp(x) - Math.exp(x))).toBeLessThanOrEqual(4 * ULP * Math.exp(x))
  }
  expect(exp(0)).toBe(1)
  expect(() => exp(701)).toThrow(RangeError)
  expect(() => exp(Number.NaN)).toThrow(RangeError)
})
