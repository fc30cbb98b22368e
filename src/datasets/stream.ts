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
   * chunks that the reader got, and whether those were all. The last line of the answer (CSV: its end) waits for it. If it
   * rejects, the stream errors: catch what the reader need not know.
   */
  settle: (reactionsFired: number, isWhole: boolean) => Promise<void>
  /** After each chunk, with the reactions delivered so far. */
  onProgress?: (reactionsFired: number) => void
  /**
   * The request's own signal. workerd does not cancel the stream of a client that stopped reading
   * and then left; with the flag `enable_request_signal` it aborts this.
   */
  signal?: AbortSignal
  /** Says in the answer that it is a sample. */
  isSample?: boolean
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
  /**
   * Ends as `settle` does. Give it to `waitUntil`: without it workerd drops the work of a client
   * that left before `settle` is called. Nothing is reported if nobody looks at it.
   */
  ended: Promise<void>
}

/** Begins nothing: the first reaction fires at the first read. */
export function datasetStream(request: DatasetRequest, options: DatasetOptions): DatasetStream {
  const params = seeded(request.params, options.fallbackSeed)
  const network = networkOf(params.scenario)
  const note = options.isSample ? { sample: true } : {}
  const text = tableText(request.format, reactionCells(network, params), {
    head: { ...note, dataset_type: request.dataset_type, params },
    end: (rows) => ({ ...note, rows, reactions: rows, seed: params.seed, algorithm: ALGORITHM }),
  })
  const chunks = encodeRows(trajectories(network, params), text)
  const { body, ...rest } = settledStream(chunks, text.tail, options)
  return {
    body,
    contentType: CONTENT_TYPES[request.format],
    filename: `${request.dataset_type}-${options.isSample ? 'sample' : `${params.scenario}-${params.seed}`}.${request.format}`,
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
  { settle, onProgress, signal }: DatasetOptions,
): Pick<DatasetStream, 'body' | 'spent' | 'ended'> {
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  let fired = 0
  let stopped = false
  let settled = false

  function settleOnce(isWhole: boolean): Promise<void> {
    if (!settled) {
      settled = true
      // Inside an async function, so that a throw is a rejection too.
      ended.resolve((async () => settle(fired, isWhole))())
    }
    return ended.promise
  }

  function stop(): Promise<void> {
    stopped = true
    chunks.return(undefined)
    return settleOnce(false)
  }

  /** A stream that the signal stopped must error, not close: a cut answer must not look whole. */
  function refuseIfStopped(): void {
    if (stopped) throw new Error('The data set was stopped before its end')
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      refuseIfStopped()
      const next = chunks.next()
      if (!next.done) {
        controller.enqueue(next.value.bytes)
        fired += next.value.rows
        onProgress?.(fired)
        return
      }
    } catch (error) {
      await settleOnce(false)
      throw error
    }
    await settleOnce(true)
    refuseIfStopped()
    const last = tail(fired)
    if (last !== '') controller.enqueue(new TextEncoder().encode(last))
    controller.close()
  }

  // What becomes of it is told by `ended`; workerd warns of listeners that return promises.
  const abandon = (): void => {
    stop()
  }
  if (signal?.aborted) abandon()
  signal?.addEventListener('abort', abandon, { once: true })
  // No queue: a chunk is made only for a read that waits, so what is made is what is delivered.
  const body = new ReadableStream<Uint8Array>({ pull, cancel: stop }, { highWaterMark: 0 })
  return { body, spent: () => fired, ended: ended.promise }
}
