// Networks for proofs: made of rates, spoilt on purpose, run many times, and solved as differential equations.

import { runRandom } from '../../src/datasets/random.ts'
import {
  AVOGADRO,
  type CompiledNetwork,
  type CompiledReaction,
  compileNetwork,
} from '../../src/datasets/trajectories/compile.ts'
import { type Run, simulateRun } from '../../src/datasets/trajectories/gillespie.ts'

/** Rates as given at any temperature; in `perMolar` molecules a mol/L, so 1 makes k = c. */
export function network(
  initial: Record<string, number>,
  rates: Record<string, number>,
  perMolar = 1,
): CompiledNetwork {
  const species = Object.entries(initial).map(([name, count]) => [
    name,
    { formula: 'H', initial: count },
  ])
  return compileNetwork(
    {
      kelvin: 298.15,
      meantForKelvin: [250, 700],
      sources: [],
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

/** The same network with its reaction number `index` made wrong. */
export function spoilt(
  compiled: CompiledNetwork,
  index: number,
  spoil: (reaction: CompiledReaction) => Partial<CompiledReaction>,
): CompiledNetwork {
  const reactions = compiled.reactions.map((reaction, i) =>
    i === index ? { ...reaction, ...spoil(reaction) } : reaction,
  )
  return { ...compiled, reactions }
}

/** A reaction whose constant is wrong by a factor. */
export function faster(factor: number) {
  return ({ kinetics }: CompiledReaction): Partial<CompiledReaction> => ({
    kinetics: { ...kinetics, constant: kinetics.constant * factor },
  })
}

/**
 * The same network with pairs of one kind counted as n n / 2: a twin that always has as many
 * molecules as `species` takes the place of the second reactant.
 */
export function meetingItself(compiled: CompiledNetwork, species: string): CompiledNetwork {
  const index = compiled.names.indexOf(species)
  const twin = compiled.names.length
  const reactions = compiled.reactions.map(({ kinetics, changes, affects }) => ({
    kinetics:
      kinetics.order === 2 && kinetics.first === index && kinetics.second === index
        ? { ...kinetics, constant: kinetics.constant / 2, second: twin }
        : kinetics,
    changes: changes.flatMap(([changed, by]) =>
      changed === index
        ? ([[changed, by] as const, [twin, by] as const] as const)
        : [[changed, by] as const],
    ),
    affects,
  }))
  return {
    names: [...compiled.names, `${species}'`],
    initial: [...compiled.initial, compiled.initial[index] ?? 0],
    reactions,
  }
}

export function runs(compiled: CompiledNetwork, number: number, seed: number): Run[] {
  return Array.from({ length: number }, (_, run) => simulateRun(compiled, runRandom(seed, run)))
}

/** The counts of a species at a moment: those between the last reaction before it and the next. */
export function countsAt(some: readonly Run[], species: string, seconds: number): number[] {
  return some.map((run) => {
    while (run.fire(seconds));
    return run.count(species)
  })
}

/** y at `seconds` by the classical method of Runge and Kutta, of fourth order. */
export function solve(
  slopes: (y: readonly number[]) => number[],
  initial: readonly number[],
  seconds: number,
  steps = 2000,
): number[] {
  const h = seconds / steps
  const along = (y: readonly number[], slope: readonly number[], by: number) =>
    y.map((each, i) => each + by * (slope[i] ?? Number.NaN))
  let y = [...initial]
  for (let step = 0; step < steps; step += 1) {
    const k1 = slopes(y)
    const k2 = slopes(along(y, k1, h / 2))
    const k3 = slopes(along(y, k2, h / 2))
    const k4 = slopes(along(y, k3, h))
    y = along(along(along(along(y, k1, h / 6), k2, h / 3), k3, h / 3), k4, h / 6)
  }
  return y
}
