// What may be asked of `novel_molecules`: the schema, its defaults, and its limits by tier.
import * as z from 'zod/mini'
import type { Tier } from '../../plans.ts'
import { between, type Range } from '../dataset-type.ts'
import { SCENARIOS } from '../scenario.ts'
import { strict } from '../strict.ts'

const RESEARCH = { generations: [1, 12], max_heavy_atoms: [2, 24] } as const

/** Pairs to look at grow with the square of max_molecules: 5,000 of 9 heavy atoms at the vent took 20 s of CPU. */
export const MOLECULE_LIMITS: Readonly<Record<Tier, Readonly<Record<string, Range>>>> = {
  hobby: {
    max_molecules: [1, 1000],
    max_reactions: [1, 5000],
    generations: [1, 8],
    max_heavy_atoms: [2, 16],
  },
  research: { max_molecules: [1, 2000], max_reactions: [1, 20_000], ...RESEARCH },
  pro: { max_molecules: [1, 3000], max_reactions: [1, 100_000], ...RESEARCH },
}

const limited = (name: string, preset: number) => {
  const [least, most] = MOLECULE_LIMITS.pro[name] ?? [0, 0]
  return z._default(z.int().check(...between([least, most])), preset)
}

/**
 * All optional. `max_molecules` counts those beside the food set; whichever limit comes first ends the
 * expansion. The defaults give some hundreds of molecules.
 */
export const moleculeParams = strict({
  scenario: z._default(z.enum(SCENARIOS), 'miller_urey'),
  max_molecules: limited('max_molecules', 500),
  max_reactions: limited('max_reactions', 2000),
  generations: limited('generations', 6),
  max_heavy_atoms: limited('max_heavy_atoms', 10),
  seed: z.optional(z.int().check(z.minimum(0))),
})

export type MoleculeParams = z.output<typeof moleculeParams>
