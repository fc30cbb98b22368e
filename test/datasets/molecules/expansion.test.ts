// The expansion reaches what the rules reach, in the order and within the limits that it promises.
import { describe, expect, test } from 'vitest'
import { canonicalSmiles } from '../../../src/datasets/molecules/canonical.ts'
import { expand, type Limits } from '../../../src/datasets/molecules/expansion.ts'
import { permuted } from '../../../src/datasets/molecules/permutation.ts'
import { member, opener, reactionsOf } from '../../../src/datasets/molecules/reactions.ts'
import type { Rule } from '../../../src/datasets/molecules/rules.ts'
import { FOOD, rulesOf } from '../../../src/datasets/molecules/scenarios.ts'
import { parseSmiles } from '../../../src/datasets/molecules/smiles.ts'
import { runRandom } from '../../../src/datasets/random.ts'
import { networkOf, SCENARIOS, type Scenario } from '../../../src/datasets/scenario.ts'
import { elements, rows } from './read.ts'

const canonical = (smiles: string) => canonicalSmiles(parseSmiles(smiles))
const FREE: Limits = {
  max_molecules: 100_000,
  max_reactions: 100_000,
  generations: 3,
  max_heavy_atoms: 7,
}

function run(scenario: Scenario, limits: Partial<Limits>, seed: number) {
  const steps = [...expand(FOOD[scenario], rulesOf(scenario), { ...FREE, ...limits }, seed)]
  return {
    found: steps.flatMap((step) => step.found ?? []),
    reactions: steps.reduce((sum, step) => sum + step.reactions, 0),
  }
}

/** All reactions of all pairs in both orders, with none of the expansion's short cuts. */
function naive(scenario: Scenario, generations: number) {
  const rules: Rule[] = rulesOf(scenario).map((rule) => ({ ...rule, loses: null }))
  const open = opener()
  const all = new Set(FOOD[scenario].map(canonical))
  const reactions = new Set<string>()
  for (let generation = 1; generation <= generations; generation += 1) {
    const members = [...all].map((smiles) => ({ smiles, left: -1, right: -1, heavyAtoms: 0 }))
    for (const one of members) {
      for (const other of [null, ...members]) {
        const fired = reactionsOf(one, other, rules, FREE.max_heavy_atoms, open)
        for (const { rule, reactants, products } of fired) {
          reactions.add([rule.name, ...[...reactants].sort(), '>', ...products].join(' '))
          for (const smiles of products) all.add(smiles)
        }
      }
    }
  }
  return { all, reactions }
}

test('a reaction is one, whichever of its reactants takes the first place of the rule', () => {
  const [rules, open] = [rulesOf('alkaline_hydrothermal'), opener()]
  const [dimer, acid] = ['OCC(=O)OCC(O)=O', 'OCC(O)=O'].map((smiles) =>
    member(canonical(smiles), rules, open),
  )
  if (!dimer || !acid) throw new Error('no members')
  const fired = [...reactionsOf(dimer, acid, rules, 24, open)]
  const esters = fired.filter(({ rule }) => rule.name === 'ester_condensation')
  expect(esters.length).toBe(1)
})

