// The generator against its authors' outputs, and the independence of runs.
import { expect, test } from 'vitest'
import { runRandom, seedFrom, splitMix64, xoshiro128 } from '../../src/datasets/random.ts'
import { chiSquareDeviate, kolmogorovSmirnov, meanDeviation } from './statistics.ts'

test('xoshiro128** gives the published sequence', () => {
  const random = xoshiro128([1, 2], [3, 4])
  const outputs = Array.from({ length: 10 }, () => random.uint32())
  expect(outputs).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
    4258142804,
  ])
})

test('SplitMix64 gives the published sequence', () => {
  const next = splitMix64(1234567n)
  expect([next(), next(), next(), next(), next()]).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ])
})

test('a run has its own numbers, whatever the size of the seed', () => {
  const seeds = [0, 1, 2 ** 32, 2 ** 53 - 1]
  const firsts = seeds.flatMap((seed) =>
    [0, 1, 2, 999].map((run) => {
      const random = runRandom(seed, run)
      return `${random.uint32()} ${random.uint32()}`
    }),
  )
  expect(new Set(firsts).size).toBe(firsts.length)
})

test('uniform numbers are uniform, within and across runs', () => {
  const random = runRandom(2026, 0)
  const within = Array.from({ length: 20_000 }, () => random.uniform())
  const across = Array.from({ length: 20_000 }, (_, i) => runRandom(i, i % 1000).uniform())
  for (const sample of [within, across]) {
    expect(Math.min(...sample)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...sample)).toBeLessThan(1)
    expect(kolmogorovSmirnov(sample, (x) => x)).toBeLessThan(1.63)
  }
})

test('neighbouring numbers and neighbouring runs do not go together', () => {
  const random = runRandom(7, 3)
  const pairs = Array.from({ length: 20_000 }, () => [random.uniform(), random.uniform()])
  const runs = Array.from({ length: 20_000 }, (_, seed) => [
    runRandom(seed, 0).uniform(),
    runRandom(seed, 1).uniform(),
  ])
  for (const sample of [pairs, runs]) {
    const counts = Array.from({ length: 16 }, () => 0)
    for (const [x = 0, y = 0] of sample) {
      const cell = Math.floor(x * 4) * 4 + Math.floor(y * 4)
      counts[cell] = (counts[cell] ?? 0) + 1
    }
    const deviate = chiSquareDeviate(
      counts,
      counts.map(() => sample.length / 16),
    )
    expect(deviate).toBeLessThan(2.6)
  }
})

test('the last of 53 bits is random too', () => {
  const random = runRandom(11, 0)
  const bits = Array.from({ length: 10_000 }, () => (random.uniform() * 2 ** 53) % 2)
  expect(meanDeviation(bits, 0.5, 0.25)).toBeLessThan(3)
})

test('a seed takes 53 of the bytes and stays a safe integer', () => {
  expect(seedFrom(new Uint8Array(8))).toBe(0)
  expect(seedFrom(new Uint8Array(8).fill(255))).toBe(2 ** 53 - 1)
  expect(seedFrom(Uint8Array.of(0, 0, 8, 0, 0, 0, 2))).toBe(2 ** 32 + 2)
  // The fourth byte counts once.
  expect(seedFrom(Uint8Array.of(0, 0, 0, 1, 0, 0, 0))).toBe(2 ** 24)
  expect(() => seedFrom(new Uint8Array(6))).toThrow(RangeError)
})
