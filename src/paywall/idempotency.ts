// Idempotency-Key on a paid call: the same request under the same key is charged once in 24 hours.
// draft-ietf-httpapi-idempotency-key-header-07.
import { createHash } from 'node:crypto'
import { bytesWithin } from '../body.ts'
import type { AppContext, Repetition } from '../context.ts'
import { Problem } from '../problem.ts'

/** A body that is compared with an earlier one is read whole: up to this size. */
const BODY_LIMIT_BYTES = 1024 * 1024
const KEY = /^[\x20-\x7e]{1,255}$/

/**
 * The call's idempotency key, or null where it has none. Reads the body, and puts it back.
 * @throws Problem invalid_request, payload_too_large
 */
export async function repetitionOf(c: AppContext, userId: string): Promise<Repetition | null> {
  const key = c.req.header('Idempotency-Key')
  if (key === undefined) return null
  if (!KEY.test(key)) {
    const message = 'must have 1 to 255 printable ASCII characters'
    throw new Problem('invalid_request', {
      members: { errors: [{ path: 'Idempotency-Key', message }] },
    })
  }
  const body = await bodyOf(c)
  const { pathname, search } = new URL(c.req.url)
  const name = createHash('sha256').update(`${userId}\n${key}`).digest()
  const fingerprint = createHash('sha256')
    .update(`${c.req.method} ${pathname}${search}\n`)
    .update(body)
    .digest('hex')
    .slice(0, 40)
  const hex = name.toString('hex').slice(0, 40)
  return {
    redisKey: `tollgate:idempotency:2:${hex}`,
    fingerprint,
    loanId: `once-${hex}-${fingerprint.slice(0, 16)}`,
    seedBytes: name.subarray(20),
  }
}

async function bodyOf(c: AppContext): Promise<Uint8Array> {
  const { raw } = c.req
  const body = await bytesWithin(raw, BODY_LIMIT_BYTES)
  if (raw.body === null) return body
  c.req.raw = new Request(raw.url, {
    method: raw.method,
    headers: raw.headers,
    body,
    signal: raw.signal,
  })
  return body
}
