// The simulation step by step: pairs, catalysts, where a run ends. The distributions are in mass-action.test.ts.
import { describe, expect, test } from 'vitest'
import { runRandom } from '../../src/datasets/random.ts'
import { type Run, simulateRun } from '../../src/datasets/trajectories/gillespie.ts'
import { countsAt, network, runs } from './mass-action.ts'
import { mean, meanDeviation, varianceDeviation } from './statistics.ts'

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
    const [run] = runs(network({ A: 5, B: 0 }, { '2 A -> B': 1 }), 1, 1)
    expect([run?.fire(), run?.fire(), run?.fire()]).toEqual([true, true, false])
    expect([run?.count('A'), run?.count('B')]).toEqual([1, 2])
  })
})

describe('the end of a run', () => {
  test('comes when nothing can react, and changes nothing more', () => {
    const [run] = runs(network({ A: 3, B: 0, C: 4 }, { 'A -> B': 1, 'A + B -> 2 B': 1 }), 1, 1)
    while (run?.fire());
    const end = [run?.fired, run?.time, run?.reaction]
    expect(end[0]).toBe(3)
    expect(run?.fire()).toBe(false)
    expect([run?.fired, run?.time, run?.reaction]).toEqual(end)
    expect([run?.count('A'), run?.count('B'), run?.count('C')]).toEqual([0, 3, 4])
  })

  test('is at once for a network that cannot begin', () => {
    const [run] = runs(network({ A: 0, B: 0 }, { 'A -> B': 1 }), 1, 1)
    expect([run?.fire(), run?.fired, run?.time]).toEqual([false, 0, 0])
  })
})

describe('a run that is to end at a moment', () => {
  const compiled = () => network({ A: 30, B: 0 }, { 'A -> B': 1, 'B -> A': 2, '2 A -> 2 B': 0.1 })
  const seen = (run: Run) => [run.time, run.fired, run.reaction, run.count('A'), run.count('B')]

  test('fires what a run without an end fires up to there, and changes nothing more', () => {
    const [ended, free] = [1, 2].map(() => simulateRun(compiled(), runRandom(21, 0)))
    while (ended?.fire(2)) {
      free?.fire()
      expect(seen(ended)).toEqual(seen(free as Run))
    }
    expect(ended?.fired).toBeGreaterThan(50)
    const before = seen(ended as Run)
    expect([ended?.fire(2), ended?.fire(0), ended?.fire(-1)]).toEqual([false, false, false])
    expect(seen(ended as Run)).toEqual(before)
    free?.fire()
    expect(free?.time).toBeGreaterThan(2)
  })

  test('may go on, wherever it was stopped, as if it had never been', () => {
    const [stopped, free] = [1, 2].map(() => simulateRun(compiled(), runRandom(22, 0)))
    for (let end = 0.01; end < 3; end += 0.01) while (stopped?.fire(end));
    while (free !== undefined && stopped !== undefined && free.fired < stopped.fired) free.fire()
    expect(stopped?.fired).toBeGreaterThan(50)
    expect(seen(stopped as Run)).toEqual(seen(free as Run))
  })

  test('fires the reaction of that very moment, and none just before it', () => {
    const [early, exact, free] = [1, 2, 3].map(() => simulateRun(compiled(), runRandom(23, 0)))
    free?.fire()
    const moment = free?.time ?? 0
    expect(early?.fire(moment * (1 - Number.EPSILON))).toBe(false)
    expect(exact?.fire(moment)).toBe(true)
  })

  test('leaves the counts as the master equation has them at that moment', () => {
    const decay = network({ A: 100 }, { 'A ->': 1 })
    const p = Math.exp(-0.7)
    const counts = countsAt(runs(decay, 2000, 24), 'A', 0.7)
    expect(meanDeviation(counts, 100 * p, 100 * p * (1 - p))).toBeLessThan(3)
    expect(varianceDeviation(counts, 100 * p * (1 - p))).toBeLessThan(3)
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
  const [without] = runs(network({ A: 9, B: 0, K: 0 }, rates), 1, 1)
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
