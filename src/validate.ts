// A request's JSON body, read within a limit and checked by a schema, or a Problem that says what is wrong.
import type { Context } from 'hono'
import type * as z from 'zod/mini'
import { bytesWithin } from './body.ts'
import { Problem } from './problem.ts'
import './zod-messages.ts'

/** Bytes that a JSON body may have: each of ours fits many times over. */
export const JSON_LIMIT_BYTES = 64 * 1024

/** RFC 9110, 8.3.1. Of parameters only the charset, and that only UTF-8: JSON has no other (RFC 8259, 8.1). */
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset=("utf-8"|utf-8)[ \t]*)?$/i

/**
 * The body as `schema` shapes it.
 * @throws Problem unsupported_media_type, payload_too_large, malformed_json or invalid_request
 */
export async function validJson<Schema extends z.ZodMiniType>(
  c: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  requireJson(c)
  const text = await textWithin(c.req.raw, JSON_LIMIT_BYTES, 'malformed_json')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Problem('malformed_json')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map(({ path, message }) => ({ path, message })))
  }
  if (UNSTORABLE_ESCAPE.test(text)) requireStorable(parsed.data, [])
  return parsed.data
}

/** @throws Problem unsupported_media_type, with what would be supported (RFC 9110, 15.5.16) */
export function requireJson(c: Context): void {
  const accepted = { Accept: 'application/json' }
  if (!JSON_TYPE.test(c.req.header('Content-Type') ?? '')) {
    throw new Problem('unsupported_media_type', { headers: accepted })
  }
  const coding = c.req.header('Content-Encoding')
  if (coding === undefined || /^identity$/i.test(coding)) return
  // A kilobyte that unpacks to gigabytes is nothing that anybody needs to send here.
  throw new Problem('unsupported_media_type', {
    detail: 'Send the body as it is, without a Content-Encoding.',
    headers: { ...accepted, 'Accept-Encoding': 'identity' },
  })
}

function invalid(issues: { path: readonly PropertyKey[]; message: string }[]): Problem {
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return new Problem('invalid_request', { members: { errors } })
}

/** How JSON writes U+0000, which Postgres has no text for, and a half of a character (a lone surrogate), which UTF-8 has none for. */
const UNSTORABLE_ESCAPE = /\\u(0000|d[89a-f])/i

/** @throws Problem invalid_request where a text, however deep, can be stored nowhere */
function requireStorable(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
    throw invalid([{ path, message: 'must not contain U+0000 or half a character' }])
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) requireStorable(inner, [...path, name])
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
