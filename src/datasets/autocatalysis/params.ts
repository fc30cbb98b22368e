// What may be asked of autocatalysis_network: parameters, defaults, limits, cost.
import * as z from 'zod/mini'
import type { Tier } from '../../plans.ts'
import { between, type Range } from '../dataset-type.ts'
import { networkOf, SCENARIOS } from '../scenario.ts'
import { strict } from '../strict.ts'
import type { ReactionSystem } from './catalytic-network.ts'
import { polymerReactions, polymerSystem } from './polymers.ts'
import { scenarioSystem } from './scenario-system.ts'

/** The most that any tier may ask for. */
const MOST = {
  alphabet_size: [2, 4],
  max_length: [3, 12],
  food_length: [1, 11],
  catalysis_level: [0, 10],
  max_reactions: [1, 200_000],
  irreducible_samples: [0, 100],
  max_cycles: [0, 1000],
  max_cycle_length: [1, 8],
} as const satisfies Record<string, Range>

export const LIMITS: Readonly<Record<Tier, Readonly<Record<string, Range>>>> = {
  hobby: { ...MOST, max_length: [3, 8], max_reactions: [1, 10_000], irreducible_samples: [0, 20] },
  research: {
    ...MOST,
    max_length: [3, 10],
    max_reactions: [1, 50_000],
    irreducible_samples: [0, 50],
  },
  pro: MOST,
}

const integer = (range: Range, value: number) => z._default(z.int().check(...between(range)), value)

/**
 * All optional. Default: the polymers of two letters up to length 6 with their 1,032 reactions. `alphabet_size`,
 * `max_length` and `food_length` are of `random` alone. A network of more than `max_reactions` is refused, not cut: a
 * part of it would have other autocatalytic sets.
 */
export const autocatalysisParams = strict({
  network: z._default(z.enum(['random', ...SCENARIOS]), 'random'),
  alphabet_size: integer(MOST.alphabet_size, 2),
  max_length: integer(MOST.max_length, 6),
  food_length: integer(MOST.food_length, 2),
  catalysis_level: z._default(z.number().check(...between(MOST.catalysis_level)), 2),
  max_reactions: integer(MOST.max_reactions, 10_000),
  irreducible_samples: integer(MOST.irreducible_samples, 10),
  max_cycles: integer(MOST.max_cycles, 100),
  max_cycle_length: integer(MOST.max_cycle_length, 4),
  seed: z.optional(z.int().check(z.minimum(0))),
}).check((context) => {
  const params = context.value
  const refuse = (field: keyof AutocatalysisParams, message: string) =>
    context.issues.push({ code: 'custom', path: [field], message, input: params[field] })
  if (params.network === 'random' && params.food_length >= params.max_length) {
    refuse('food_length', 'must be below max_length')
  }
  const needed = reserved(params)
  if (needed > params.max_reactions) {
    refuse(
      'max_reactions',
      `the network has ${needed} reactions: raise it, or ask for a smaller network`,
    )
  } else if (params.catalysis_level > catalysable(params)) {
    refuse('catalysis_level', `the network has ${catalysable(params)} reactions to catalyse`)
  }
})

export type AutocatalysisParams = z.output<typeof autocatalysisParams>
export type SeededParams = AutocatalysisParams & { seed: number }

/** The reactions of the network: no fewer and no more are built. */
export function reserved({ network, alphabet_size, max_length }: AutocatalysisParams): number {
  if (network === 'random') return polymerReactions(alphabet_size, max_length)
  return networkOf(network).reactions.length
}

export function systemOf(params: AutocatalysisParams): ReactionSystem {
  if (params.network !== 'random') return scenarioSystem(networkOf(params.network))
  return polymerSystem({
    letters: params.alphabet_size,
    maxLength: params.max_length,
    foodLength: params.food_length,
  })
}

/** Reactions with both directions of a reversible one counted as one. */
function catalysable(params: AutocatalysisParams): number {
  if (params.network === 'random') return reserved(params) / 2
  const { reactions, reverse } = systemOf(params)
  return reactions - reverse.filter((other) => other >= 0).length / 2
}
