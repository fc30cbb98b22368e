// A data set as a stream that simulates only what is read, and tells once how much that was.
import { type Chunk, CONTENT_TYPES, encodeRows, tableText } from './encode.ts'
import { ALGORITHM } from './gillespie.ts'
import { networkOf } from './networks.ts'
import type { DatasetRequest, TrajectoryParams } from './params.ts'
import { reactionCells, type SeededParams, trajectories } from './trajectories.ts'

export interface DatasetOptions {
  /** The seed of a request that names none: an integer, 0 .. 2^53-1 (see `seedFrom`). */
  fallbackSeed: number
  /**
   * Called exactly once, when the data set ends, is cancelled or fails, with the reactions in the
   * chunks that the reader got. The last line of the answer (CSV: its end) waits for it. If it
   * rejects, the stream errors: catch what the reader need not know.
   */
  settle: (reactionsFired: number) => Promise<void>
  /** After each chunk, with the reactions delivered so far. */
  onProgress?: (reactionsFired: number) => void
}

export interface DatasetStream {
  body: ReadableStream<Uint8Array>
  contentType: string
  filename: string
  /** The seed used and the algorithm's versioned name: with the request they name the bytes. */
  seed: number
  algorithm: string
  /** Reactions in the chunks delivered so far. */
  spent: () => number
  /** Resolves once `settle` has ended, well or badly: for `waitUntil`. */
  ended: Promise<void>
  /** Ends the work and settles, if that is still to be done: for a reader that left unseen. */
  stop: () => Promise<void>
}

/** Begins nothing: the first reaction fires at the first read. */
export function datasetStream(request: DatasetRequest, options: DatasetOptions): DatasetStream {
  const params = seeded(request.params, options.fallbackSeed)
  const network = networkOf(params.scenario)
  const text = tableText(request.format, reactionCells(network, params), {
    head: { dataset_type: request.dataset_type, params },
    end: (rows) => ({ rows, reactions: rows, seed: params.seed, algorithm: ALGORITHM }),
  })
  const chunks = encodeRows(trajectories(network, params), text)
  const { body, ...rest } = settledStream(chunks, text.tail, options)
  return {
    body,
    contentType: CONTENT_TYPES[request.format],
    filename: `${request.dataset_type}-${params.scenario}-${params.seed}.${request.format}`,
    seed: params.seed,
    algorithm: ALGORITHM,
    ...rest,
  }
}

/** In the schema's order whoever named the seed: JSON shows them, and its bytes must be the same. */
function seeded(params: TrajectoryParams, fallbackSeed: number): SeededParams {
  const { runs, max_reactions, temperature_kelvin, seed = fallbackSeed, scenario } = params
  return { runs, max_reactions, temperature_kelvin, seed, scenario }
}

/** The chunks as a stream: one per pull, then the settlement, then the tail. */
function settledStream(
  chunks: Generator<Chunk>,
  tail: (rows: number) => string,
  { settle, onProgress }: DatasetOptions,
): Pick<DatasetStream, 'body' | 'spent' | 'ended' | 'stop'> {
  const ended = Promise.withResolvers<void>()
  let fired = 0
  let stopped = false
  let settlement: Promise<void> | undefined

  function settleOnce(): Promise<void> {
    // Inside an async function, so that a throw is a rejection too.
    settlement ??= (async () => settle(fired))().finally(ended.resolve)
    return settlement
  }

  async function stop(): Promise<void> {
    stopped = true
    chunks.return(undefined)
    await settleOnce()
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (stopped) throw new Error('The data set was stopped before its end')
    try {
      const next = chunks.next()
      if (!next.done) {
        controller.enqueue(next.value.bytes)
        fired += next.value.rows
        onProgress?.(fired)
        return
      }
    } catch (error) {
      await settleOnce()
      throw error
    }
    await settleOnce()
    if (stopped) return
    const last = tail(fired)
    if (last !== '') controller.enqueue(new TextEncoder().encode(last))
    controller.close()
  }

  // No queue: a chunk is made only for a read that waits, so what is made is what is delivered.
  const body = new ReadableStream<Uint8Array>({ pull, cancel: stop }, { highWaterMark: 0 })
  return { body, spent: () => fired, ended: ended.promise, stop }
}
