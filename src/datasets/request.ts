// What may be asked of POST /datasets/generate and /datasets/estimate.
import * as z from 'zod/mini'
import { TIERS, type Tier } from '../plans.ts'
import { DATASET_TYPES, type DatasetTypeName, datasetTypeOf } from './catalogue.ts'
import type { Format } from './dataset-type.ts'
import { nearestName } from './nearest-name.ts'
import { strict } from './strict.ts'

/** A request that its type's schema has checked: defaults are filled in. */
export interface DatasetRequest {
  dataset_type: DatasetTypeName
  params: object & { seed?: number }
  /** Where the body names one. */
  format?: Format | undefined
}

/** Unknown keys are errors at both levels. */
export const datasetRequest: z.ZodMiniType<DatasetRequest> = z.discriminatedUnion(
  'dataset_type',
  // At least one: the tuple that zod asks for.
  DATASET_TYPES.map(requestOf) as [ReturnType<typeof requestOf>],
  { error: ({ code, input }) => (code === 'invalid_union' ? unknownType(input) : undefined) },
)

function requestOf(name: DatasetTypeName) {
  const { params, formats } = datasetTypeOf(name)
  return strict({
    dataset_type: z.literal(name),
    params: z.prefault(params, {}),
    format: z.optional(z.enum(formats)),
  })
}

function unknownType(input: unknown): string {
  const given = (input as { dataset_type?: unknown }).dataset_type
  const near = typeof given === 'string' ? nearestName(given, DATASET_TYPES) : undefined
  return near ? `did you mean "${near}"?` : `must be one of ${DATASET_TYPES.join(', ')}`
}

/** The most reactions that the request may fire, and so the most units that it may cost. */
export function reactionsReserved({ dataset_type, params }: DatasetRequest): number {
  return datasetTypeOf(dataset_type).reserved(params)
}

/** A parameter that a tier does not allow: where it is, and which tiers allow what. */
export interface Excess {
  path: string
  message: string
}

export function excessesOf({ dataset_type, params }: DatasetRequest, tier: Tier): Excess[] {
  const { limits } = datasetTypeOf(dataset_type)
  const values = params as Readonly<Record<string, unknown>>
  return Object.entries(limits[tier]).flatMap(([name, [least, most]]) => {
    const value = values[name]
    if (typeof value !== 'number' || (value >= least && value <= most)) return []
    const allowed = TIERS.map((each) => `${each} ${limits[each][name]?.join(' to ')}`)
    return [{ path: `params.${name}`, message: `not in the plan ${tier}: ${allowed.join(', ')}` }]
  })
}

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  csv: 'text/csv; charset=utf-8; header=present',
  graphml: 'application/graphml+xml',
}
