// A request's body, read whole within a limit.
import { Problem } from './problem.ts'

/** What is read of a body that is too large, and dropped. */
const DRAINED_BYTES = 32 * 1024 * 1024

/**
 * The body's bytes, whatever Content-Length claims.
 * @throws Problem payload_too_large, or broken_body where its sender has left or its framing is wrong
 */
export async function bytesWithin(request: Request, limitBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get('Content-Length') ?? 0)
  if (declared > limitBytes) throw new Problem('payload_too_large')
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  // A body that is left half-read, or cancelled, ends the connection that it comes by: its sender may never hear the
  // answer, and `wrangler dev` does not outlive it. So the rest is taken too, up to a point.
  while (bytes <= DRAINED_BYTES) {
    const { done, value } = await reader.read().catch(broken)
    if (done) break
    bytes += value.byteLength
    if (bytes <= limitBytes) chunks.push(value)
  }
  reader.releaseLock()
  if (bytes > limitBytes) throw new Problem('payload_too_large')
  return Buffer.concat(chunks)
}

/** Not our failure: a chunk that has another length than it says, or a caller who hung up. */
function broken(): never {
  throw new Problem('broken_body')
}
