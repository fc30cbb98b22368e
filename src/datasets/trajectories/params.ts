// What may be asked of reaction_trajectories: the schema, its defaults and its limits.
import * as z from 'zod/mini'
import { between, type DatasetType } from '../dataset-type.ts'
import { SCENARIOS } from '../scenario.ts'
import { strict } from '../strict.ts'

/** The most that one answer may fire: runs x max_reactions. */
const MOST_REACTIONS = 1_000_000
/** Seconds in a simulated run: some 30,000 years. */
const MOST_SECONDS = 1e12

export const LIMITS = {
  hobby: {
    runs: [1, 100],
    max_reactions: [1, 10_000],
    temperature_kelvin: [270, 500],
    max_time_seconds: [0, 1e9],
  },
  research: {
    runs: [1, 500],
    max_reactions: [1, 50_000],
    temperature_kelvin: [250, 600],
    max_time_seconds: [0, MOST_SECONDS],
  },
  pro: {
    runs: [1, 1_000],
    max_reactions: [1, 100_000],
    temperature_kelvin: [250, 700],
    max_time_seconds: [0, MOST_SECONDS],
  },
} as const satisfies DatasetType['limits']

const most = LIMITS.pro

/**
 * All optional. Defaults: 10 runs of up to 100 reactions each of `miller_urey` at 298.15 K, which is about 1,000
 * rows. `max_reactions` is per run; a run ends earlier when nothing can react, or at `max_time_seconds` of its own
 * time. `seed` names the random numbers: the same request with the same seed gives the same bytes.
 */
export const trajectoryParams = strict({
  runs: z._default(z.int().check(...between(most.runs)), 10),
  max_reactions: z._default(z.int().check(...between(most.max_reactions)), 100),
  temperature_kelvin: z._default(z.number().check(...between(most.temperature_kelvin)), 298.15),
  max_time_seconds: z.optional(z.number().check(z.positive(), z.maximum(MOST_SECONDS))),
  seed: z.optional(z.int().check(z.minimum(0))),
  scenario: z._default(z.enum(SCENARIOS), 'miller_urey'),
}).check(
  z.refine((params) => reserved(params) <= MOST_REACTIONS, {
    path: ['max_reactions'],
    error: `runs x max_reactions must not exceed ${MOST_REACTIONS}`,
  }),
)

export type TrajectoryParams = z.output<typeof trajectoryParams>

/** The parameters with their seed settled. */
export type SeededParams = TrajectoryParams & { seed: number }

export function reserved(params: { runs: number; max_reactions: number }): number {
  return params.runs * params.max_reactions
}
