// What may be asked of reaction_trajectories: the schema, its defaults and its limits.
import * as z from 'zod/mini'
import { between, type DatasetType } from '../dataset-type.ts'
import { SCENARIOS, type Scenario } from '../scenario.ts'
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

/** Kelvin of the experiments that each scenario is after, where nothing else is asked for: see their networks. */
export const DEFAULT_KELVIN: Readonly<Record<Scenario, number>> = {
  miller_urey: 298.15,
  formamide: 433.15,
  alkaline_hydrothermal: 373.15,
}

const asked = strict({
  runs: z._default(z.int().check(...between(most.runs)), 10),
  max_reactions: z._default(z.int().check(...between(most.max_reactions)), 100),
  temperature_kelvin: z.optional(z.number().check(...between(most.temperature_kelvin))),
  max_time_seconds: z.optional(z.number().check(z.positive(), z.maximum(MOST_SECONDS))),
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
    temperature_kelvin: params.temperature_kelvin ?? DEFAULT_KELVIN[params.scenario],
  })),
)

export type TrajectoryParams = z.output<typeof trajectoryParams>

/** The parameters with their seed settled. */
export type SeededParams = TrajectoryParams & { seed: number }

export function reserved(params: { runs: number; max_reactions: number }): number {
  return params.runs * params.max_reactions
}
