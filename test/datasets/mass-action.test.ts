// The simulation against what mass action says of it, exactly or in the limit of many molecules. Each
// statistic must accept the simulation and refuse the same network with a propensity that is wrong.
import { describe, expect, test } from 'vitest'
import type { CompiledNetwork } from '../../src/datasets/trajectories/compile.ts'
import { countsAt, faster, meetingItself, network, runs, solve, spoilt } from './mass-action.ts'
import {
  chiSquareDeviate,
  kolmogorovSmirnov,
  mean,
  meanDeviation,
  varianceDeviation,
} from './statistics.ts'

interface Proof {
  readonly right: CompiledNetwork
  readonly wrong: Readonly<Record<string, CompiledNetwork>>
  /** Deviates of an honest sample, one for each statistic: normal ones unless `limit` says otherwise. */
  readonly deviates: (compiled: CompiledNetwork) => number[]
  /** Above 3.5 is one honest normal deviate of 2,000. */
  readonly limit?: number
}

function prove({ right, wrong, deviates, limit = 3.5 }: Proof): void {
  test('accepts the simulation', () => {
    for (const deviate of deviates(right)) expect(deviate).toBeLessThan(limit)
  })

  test.each(Object.entries(wrong))('refuses it with %s', (_, compiled) => {
    expect(Math.max(...deviates(compiled))).toBeGreaterThan(limit)
  })
}

/** Mean and variance, and the whole distribution: what is expected often count by count, the tails together. */
function againstDistribution(
  counts: readonly number[],
  probabilities: readonly number[],
): number[] {
  const n = counts.length
  const average = probabilities.reduce((sum, p, count) => sum + p * count, 0)
  const moment = (power: number) =>
    probabilities.reduce((sum, p, count) => sum + p * (count - average) ** power, 0)
  const often = probabilities.flatMap((p, count) => (p * n >= 10 ? [count] : []))
  const observed = often.map((count) => counts.filter((each) => each === count).length)
  const expected = often.map((count) => (probabilities[count] ?? 0) * n)
  const rest = (some: readonly number[]) => n - some.reduce((sum, each) => sum + each, 0)
  const tails = rest(expected) >= 1 ? [[rest(observed)], [rest(expected)]] : [[], []]
  return [
    meanDeviation(counts, average, moment(2)),
    varianceDeviation(counts, moment(2), moment(4) / moment(2) ** 2),
    chiSquareDeviate([...observed, ...(tails[0] ?? [])], [...expected, ...(tails[1] ?? [])]),
  ]
}

function poisson(average: number, most: number): number[] {
  const terms = [Math.exp(-average)]
  for (let n = 1; n <= most; n += 1) terms.push(((terms[n - 1] ?? 0) * average) / n)
  return terms
}

function binomial(molecules: number, p: number): number[] {
  const terms = [(1 - p) ** molecules]
  for (let n = 1; n <= molecules; n += 1) {
    terms.push((((terms[n - 1] ?? 0) * (molecules - n + 1)) / n) * (p / (1 - p)))
  }
  return terms
}

describe('birth and death are Poisson', () => {
  // In 10 molecules a mol/L: 3 are born a second, each lives for 10 s.
  const right = network({ A: 0 }, { '-> A': 0.3, 'A ->': 0.1 }, 10)
  prove({
    right,
    wrong: {
      'a birth that forgets the volume': spoilt(right, 0, faster(1 / 10)),
      'a birth that is a tenth too fast': spoilt(right, 0, faster(1.1)),
      'a death that does not ask how many there are': spoilt(right, 1, () => ({
        kinetics: { order: 0, constant: 3 },
      })),
      'a death that is not told of births': spoilt(right, 0, () => ({ affects: [] })),
    },
    // On the way and, after twelve lifetimes, in the stationary state.
    deviates: (compiled) =>
      [5, 120].flatMap((seconds) =>
        againstDistribution(
          // What is wrong may take A below zero: it counts as none.
          countsAt(runs(compiled, 1500, 1), 'A', seconds).map((count) => Math.max(0, count)),
          poisson(30 * (1 - Math.exp(-0.1 * seconds)), 100),
        ),
      ),
  })
})

