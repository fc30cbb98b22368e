// A request's JSON body, read within a limit and checked by a schema, or a Problem that says what is wrong.
import type { Context } from 'hono'
import type * as z from 'zod/mini'
import { bytesWithin } from './body.ts'
import { Problem } from './problem.ts'
import './zod-messages.ts'

/** Bytes that a JSON body may have: each of ours fits many times over. */
export const JSON_LIMIT_BYTES = 64 * 1024

const MEDIA_TYPE = /^application\/json\s*(;|$)/i

/**
 * The body as `schema` shapes it.
 * @throws Problem unsupported_media_type, payload_too_large, malformed_json or invalid_request
 */
export async function validJson<Schema extends z.ZodMiniType>(
  c: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (!MEDIA_TYPE.test(c.req.header('Content-Type') ?? ''))
    throw new Problem('unsupported_media_type')
  const text = await textWithin(c.req.raw, JSON_LIMIT_BYTES, 'malformed_json')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Problem('malformed_json')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map((issue) => ({
    path: issue.path.join('.'),
    message: issue.message,
  }))
  throw new Problem('invalid_request', { members: { errors } })
}

/**
 * The body as text, byte for byte (a signature may cover it).
 * @throws Problem payload_too_large, or `malformed` when it is not UTF-8
 */
export async function textWithin(
  request: Request,
  limitBytes: number,
  malformed: 'malformed_json' | 'malformed_event',
): Promise<string> {
  const bytes = await bytesWithin(request, limitBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Problem(malformed)
  }
}
