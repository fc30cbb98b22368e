// The chemistry of the scenarios: what goes in comes out, atom by atom.
import { describe, expect, test } from 'vitest'
import { parseEquation, type Term } from '../../src/datasets/reaction-network.ts'
import { networkOf, SCENARIOS, type Scenario } from '../../src/datasets/scenario.ts'
import { AVOGADRO, compileNetwork, rateConstant } from '../../src/datasets/trajectories/compile.ts'
import { LIMITS } from '../../src/datasets/trajectories/params.ts'
import { countsAt, runs } from './mass-action.ts'
import { mean } from './statistics.ts'

// IUPAC 2021, abridged, in g/mol.
const ATOMIC_MASS: Record<string, number> = { H: 1.008, C: 12.011, N: 14.007, O: 15.999, S: 32.06 }

function atoms(formula: string): Record<string, number> {
  const count: Record<string, number> = {}
  for (const [, element = '', number] of formula.matchAll(/([A-Z][a-z]?)(\d*)/g)) {
    count[element] = (count[element] ?? 0) + Number(number || 1)
  }
  return count
}

function total(terms: readonly Term[], weigh: (species: string) => number): number {
  return terms.reduce((sum, term) => sum + term.coefficient * weigh(term.species), 0)
}

describe.each(SCENARIOS)('%s', (scenario) => {
  const network = networkOf(scenario)
  const formulaOf = (species: string) => network.species[species]?.formula ?? ''
  const equations = network.reactions.map((reaction) => ({
    ...parseEquation(reaction.equation),
    id: reaction.id,
  }))

  test('every reaction keeps every element, and so the mass', () => {
    for (const { id, reactants, products } of equations) {
      for (const [element, mass] of Object.entries(ATOMIC_MASS)) {
        const of = (species: string) => mass * (atoms(formulaOf(species))[element] ?? 0)
        expect(total(reactants, of), `${id} ${element}`).toBeCloseTo(total(products, of), 9)
      }
      expect(total(reactants, (species) => formulaOf(species).length)).toBeGreaterThan(0)
    }
  })

  test('formulas know only elements with a mass', () => {
    for (const { formula } of Object.values(network.species)) {
      expect(formula).toMatch(/^([CHNOS]\d*)+$/)
    }
  })

  test('each species takes part, each reaction has its own id', () => {
    const taking = equations.flatMap(({ reactants, products }) =>
      [...reactants, ...products].map((term) => term.species),
    )
    expect(new Set(taking)).toEqual(new Set(Object.keys(network.species)))
    expect(new Set(equations.map(({ id }) => id)).size).toBe(equations.length)
  })

  test('rates are finite and positive over the whole range of temperatures', () => {
    for (const kelvin of [...LIMITS.pro.temperature_kelvin, 298.15]) {
      for (const { kinetics } of compileNetwork(network, kelvin).reactions) {
        expect(kinetics.constant).toBeGreaterThan(0)
        expect(kinetics.constant).toBeLessThan(1e12)
      }
    }
  })
})

test('the aminonitrile stands to the cyanohydrin as 21 L/mol x [NH3] at 25 C (Moutou 1995)', () => {
  const k = Object.fromEntries(
    networkOf('miller_urey').reactions.map((reaction) => [
      reaction.id,
      rateConstant(reaction, 298.15),
    ]),
  )
  const equilibrium = (forward: string, back: string) =>
    (k[forward] ?? Number.NaN) / (k[back] ?? Number.NaN)
  const water = (networkOf('miller_urey').species.H2O?.initial ?? 0) / (AVOGADRO * 1e-20)
  const ratio =
    (equilibrium('m6', 'm7') * equilibrium('m8', 'm9')) / equilibrium('m4', 'm5') / water
  expect(ratio).toBeGreaterThan(21 * 0.7)
  expect(ratio).toBeLessThan(21 * 1.4)
})

describe('what the networks say of themselves', () => {
  const HOUR = 3600

  /** The mean count of each species over some runs, at each of the moments. */
  function meansAt(scenario: Scenario, kelvin: number, seconds: readonly number[], seed: number) {
    const compiled = compileNetwork(networkOf(scenario), kelvin)
    const some = runs(compiled, 24, seed)
    return seconds.map((moment) => {
      const means = compiled.names.map((name) => [name, mean(countsAt(some, name, moment))])
      return Object.fromEntries(means) as Record<string, number>
    })
  }

  test('HCN is on its plateau within a day, while glycine goes on growing (Miller & Urey 1959)', () => {
    const [day, week] = meansAt('miller_urey', 298.15, [25 * HOUR, 125 * HOUR], 1)
    expect(day?.HCN).toBeGreaterThan(250)
    expect(Math.abs((week?.HCN ?? 0) / (day?.HCN ?? 0) - 1)).toBeLessThan(0.05)
    expect(day?.glycine).toBeGreaterThan(1)
    expect((week?.glycine ?? 0) / (day?.glycine ?? 0)).toBeGreaterThan(3)
  })

  test('over minerals formate comes first, then methanol, then C2 and C3 (Preiner 2020)', () => {
    const [at] = meansAt('alkaline_hydrothermal', 373.15, [16 * HOUR], 2)
    const { formic_acid, methanol, acetic_acid, thioacetic_acid, pyruvic_acid, methane } = at ?? {}
    const c2 = (acetic_acid ?? 0) + (thioacetic_acid ?? 0)
    const order = [formic_acid, methanol, c2, pyruvic_acid, methane].map(Number)
    expect(order).toEqual([...order].sort((a, b) => b - a))
    expect(order.at(-1)).toBeGreaterThan(0)
  })

  test('hot formamide gives adenine within 48 hours, cold formamide nothing in a month', () => {
    const [hot] = meansAt('formamide', 433, [48 * HOUR], 3)
    expect(hot?.adenine).toBeGreaterThan(100)
    const compiled = compileNetwork(networkOf('formamide'), 298.15)
    const [cold] = runs(compiled, 1, 4)
    while (cold?.fire(720 * HOUR));
    expect(cold?.fired).toBeLessThan(20)
  })
})

test('Arrhenius: a known constant and its temperature dependence', () => {
  const reaction = { prefactor: 1e13, activationEnergy: 100 }
  expect(rateConstant(reaction, 298.15)).toBeCloseTo(
    1e13 * Math.exp(-100_000 / (8.31446261815324 * 298.15)),
    15,
  )
  const slope = Math.log(rateConstant(reaction, 310) / rateConstant(reaction, 300))
  expect(slope).toBeCloseTo((100_000 / 8.31446261815324) * (1 / 300 - 1 / 310), 9)
})