describe('isomerisation is binomial', () => {
  const right = network({ A: 200, B: 0 }, { 'A -> B': 1, 'B -> A': 3 })
  prove({
    right,
    wrong: {
      'a way there that is a tenth too fast': spoilt(right, 0, faster(1.1)),
      'a way back that is a tenth too slow': spoilt(right, 1, faster(0.9)),
      'both a tenth too fast': spoilt(spoilt(right, 0, faster(1.1)), 1, faster(1.1)),
    },
    // In relaxation and in equilibrium.
    deviates: (compiled) =>
      [0.2, 5].flatMap((seconds) =>
        againstDistribution(
          countsAt(runs(compiled, 1500, 3), 'B', seconds),
          binomial(200, 0.25 * (1 - Math.exp(-4 * seconds))),
        ),
      ),
  })
})

describe('2 A <-> B follows its master equation', () => {
  const [molecules, forward, back] = [10, 0.3, 0.8]
  const dimers = molecules / 2
  const right = network({ A: molecules, B: 0 }, { '2 A -> B': forward, 'B -> 2 A': back })
  /** The probability of each number of dimers. Pairs are n (n-1) / 2, and c is 2 k. */
  const slopes = (p: readonly number[]) => {
    const up = (b: number) => {
      const n = molecules - 2 * b
      return forward * n * (n - 1) * (p[b] ?? 0)
    }
    const down = (b: number) => back * b * (p[b] ?? 0)
    return p.map((_, b) => {
      const gain = (b > 0 ? up(b - 1) : 0) + (b < dimers ? down(b + 1) : 0)
      return gain - up(b) - down(b)
    })
  }
  const start = Array.from({ length: dimers + 1 }, (_, b) => (b === 0 ? 1 : 0))
  prove({
    right,
    wrong: {
      'n n in place of n (n-1)': meetingItself(right, 'A'),
      'k in place of 2 k': spoilt(right, 0, faster(0.5)),
      'a decay that does not ask how many there are': spoilt(right, 1, () => ({
        kinetics: { order: 0, constant: back },
      })),
    },
    deviates: (compiled) =>
      [0.02, 0.1, 4].flatMap((seconds) =>
        againstDistribution(
          countsAt(runs(compiled, 2000, 6), 'B', seconds),
          solve(slopes, start, seconds),
        ),
      ),
  })
})

describe('Michaelis and Menten, with many molecules', () => {
  // 1 mol/L of substrate and a fifth of it enzyme; k1 in L/mol/s, k2 and k3 in 1/s.
  const [perMolar, enzyme, k1, k2, k3] = [4000, 0.2, 5, 1, 2] as const
  const rates = { 'E + S -> C': k1, 'C -> E + S': k2, 'C -> E + P': k3 }
  const right = network({ E: perMolar * enzyme, S: perMolar, C: 0, P: 0 }, rates, perMolar)

  /**
   * The rate law of [S] and [C], and by van Kampen's linear noise approximation the variances of
   * both, and their covariance, as molecules^2 a molecule of substrate:
   * dV/dt = J V + V J' + D, D summed over the reactions, each with the squares of its changes.
   */
  const slopes = ([s = 0, c = 0, vs = 0, vc = 0, cov = 0]: readonly number[]) => {
    const [bind, free, make] = [k1 * (enzyme - c) * s, k2 * c, k3 * c]
    const [ss, sc] = [-k1 * (enzyme - c), k1 * s + k2]
    const [cs, cc] = [k1 * (enzyme - c), -k1 * s - k2 - k3]
    return [
      free - bind,
      bind - free - make,
      2 * (ss * vs + sc * cov) + bind + free,
      2 * (cs * cov + cc * vc) + bind + free + make,
      ss * cov + sc * vc + cs * vs + cc * cov - bind - free,
    ]
  }

  const deviates = (compiled: CompiledNetwork) =>
    [0.3, 1.5, 3].flatMap((seconds) => {
      const some = runs(compiled, 150, 11)
      const [s = 0, c = 0, vs = 0, vc = 0] = solve(slopes, [1, 0, 0, 0, 0], seconds)
      return [
        { counts: countsAt(some, 'S', seconds), average: s * perMolar, spread: vs * perMolar },
        { counts: countsAt(some, 'C', seconds), average: c * perMolar, spread: vc * perMolar },
      ].flatMap(({ counts, average, spread }) => [
        meanDeviation(counts, average, spread),
        varianceDeviation(counts, spread),
      ])
    })

  prove({
    right,
    wrong: {
      'a binding that is 3 % too fast': spoilt(right, 0, faster(1.03)),
      'a binding that does not ask for free enzyme': spoilt(right, 0, () => ({
        kinetics: { order: 1, constant: k1 * enzyme, first: 1 },
      })),
      'a release that is 3 % too slow': spoilt(right, 2, faster(0.97)),
    },
    deviates,
  })

  test('comes closer to the rate law the more there are: as the square root', () => {
    const [s = 0] = solve(slopes, [1, 0, 0, 0, 0], 1.5)
    const errors = [100, 10_000].map((size) => {
      const some = runs(network({ E: size * enzyme, S: size, C: 0, P: 0 }, rates, size), 100, 12)
      return Math.sqrt(mean(countsAt(some, 'S', 1.5).map((count) => (count / size - s) ** 2)))
    })
    expect(errors[1]).toBeLessThan(0.01)
    expect((errors[0] ?? 0) / (errors[1] ?? 0)).toBeGreaterThan(8)
    expect((errors[0] ?? 0) / (errors[1] ?? 0)).toBeLessThan(12.5)
  })
})

