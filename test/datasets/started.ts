// A data set's stream with its reader and what it settled.
import type { Format } from '../../src/datasets/dataset-type.ts'
import { type DatasetOptions, openDataset } from '../../src/datasets/open-dataset.ts'
import { request } from './read.ts'

/** Far more than a test reads. */
export const BIG = { runs: 10, max_reactions: 100_000, seed: 1 }

export function started(
  params: object,
  options: Partial<DatasetOptions> = {},
  format: Format = 'ndjson',
) {
  const settled: number[] = []
  const stream = openDataset(request(params), {
    format,
    fallbackSeed: 1,
    settle: async (reactions) => {
      settled.push(reactions)
    },
    ...options,
  })
  return { ...stream, settled, reader: stream.body.getReader() }
}

/** Lets everything that could go on without a read go on. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) await Promise.resolve()
}

export function lines(chunks: readonly (Uint8Array | undefined)[]): number {
  return chunks.flatMap((chunk) => [...(chunk ?? [])]).filter((byte) => byte === 10).length
}
