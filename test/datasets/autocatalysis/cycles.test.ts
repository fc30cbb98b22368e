// Autocatalytic cycles: each type on a network made by hand, and all circuits against a search without any pruning.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withCatalysis } from '../../../src/datasets/autocatalysis/catalysis.ts'
import { coefficientOf, listOf } from '../../../src/datasets/autocatalysis/catalytic-network.ts'
import { autocatalyticCycles } from '../../../src/datasets/autocatalysis/cycles.ts'
import { growthFactor, isProductive } from '../../../src/datasets/autocatalysis/growth.ts'
import { polymerSystem } from '../../../src/datasets/autocatalysis/polymers.ts'
import { rafFinder } from '../../../src/datasets/autocatalysis/raf.ts'
import { runRandom } from '../../../src/datasets/random.ts'
import { all, anyRules, type Rule, type Small, small } from './systems.ts'

/** f and g are food. */
function cycles(rules: readonly Rule[], maxLength = 4) {
  const network = small(['f', 'g'], rules)
  const found = [...autocatalyticCycles(network, all(network), maxLength)]
  return found
    .filter((each) => each !== null)
    .map((cycle) => ({
      type: cycle.type,
      molecules: cycle.molecules.map((each) => network.names[each]).join(' '),
      reactions: cycle.reactions.join(' '),
      factor: cycle.amplificationFactor,
      gain: cycle.netGain,
    }))
}

describe('by hand', () => {
  test('a molecule that catalyses its own making doubles', () => {
    expect(cycles([['f -> X', 'X']])).toEqual([
      { type: 'self_catalytic', molecules: 'X', reactions: '0', factor: 2, gain: 1 },
    ])
  })

  test('two that catalyse each other’s making', () => {
    expect(
      cycles([
        ['f -> X', 'Y'],
        ['g -> Y', 'X'],
      ]),
    ).toEqual([{ type: 'cross_catalytic', molecules: 'X Y', reactions: '1 0', factor: 2, gain: 2 }])
  })

  test('one that comes back as two: the square root of 2 a step, twice in a turn', () => {
    expect(
      cycles([
        ['A + f -> B', 'g'],
        ['B -> 2 A', 'g'],
      ]),
    ).toEqual([
      {
        type: 'stoichiometric',
        molecules: 'A B',
        reactions: '0 1',
        factor: Number(Math.SQRT2.toFixed(6)),
        gain: 1,
      },
    ])
  })

  test('a branch that comes back later: the plastic number', () => {
    expect(cycles([['A + f -> B'], ['B -> C + A'], ['C + g -> A']])).toEqual([
      { type: 'stoichiometric', molecules: 'A B C', reactions: '0 1 2', factor: 1.324718, gain: 1 },
    ])
  })

  test('a catalyst that is made of what it makes: the golden ratio', () => {
    expect(
      cycles([
        ['f -> X', 'Y'],
        ['X + g -> Y', 'f'],
      ]),
    ).toEqual([{ type: 'mixed', molecules: 'X Y', reactions: '1 0', factor: 1.618034, gain: 1 }])
  })

  test('two taken and three made: the square root of 3/2', () => {
    expect(cycles([['2 A -> B'], ['B -> 3 A']])).toEqual([
      { type: 'stoichiometric', molecules: 'A B', reactions: '0 1', factor: 1.224745, gain: 1 },
    ])
    expect(cycles([['2 A -> B'], ['B + f -> 2 A + g']])).toEqual([])
  })

  test('what only turns, falls behind or goes to and fro is none', () => {
    expect(cycles([['A + f -> B'], ['B -> A + g']])).toEqual([])
    expect(cycles([['2 A -> B'], ['B -> A']])).toEqual([])
    expect(cycles([['X -> 2 Y'], ['2 Y -> X']])).toEqual([])
    expect(
      cycles(
        [
          ['X -> 2 Y', 'Y'],
          ['2 Y -> X', 'Y'],
        ],
        2,
      ).map(({ molecules }) => molecules),
    ).toEqual(['Y'])
    // Food is no member.
    expect(cycles([['f -> X', 'X'], ['X -> 2 f']], 4).map(({ molecules }) => molecules)).toEqual([
      'X',
    ])
  })

  test('no reaction of a cycle consumes another member', () => {
    expect(cycles([['f -> X', 'Y'], ['X + Y -> 3 Y']])).toEqual([
      { type: 'stoichiometric', molecules: 'Y', reactions: '1', factor: 3, gain: 2 },
    ])
  })

  test('longer ones than asked for are not listed', () => {
    const rules: Rule[] = [
      ['f -> X', 'Z'],
      ['f -> Y', 'X'],
      ['f -> Z', 'Y'],
    ]
    expect(cycles(rules, 2)).toEqual([])
    expect(cycles(rules, 3).map(({ factor, gain }) => [factor, gain])).toEqual([[2, 3]])
  })
})

