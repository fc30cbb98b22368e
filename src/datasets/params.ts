// What may be asked of POST /datasets/generate: the schema, its defaults and its limits.
import * as z from 'zod/mini'
import { nearestName } from './nearest-name.ts'

export const SCENARIOS = ['miller_urey', 'formamide', 'alkaline_hydrothermal'] as const
export const FORMATS = ['ndjson', 'json', 'csv'] as const

export type Scenario = (typeof SCENARIOS)[number]
export type Format = (typeof FORMATS)[number]

/** Hard limits of one request. `maxReserved` bounds runs x max_reactions. */
export const LIMITS = {
  runs: 1000,
  maxReactions: 100_000,
  maxReserved: 1_000_000,
  minKelvin: 250,
  maxKelvin: 700,
} as const

/** Like `z.strictObject`, but the error of an unknown key names it and the key it resembles. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      return issue.keys.map((key) => unknownKey(key, known)).join('; ')
    },
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const shown = JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key)
  const near = nearestName(key, known)
  if (near !== undefined) return `unknown key ${shown}: did you mean "${near}"?`
  return `unknown key ${shown}: known are ${known.join(', ')}`
}

/**
 * `params`, all optional. Defaults: 10 runs of up to 100 reactions each of `miller_urey` at 298.15 K,
 * which is about 1,000 rows. `max_reactions` is per run; a run ends earlier when nothing can react.
 * `seed` names the random numbers: the same request with the same seed gives the same bytes.
 */
export const trajectoryParams = strict({
  runs: z._default(z.int().check(z.minimum(1), z.maximum(LIMITS.runs)), 10),
  max_reactions: z._default(z.int().check(z.minimum(1), z.maximum(LIMITS.maxReactions)), 100),
  temperature_kelvin: z._default(
    z.number().check(z.minimum(LIMITS.minKelvin), z.maximum(LIMITS.maxKelvin)),
    298.15,
  ),
  seed: z.optional(z.int().check(z.minimum(0))),
  scenario: z._default(z.enum(SCENARIOS), 'miller_urey'),
}).check(
  z.refine((params) => params.runs * params.max_reactions <= LIMITS.maxReserved, {
    path: ['max_reactions'],
    error: `runs x max_reactions must not exceed ${LIMITS.maxReserved}`,
  }),
)

/** The body of POST /datasets/generate. Unknown keys are errors at both levels. */
export const datasetRequest = strict({
  dataset_type: z.literal('reaction_trajectories'),
  params: z.prefault(trajectoryParams, {}),
  format: z._default(z.enum(FORMATS), 'ndjson'),
})

export type TrajectoryParams = z.output<typeof trajectoryParams>
export type DatasetRequest = z.output<typeof datasetRequest>

/** The most reactions that the request may fire, and so the most units that it may cost. */
export function reactionsReserved(request: DatasetRequest): number {
  return request.params.runs * request.params.max_reactions
}
