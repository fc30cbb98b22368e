// What may be asked of reaction_trajectories: the schema, its defaults and its limits.
import * as z from 'zod/mini'
import { between, type DatasetType } from '../dataset-type.ts'
import { networkOf, SCENARIOS } from '../scenario.ts'
import { strict } from '../strict.ts'

/** The most that one answer may fire: runs x max_reactions. */
const MOST_REACTIONS = 1_000_000
/** Of a simulated run, up to some 30,000 years, for all plans alike: what costs is reactions. */
const SECONDS = [1e-9, 1e12] as const

export const LIMITS = {
  hobby: {
    runs: [1, 100],
    max_reactions: [1, 10_000],
    temperature_kelvin: [270, 500],
    max_time_seconds: SECONDS,
  },
  research: {
    runs: [1, 500],
    max_reactions: [1, 50_000],
    temperature_kelvin: [250, 600],
    max_time_seconds: SECONDS,
  },
  pro: {
    runs: [1, 1_000],
    max_reactions: [1, 100_000],
    temperature_kelvin: [250, 700],
    max_time_seconds: SECONDS,
  },
} as const satisfies DatasetType['limits']

const most = LIMITS.pro

const asked = strict({
  runs: z._default(z.int().check(...between(most.runs)), 10),
  max_reactions: z._default(z.int().check(...between(most.max_reactions)), 100),
  temperature_kelvin: z.optional(z.number().check(...between(most.temperature_kelvin))),
  max_time_seconds: z._default(z.number().check(...between(SECONDS)), SECONDS[1]),
  seed: z.optional(z.int().check(z.minimum(0))),
  scenario: z._default(z.enum(SCENARIOS), 'miller_urey'),
}).check(
  z.refine((params) => reserved(params) <= MOST_REACTIONS, {
    path: ['max_reactions'],
    error: `runs x max_reactions must not exceed ${MOST_REACTIONS}`,
  }),
)

/**
 * All optional. Defaults: 10 runs of up to 100 reactions each of `miller_urey`, which is about 1,000 rows, at the
 * scenario's own temperature. `max_reactions` is per run; a run ends earlier when nothing can react, or at
 * `max_time_seconds` of its own time. `seed` names the random numbers: the same request with the same seed gives the
 * same bytes.
 */
export const trajectoryParams = z.pipe(
  asked,
  z.transform((params: z.output<typeof asked>) => ({
    ...params,
    temperature_kelvin: params.temperature_kelvin ?? networkOf(params.scenario).kelvin,
  })),
)

export type TrajectoryParams = z.output<typeof trajectoryParams>

/** The parameters with their seed settled. */
export type SeededParams = TrajectoryParams & { seed: number }

export function reserved(params: { runs: number; max_reactions: number }): number {
  return params.runs * params.max_reactions
}
