// The simulation against master equations that are solved in closed form.
import { describe, expect, test } from 'vitest'
import { runRandom } from '../../src/datasets/random.ts'
import { AVOGADRO, compileNetwork } from '../../src/datasets/trajectories/compile.ts'
import { type Run, simulateRun } from '../../src/datasets/trajectories/gillespie.ts'
import {
  chiSquareDeviate,
  kolmogorovSmirnov,
  mean,
  meanDeviation,
  varianceDeviation,
} from './statistics.ts'

/** Rates as given at any temperature; in `perMolar` molecules a mol/L, so 1 makes k = c. */
function network(initial: Record<string, number>, rates: Record<string, number>, perMolar = 1) {
  const species = Object.entries(initial).map(([name, count]) => [
    name,
    { formula: 'H', initial: count },
  ])
  return compileNetwork(
    {
      volumeLitres: perMolar / AVOGADRO,
      species: Object.fromEntries(species),
      reactions: Object.entries(rates).map(([equation, prefactor], i) => ({
        id: `r${i}`,
        type: 'isomerisation',
        equation,
        prefactor,
        activationEnergy: 0,
      })),
    },
    300,
  )
}

function runs(compiled: ReturnType<typeof network>, number: number, seed = 1): Run[] {
  return Array.from({ length: number }, (_, run) => simulateRun(compiled, runRandom(seed, run)))
}

/** The count of a species at a moment: that before the first reaction past it. */
function countAt(run: Run, species: string, time: number): number {
  let count = run.count(species)
  while (run.fire() && run.time <= time) count = run.count(species)
  return count
}

function poisson(average: number, n: number): number {
  let probability = Math.exp(-average)
  for (let i = 1; i <= n; i += 1) probability *= average / i
  return probability
}

test('birth and death: Poisson, with the exact mean on the way and the stationary one at last', () => {
  const compiled = network({ A: 0 }, { '-> A': 3, 'A ->': 0.1 })
  for (const [time, seed] of [
    [5, 1],
    [120, 2],
  ] as const) {
    const average = 30 * (1 - Math.exp(-0.1 * time))
    const counts = runs(compiled, 1500, seed).map((run) => countAt(run, 'A', time))
    expect(meanDeviation(counts, average, average)).toBeLessThan(3)
    expect(varianceDeviation(counts, average, 3 + 1 / average)).toBeLessThan(3)
    // The whole distribution: single counts in the middle, the tails together.
    const from = Math.floor(average - 1.5 * Math.sqrt(average))
    const to = Math.ceil(average + 1.5 * Math.sqrt(average))
    const middle = Array.from({ length: to - from + 1 }, (_, i) => from + i)
    const observed = middle.map((n) => counts.filter((count) => count === n).length)
    const expected = middle.map((n) => counts.length * poisson(average, n))
    const outside = (inside: readonly number[]) =>
      counts.length - inside.reduce((sum, each) => sum + each, 0)
    expect(
      chiSquareDeviate([...observed, outside(observed)], [...expected, outside(expected)]),
    ).toBeLessThan(2.6)
  }
})

test('isomerisation: binomial, in relaxation and in equilibrium', () => {
  const molecules = 200
  const compiled = network({ A: molecules, B: 0 }, { 'A -> B': 1, 'B -> A': 3 })
  for (const [time, seed] of [
    [0.2, 3],
    [5, 4],
  ] as const) {
    const p = 0.25 * (1 - Math.exp(-4 * time))
    const counts = runs(compiled, 1500, seed).map((run) => countAt(run, 'B', time))
    expect(meanDeviation(counts, molecules * p, molecules * p * (1 - p))).toBeLessThan(3)
    expect(varianceDeviation(counts, molecules * p * (1 - p))).toBeLessThan(3)
  }
})

