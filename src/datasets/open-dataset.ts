// A request's data set, from its parameters to the stream and what the answer's headers say of it.
import { datasetTypeOf } from './catalogue.ts'
import type { Format } from './dataset-type.ts'
import { CONTENT_TYPES, type DatasetRequest } from './request.ts'
import { type SettledStream, type StreamOptions, settledStream } from './stream.ts'

export interface DatasetOptions extends Omit<StreamOptions, 'end'> {
  format: Format
  /** The seed of a request that names none: an integer, 0 .. 2^53-1 (see `seedFrom`). */
  fallbackSeed: number
  /** Answers with the type's sample instead, and says so. */
  isSample?: boolean
}

export interface Dataset extends SettledStream {
  contentType: string
  filename: string
  /** The seed used and the algorithm's versioned name: with the request they name the bytes. */
  seed: number
  algorithm: string
}

/** Begins nothing: the first reaction fires at the first read. */
export function openDataset(
  { dataset_type, params: asked }: DatasetRequest,
  { format, fallbackSeed, isSample = false, ...options }: DatasetOptions,
): Dataset {
  const type = datasetTypeOf(dataset_type)
  const { algorithm } = type
  const params = isSample ? type.sample : { ...asked, seed: asked.seed ?? fallbackSeed }
  const { seed } = params
  const name = isSample ? 'sample' : `${type.fileName(params)}-${seed}`
  return {
    ...settledStream(type.write(params, format, isSample), {
      end: { seed, algorithm, ...(isSample && { sample: true }) },
      ...options,
    }),
    contentType: CONTENT_TYPES[format],
    filename: `${dataset_type}-${name}.${format}`,
    seed,
    algorithm,
  }
}