describe('a network of every order, watched reaction by reaction', () => {
  // In a volume where 1 mol/L is 10 molecules: order 0 is faster by 10, order 2 slower by 10.
  const rates = { '-> A': 0.5, 'A -> B': 0.2, 'A + B -> B': 0.3, '2 B -> A': 2.5 }
  const reactions = [0, 1, 2, 3]
  const right = network({ A: 12, B: 3 }, rates, 10)
  const wrong = {
    'n n in place of n (n-1)': meetingItself(right, 'B'),
    'an order of 0 that forgets the volume': spoilt(right, 0, faster(1 / 10)),
    'an order of 2 that forgets the volume': spoilt(right, 2, faster(10)),
    'k in place of 2 k for two of a kind': spoilt(right, 3, faster(0.5)),
    'a propensity that is not told of a change': spoilt(right, 1, ({ affects }) => ({
      affects: affects.filter((other) => other !== 3),
    })),
  }
  const propensities = (a: number, b: number) => [
    0.5 * 10,
    0.2 * a,
    (0.3 / 10) * a * b,
    ((2 * 2.5) / 10) * ((b * (b - 1)) / 2),
  ]

  /** Each firing beside what the counts before it make likely. */
  function watched(compiled: CompiledNetwork) {
    const [run] = runs(compiled, 1, 5)
    if (run === undefined) throw new Error('No run')
    return Array.from({ length: 20_000 }, () => {
      const expected = propensities(run.count('A'), run.count('B'))
      const before = run.time
      run.fire()
      const total = expected.reduce((sum, each) => sum + each, 0)
      const probabilities = expected.map((each) => each / total)
      return { wait: (run.time - before) * total, probabilities, reaction: run.reaction }
    })
  }

  describe('waits exponentially with the total propensity (Kolmogorov-Smirnov)', () => {
    prove({
      right,
      wrong,
      deviates: (compiled) => [
        kolmogorovSmirnov(
          watched(compiled).map(({ wait }) => wait),
          (x) => 1 - Math.exp(-x),
        ),
      ],
      // Kolmogorov's distribution: above it in 1 of 100 honest samples.
      limit: 1.628,
    })
  })

  describe('fires each reaction with its share of it (chi-square)', () => {
    prove({
      right,
      wrong,
      deviates: (compiled) => {
        const seen = watched(compiled)
        const expected = reactions.map((i) =>
          seen.reduce((sum, each) => sum + (each.probabilities[i] ?? 0), 0),
        )
        const observed = reactions.map((i) => seen.filter(({ reaction }) => reaction === i).length)
        const single = reactions.map((i) => {
          const spread = seen.reduce(
            (sum, { probabilities: p }) => sum + (p[i] ?? 0) * (1 - (p[i] ?? 0)),
            0,
          )
          return Math.abs((observed[i] ?? 0) - (expected[i] ?? 0)) / Math.sqrt(spread)
        })
        return [chiSquareDeviate(observed, expected), ...single]
      },
    })
  })
})
