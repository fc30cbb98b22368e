// A data set as a stream that computes only what is read, and tells once how much that was.
import { createHash } from 'node:crypto'
import type { End, Piece, Writing } from './dataset-type.ts'
import { CHUNK_BYTES, FIRST_CHUNK_BYTES } from './row-bytes.ts'

export interface StreamOptions {
  /** What the last line tells beside the counts and the checksum. */
  end: Pick<End, 'seed' | 'algorithm' | 'sample'>
  /**
   * Called exactly once, when the data set ends, is cancelled or fails, with the reactions in the
   * chunks that the reader got, and whether those were all. The last line of the answer waits for it. If it
   * rejects, the stream errors: catch what the reader need not know.
   */
  settle: (reactionsFired: number, isWhole: boolean) => Promise<void>
  /**
   * The request's own signal. workerd does not cancel the stream of a client that stopped reading
   * and then left; with the flag `enable_request_signal` it aborts this.
   */
  signal?: AbortSignal
}

export interface SettledStream {
  body: ReadableStream<Uint8Array>
  /** Reactions in the chunks delivered so far. */
  spent: () => number
  /**
   * Ends as `settle` does. Give it to `waitUntil`: without it workerd drops the work of a client
   * that left before `settle` is called. Nothing is reported if nobody looks at it.
   */
  ended: Promise<void>
}

interface Chunk {
  readonly bytes: Uint8Array
  readonly rows: number
  readonly reactions: number
}

const CHUNKS_PER_TURN = 32

/** One chunk per pull, then the settlement, then the last line. Begins nothing: the first read does. */
export function settledStream(
  { pieces, closing }: Writing,
  { end, settle, signal }: StreamOptions,
): SettledStream {
  const chunks = chunksOf(pieces)
  const checksum = createHash('sha256')
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  let rows = 0
  let reactions = 0
  let sent = 0
  let stopped = false
  let settled = false

  function settleOnce(isWhole: boolean): Promise<void> {
    if (!settled) {
      settled = true
      // Inside an async function, so that a throw is a rejection too.
      ended.resolve((async () => settle(reactions, isWhole))())
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
      for (let next = chunks.next(); !next.done; next = chunks.next()) {
        const { bytes, ...chunk } = next.value
        if (bytes.length > 0) {
          // Before the bytes are the stream's, which may take them away.
          checksum.update(bytes)
          controller.enqueue(bytes)
          sent += 1
        }
        rows += chunk.rows
        reactions += chunk.reactions
        if (bytes.length > 0 && sent % CHUNKS_PER_TURN > 0) return
        // Until then neither a caller who leaves is heard of, nor anybody else's request: a reader that is fast enough
        // waits for nothing. A turn takes a millisecond, three chunks' time.
        await new Promise((resolve) => setTimeout(resolve))
        if (bytes.length > 0) return
        refuseIfStopped()
      }
    } catch (error) {
      await settleOnce(false)
      throw error
    }
    await settleOnce(true)
    refuseIfStopped()
    const { seed, algorithm, sample } = end
    const sha256 = checksum.digest('hex')
    const last = closing({ rows, reactions, seed, algorithm, sha256, ...(sample && { sample }) })
    controller.enqueue(new TextEncoder().encode(last))
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
  return { body, spent: () => reactions, ended: ended.promise }
}

/**
 * Encodes pieces as they come, a chunk at a time: nothing is computed before a chunk is asked for. A piece without text
 * ends the chunk that was begun, or gives one without bytes.
 */
function* chunksOf(pieces: Iterable<Piece>): Generator<Chunk> {
  const encoder = new TextEncoder()
  let pending = ''
  let rows = 0
  let reactions = 0
  let limit = FIRST_CHUNK_BYTES
  const chunk = (): Chunk => {
    const begun = { bytes: encoder.encode(pending), rows, reactions }
    pending = ''
    rows = 0
    reactions = 0
    return begun
  }
  for (const { text, utf8, ...counts } of pieces) {
    if (utf8) {
      if (pending !== '') yield chunk()
      yield { bytes: utf8, ...counts }
      continue
    }
    pending += text
    rows += counts.rows
    reactions += counts.reactions
    if (text !== '' && pending.length < limit) continue
    if (pending !== '') limit = CHUNK_BYTES
    yield chunk()
  }
  if (pending !== '' || reactions > 0) yield chunk()
}