describe('a network of every order, watched reaction by reaction', () => {
  // In a volume where 1 mol/L is 10 molecules: order 0 is faster by 10, order 2 slower by 10.
  const rates = { '-> A': 0.5, 'A -> B': 0.2, 'A + B -> B': 0.3, '2 B -> A': 0.25 }
  const propensities = (a: number, b: number) => [
    0.5 * 10,
    0.2 * a,
    (0.3 / 10) * a * b,
    ((2 * 0.25) / 10) * ((b * (b - 1)) / 2),
  ]
  const [run] = runs(network({ A: 12, B: 3 }, rates, 10), 1, 5)
  const seen = Array.from({ length: 20_000 }, () => {
    const expected = propensities(run?.count('A') ?? 0, run?.count('B') ?? 0)
    const before = run?.time ?? 0
    run?.fire()
    const total = expected.reduce((sum, each) => sum + each, 0)
    return {
      wait: ((run?.time ?? 0) - before) * total,
      probabilities: expected.map((each) => each / total),
      reaction: run?.reaction,
    }
  })

  test('waiting times are exponential with the total propensity', () => {
    const statistic = kolmogorovSmirnov(
      seen.map(({ wait }) => wait),
      (x) => 1 - Math.exp(-x),
    )
    expect(statistic).toBeLessThan(1.63)
  })

  test.each([0, 1, 2, 3])('reaction %i fires with its share of it', (reaction) => {
    const shares = seen.map(({ probabilities }) => probabilities[reaction] ?? 0)
    const fired = seen.filter((each) => each.reaction === reaction).length
    const expected = shares.reduce((sum, p) => sum + p, 0)
    const spread = shares.reduce((sum, p) => sum + p * (1 - p), 0)
    expect(expected).toBeGreaterThan(500)
    expect(Math.abs(fired - expected) / Math.sqrt(spread)).toBeLessThan(3)
  })
})

describe('dimerisation', () => {
  test('two molecules are one pair: k n(n-1), not k n^2', () => {
    const rate = 0.7
    for (const [n, seed] of [
      [2, 6],
      [3, 7],
      [10, 8],
    ] as const) {
      const waits = runs(network({ A: n, B: 0 }, { '2 A -> B': rate }), 4000, seed).map((run) => {
        run.fire()
        return run.time
      })
      const average = 1 / (rate * n * (n - 1))
      expect(meanDeviation(waits, average, average ** 2)).toBeLessThan(3)
    }
  })

  test('a molecule alone never reacts with itself', () => {
    const [run] = runs(network({ A: 5, B: 0 }, { '2 A -> B': 1 }), 1)
    expect([run?.fire(), run?.fire(), run?.fire()]).toEqual([true, true, false])
    expect([run?.count('A'), run?.count('B')]).toEqual([1, 2])
  })
})

describe('the end of a run', () => {
  test('comes when nothing can react, and changes nothing more', () => {
    const [run] = runs(network({ A: 3, B: 0, C: 4 }, { 'A -> B': 1, 'A + B -> 2 B': 1 }), 1)
    while (run?.fire());
    const end = [run?.fired, run?.time, run?.reaction]
    expect(end[0]).toBe(3)
    expect(run?.fire()).toBe(false)
    expect([run?.fired, run?.time, run?.reaction]).toEqual(end)
    expect([run?.count('A'), run?.count('B'), run?.count('C')]).toEqual([0, 3, 4])
  })

  test('is at once for a network that cannot begin', () => {
    const [run] = runs(network({ A: 0, B: 0 }, { 'A -> B': 1 }), 1)
    expect([run?.fire(), run?.fired, run?.time]).toEqual([false, 0, 0])
  })
})

test('rounding never fires what cannot react', () => {
  // The greatest uniform number: 0.6 less 0.1, 0.1 and 0.4 leaves 0, which the last channel would take.
  const greatest = { uint32: () => 2 ** 32 - 1, uniform: () => 1 - 2 ** -53 }
  const rates = { 'X -> A': 0.1, 'X -> B': 0.1, 'X -> C': 0.4, 'Z -> A': 1 }
  const run = simulateRun(network({ X: 1, A: 0, B: 0, C: 0, Z: 0 }, rates), greatest)
  expect(run.fire()).toBe(true)
  expect([run.reaction, run.count('C'), run.count('Z')]).toEqual([2, 1, 0])
})

test('a catalyst is needed and not used up', () => {
  const rates = { 'A + K -> B + K': 1 }
  const [without] = runs(network({ A: 9, B: 0, K: 0 }, rates), 1)
  expect(without?.fire()).toBe(false)
  const waits = runs(network({ A: 9, B: 0, K: 4 }, rates), 4000, 9).map((run) => {
    run.fire()
    expect(run.count('K')).toBe(4)
    return run.time
  })
  expect(mean(waits)).toBeGreaterThan(0)
  expect(meanDeviation(waits, 1 / 36, 1 / 36 ** 2)).toBeLessThan(3)
})

test('what the method cannot do is refused', () => {
  expect(() => network({ A: 1 }, { '3 A -> A': 1 })).toThrow('order above 2')
  expect(() => network({ A: 1 }, { 'A -> Z': 1 })).toThrow('Unknown species Z')
  expect(() => network({ A: 1 }, { 'A = A': 1 })).toThrow('Not a one-way reaction')
})