/** Every circuit, tried blindly: sequences of reactions and of the molecules that they need. */
function blindly(network: Small, maxLength: number): string[] {
  const found: string[] = []
  const made = (r: number) => listOf(network.products, r).filter((each) => !network.food[each])
  const needed = (r: number) =>
    [...new Set([...listOf(network.reactants, r), ...listOf(network.catalysts, r)])].filter(
      (each) => !network.food[each],
    )

  function walk(molecules: number[], reactions: number[]): void {
    const here = molecules.at(-1) ?? 0
    for (const r of all(network)) {
      if (!needed(r).includes(here) || reactions.includes(r)) continue
      if (reactions.some((other) => network.reverse[r] === other)) continue
      const path = [...reactions, r]
      for (const to of made(r)) {
        if (to === molecules[0]) {
          if (multiplies(network, molecules, path)) found.push(`${molecules}|${path}`)
        } else if (to > (molecules[0] ?? 0) && !molecules.includes(to) && path.length < maxLength) {
          walk([...molecules, to], path)
        }
      }
    }
  }
  for (let root = 0; root < network.molecules; root += 1) if (!network.food[root]) walk([root], [])
  return found.sort()
}

/** Whether many small steps let all members grow, none being consumed by another's reaction. */
function multiplies(network: Small, molecules: number[], reactions: number[]): boolean {
  const takes = (m: number, r: number) => coefficientOf(network.reactants, r, m)
  if (molecules.some((m, i) => reactions.some((r, j) => i !== j && takes(m, r) > 0))) return false
  let amounts = molecules.map(() => 1)
  let growth = 0
  for (let round = 0; round < 4000; round += 1) {
    const next = molecules.map((m, i) =>
      reactions.reduce(
        (sum, r, j) =>
          sum + 0.2 * (coefficientOf(network.products, r, m) - takes(m, r)) * (amounts[j] ?? 0),
        amounts[i] ?? 0,
      ),
    )
    const total = next.reduce((sum, each) => sum + each, 0)
    growth = total / amounts.reduce((sum, each) => sum + each, 0)
    amounts = next.map((each) => each / total)
  }
  return growth > 1 + 1e-6
}

test('all circuits are found, each once, and those that multiply are told from those that do not', () => {
  let found = 0
  fc.assert(
    fc.property(anyRules, (rules) => {
      const network = small(['A'], rules)
      const search = autocatalyticCycles(network, all(network), 4)
      const ours: string[] = []
      let next = search.next()
      for (; !next.done; next = search.next()) {
        if (next.value) ours.push(`${next.value.molecules}|${next.value.reactions}`)
      }
      expect(next.value).toBe(true)
      expect(ours.map((each) => each.split('|')[0]?.split(',').length)).toEqual(
        ours.map((each) => each.split('|')[0]?.split(',').length).sort(),
      )
      expect(ours.sort()).toEqual(blindly(network, 4))
      found += ours.length
    }),
    { numRuns: 150, seed: 2020 },
  )
  expect(found).toBeGreaterThan(300)
})

test('exactly and by the largest eigenvalue the same matrices are productive', () => {
  const matrix = fc.integer({ min: 1, max: 5 }).chain((size) =>
    fc
      .array(fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: size, maxLength: size }), {
        minLength: size,
        maxLength: size,
      })
      .map((rows) =>
        rows.map((row, i) =>
          row.map((each, j) => (i === j ? each - 2 : i === (j + 1) % size ? each + 1 : each)),
        ),
      ),
  )
  let productive = 0
  fc.assert(
    fc.property(matrix, (net) => {
      expect(isProductive(net)).toBe(
        growthFactor(
          net,
          net.map(() => 2),
        ) > 1,
      )
      productive += isProductive(net) ? 1 : 0
    }),
    { numRuns: 500, seed: 25230 },
  )
  expect(productive).toBeGreaterThan(100)
  expect(productive).toBeLessThan(450)
})

test('a search that would take too long ends, and says that it was not whole', () => {
  const network = withCatalysis(
    polymerSystem({ letters: 2, maxLength: 7, foodLength: 2 }),
    5,
    runRandom(1, 0),
  )
  const search = autocatalyticCycles(network, rafFinder(network).maxRaf(all(network)), 8)
  let next = search.next()
  let found = 0
  for (; !next.done; next = search.next()) found += 1
  expect(next.value).toBe(false)
  expect(found).toBeGreaterThan(1000)
})