describe.each(SCENARIOS)('%s', (scenario) => {
  test('reaches what trying everything reaches, by as many reactions', () => {
    const generations = scenario === 'miller_urey' ? 3 : 4
    const { all, reactions } = naive(scenario, generations)
    const expanded = run(scenario, { generations }, 1)
    expect(expanded.found.map((found) => found.smiles).sort()).toEqual([...all].sort())
    expect(expanded.reactions).toBe(reactions.size)
    expect(all.size).toBeGreaterThan(20)
  })

  test('begins with the species that its network has at the start', () => {
    const { species } = networkOf(scenario)
    const formulas = Object.values(species).flatMap(({ formula, initial }) =>
      initial > 0 ? formula : [],
    )
    const food = rows({ scenario, max_molecules: 1 }).filter((row) => row.generation === 0)
    const counts = (formula: string) => [...elements(formula)].sort().join()
    expect(food.map((row) => counts(row.formula)).sort()).toEqual(formulas.map(counts).sort())
    for (const row of food) {
      expect(row).toMatchObject({
        first_step: 0,
        reaction_type: 'food',
        parents: [],
        novelty_score: 0,
      })
    }
  })

  test('names parents that came before, one generation less, whose reaction gives the molecule', () => {
    const all = rows({ scenario })
    const generation = new Map<string, number>()
    const open = opener()
    let step = 0
    for (const row of all) {
      if (row.generation > 0) {
        const before = row.parents.map((parent) => generation.get(parent) ?? Number.NaN)
        expect(Math.max(...before)).toBe(row.generation - 1)
        expect(row.first_step).toBeGreaterThanOrEqual(step)
        step = row.first_step
        const rules = rulesOf(scenario).filter((rule) => rule.name === row.reaction_type)
        const [one, other] = row.parents.map((smiles) => ({
          smiles,
          left: -1,
          right: -1,
          heavyAtoms: 0,
        }))
        if (one === undefined) throw new Error('No parents')
        // Two of one kind are written as two parents.
        const partner = other?.smiles === one.smiles ? one : (other ?? null)
        const made = [...reactionsOf(one, partner, rules, 24, open)].flatMap(
          ({ products }) => products,
        )
        expect(made).toContain(row.smiles)
      }
      generation.set(row.smiles, row.generation)
    }
  })

  test('without a limit that cuts it, has the same molecules for all seeds, in another order', () => {
    const [one, other] = [run(scenario, {}, 1), run(scenario, {}, 2)]
    const [first, second] = [one, other].map(({ found }) => found.map(({ smiles }) => smiles))
    expect(second).not.toEqual(first)
    expect([...(second ?? [])].sort()).toEqual([...(first ?? [])].sort())
    expect(other.reactions).toBe(one.reactions)
    const generations = ({ found }: typeof one) =>
      found.map(({ smiles, generation }) => `${smiles} ${generation}`).sort()
    expect(generations(other)).toEqual(generations(one))
  })

  test('stops at the limits, and a smaller one gives the beginning of a larger', () => {
    const large = run(scenario, { max_molecules: 60, generations: 6, max_heavy_atoms: 10 }, 3)
    expect(large.found.length).toBe(60 + FOOD[scenario].length)
    const small = run(scenario, { max_molecules: 25, generations: 6, max_heavy_atoms: 10 }, 3)
    expect(small.found.length).toBe(25 + FOOD[scenario].length)
    expect(large.found.slice(0, small.found.length)).toEqual(small.found)
    for (const most of [1, 2, 17, 50]) {
      expect(run(scenario, { max_reactions: most, generations: 6 }, 3).reactions).toBe(most)
    }
    const { found } = run(scenario, { generations: 2, max_heavy_atoms: 4 }, 3)
    expect(Math.max(...found.map(({ generation }) => generation))).toBe(2)
    expect(Math.max(...found.map(({ molecule }) => molecule.kinds.length))).toBeLessThanOrEqual(4)
  })
})

test.each([
  ['miller_urey', 'glycine', 'NCC(O)=O', {}],
  ['miller_urey', 'aminoacetonitrile', 'NCC#N', {}],
  ['miller_urey', 'glycolaldehyde', 'OCC=O', {}],
  ['miller_urey', 'cyanoacetylene', 'C#CC#N', {}],
  ['miller_urey', 'serine', 'NC(CO)C(O)=O', { max_molecules: 1000 }],
  ['miller_urey', 'alanine', 'CC(N)C(O)=O', { max_heavy_atoms: 7, max_molecules: 1000 }],
  ['formamide', 'formamidine', 'NC=N', {}],
  ['formamide', 'urea', 'NC(N)=O', {}],
  ['formamide', 'DAMN', 'NC(C#N)=C(N)C#N', {}],
  ['formamide', 'AICN', 'NC1=C(C#N)N=CN1', {}],
  ['formamide', 'adenine', 'NC1=NC=NC2=C1N=CN2', {}],
  ['alkaline_hydrothermal', 'methane', 'C', {}],
  ['alkaline_hydrothermal', 'methanethiol', 'CS', {}],
  ['alkaline_hydrothermal', 'acetic acid', 'CC(O)=O', {}],
  ['alkaline_hydrothermal', 'pyruvic acid', 'CC(=O)C(O)=O', {}],
] as const)('%s gives %s', (scenario, _name, smiles, input) => {
  for (const seed of [1, 2, 3]) {
    expect(rows({ scenario, seed, ...input }).map((row) => row.smiles)).toContain(canonical(smiles))
  }
})

test('a cut expansion is another sample of the molecules for another seed', () => {
  const [one, other] = [1, 2].map(
    (seed) => new Set(rows({ seed, max_molecules: 300 }).map((row) => row.smiles)),
  )
  const shared = [...(one ?? [])].filter((smiles) => other?.has(smiles)).length
  expect(shared).toBeGreaterThan(150)
  expect(shared).toBeLessThan(290)
})

describe('the shuffled order', () => {
  test.each([0, 1, 2, 3, 4, 5, 16, 17, 63, 1000, 4097])('of %i numbers has each once', (size) => {
    const order = [...permuted(size, runRandom(size, 0))]
    expect(order.toSorted((a, b) => a - b)).toEqual([...order.keys()])
    expect(order.length).toBe(size)
  })

  test('puts each number anywhere alike', () => {
    // Mean place of each of 20 numbers over 2,000 seeds: 9.5, with a standard error of 0.13.
    const places = Array.from({ length: 20 }, () => 0)
    for (let seed = 0; seed < 2000; seed += 1) {
      let place = 0
      for (const number of permuted(20, runRandom(seed, 1))) {
        places[number] = (places[number] ?? 0) + place
        place += 1
      }
    }
    for (const total of places) expect(Math.abs(total / 2000 - 9.5)).toBeLessThan(4 * 0.13)
  })
})
