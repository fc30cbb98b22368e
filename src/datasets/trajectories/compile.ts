// From a network and a temperature to what the simulation needs: stochastic rate constants and
// who changes whom. Gillespie (1976), J. Comput. Phys. 22:403-434, relates the two kinds of constant.
import { exp } from '../portable-math.ts'
import { type Network, parseEquation, type Reaction, type Term } from '../reaction-network.ts'

/** J mol^-1 K^-1 and mol^-1, exact since the SI of 2019. */
export const GAS_CONSTANT = 8.31446261815324
export const AVOGADRO = 6.02214076e23

/** How a reaction's propensity follows from molecule counts; `constant` is its c, in s^-1. */
export type Kinetics =
  | { readonly order: 0; readonly constant: number }
  | { readonly order: 1; readonly constant: number; readonly first: number }
  | {
      readonly order: 2
      readonly constant: number
      readonly first: number
      readonly second: number
    }

export interface CompiledReaction {
  readonly kinetics: Kinetics
  /** Net change of each species that the reaction changes: [species' index, molecules]. */
  readonly changes: readonly (readonly [number, number])[]
  /** Indices of the reactions whose propensity it changes. */
  readonly affects: readonly number[]
}

export interface CompiledNetwork {
  readonly names: readonly string[]
  readonly initial: readonly number[]
  readonly reactions: readonly CompiledReaction[]
}

/** @throws Error when an equation names an unknown species or has an order above 2. */
export function compileNetwork(network: Network, temperatureKelvin: number): CompiledNetwork {
  const names = Object.keys(network.species)
  const parts = network.reactions.map((reaction) => {
    const equation = parseEquation(reaction.equation)
    const k = rateConstant(reaction, temperatureKelvin)
    return {
      reactants: expand(equation.reactants, names),
      kinetics: kineticsOf(expand(equation.reactants, names), k, network.volumeLitres, reaction.id),
      changes: netChanges(expand(equation.reactants, names), expand(equation.products, names)),
    }
  })
  const reactions = parts.map(({ kinetics, changes }) => {
    const changed = new Set(changes.map(([species]) => species))
    const affects = parts.flatMap(({ reactants }, index) =>
      reactants.some((species) => changed.has(species)) ? [index] : [],
    )
    return { kinetics, changes, affects }
  })
  return { names, initial: Object.values(network.species).map((each) => each.initial), reactions }
}

/** Arrhenius: k = A exp(-E_a / RT), in the units of the prefactor. */
export function rateConstant(
  reaction: Pick<Reaction, 'prefactor' | 'activationEnergy'>,
  temperatureKelvin: number,
): number {
  const exponent = (-1000 * reaction.activationEnergy) / (GAS_CONSTANT * temperatureKelvin)
  return reaction.prefactor * exp(exponent)
}

/**
 * The stochastic constant c of a macroscopic k in a volume V, with N = Avogadro's number x V:
 * k N, k, k / N and, for 2 A, 2k / N, because n(n-1)/2 pairs can meet where the rate law says k [A]^2.
 */
function kineticsOf(reactants: readonly number[], k: number, litres: number, id: string): Kinetics {
  const perMolar = AVOGADRO * litres
  const [first, second, ...more] = reactants
  if (more.length > 0) throw new Error(`Reaction ${id} has an order above 2`)
  if (first === undefined) return { order: 0, constant: k * perMolar }
  if (second === undefined) return { order: 1, constant: k, first }
  if (first === second) return { order: 2, constant: (2 * k) / perMolar, first, second }
  return { order: 2, constant: k / perMolar, first, second }
}

/** `2 A + B` as the indices of A, A, B. */
function expand(terms: readonly Term[], names: readonly string[]): number[] {
  return terms.flatMap(({ species, coefficient }) => {
    const index = names.indexOf(species)
    if (index < 0) throw new Error(`Unknown species ${species}`)
    return Array.from({ length: coefficient }, () => index)
  })
}

function netChanges(reactants: readonly number[], products: readonly number[]) {
  const changes = new Map<number, number>()
  for (const species of reactants) changes.set(species, (changes.get(species) ?? 0) - 1)
  for (const species of products) changes.set(species, (changes.get(species) ?? 0) + 1)
  return [...changes].filter(([, change]) => change !== 0)
}
