// Reads commands out of requests: JSON in the body, or the path with the body and the query after it.
import type { RedisArgument } from '../redis/client.ts'

export interface CommandLine {
  name: string
  args: RedisArgument[]
}

/** A request that holds no command; the message is Upstash's. */
export class MalformedRequest extends Error {
  override name = 'MalformedRequest'
}

/** `["SET", "foo", "bar", "EX", 100]`. */
export function commandLine(body: string): CommandLine {
  const parsed = parse(body, 'ERR failed to parse command')
  if (!Array.isArray(parsed)) throw new MalformedRequest('ERR failed to parse command')
  if (parsed.length === 0) throw new MalformedRequest('ERR empty command')
  return fromParts(parsed)
}

/** `[["SET", "foo", "bar"], ["GET", "foo"]]`; one that cannot be read stands in its place as the reason. */
export function commandLines(
  body: string,
  endpoint: 'pipeline' | 'multi-exec',
): (CommandLine | MalformedRequest)[] {
  const parsed = parse(body, `ERR failed to parse ${endpoint} request`)
  if (!Array.isArray(parsed)) {
    throw new MalformedRequest(`ERR failed to parse ${endpoint} request`)
  }
  if (parsed.length === 0) throw new MalformedRequest(`ERR empty ${endpoint} request`)
  if (!parsed.every(Array.isArray)) {
    throw new MalformedRequest(`ERR failed to parse ${endpoint} command`)
  }
  return parsed.map((parts: unknown[]) => {
    if (parts.length === 0) return new MalformedRequest(`ERR empty ${endpoint} command`)
    try {
      return fromParts(parts)
    } catch (error) {
      if (error instanceof MalformedRequest) return error
      throw error
    }
  })
}

/** `/set/foo/bar?EX=100`: a body comes after the path as one argument, the query after both. */
export async function commandOfPath(request: Request): Promise<CommandLine> {
  const { pathname, searchParams } = new URL(request.url)
  const segments = pathname.replace(/^\//, '').split('/').map(decode)
  const body = new Uint8Array(await request.arrayBuffer())
  const options = [...searchParams].filter(([name]) => name !== '_token')
  const [name = '', ...args] = segments
  if (name === '') throw new MalformedRequest('ERR empty command')
  return {
    name,
    args: [
      ...args,
      ...(body.length > 0 ? [body] : []),
      ...options.flatMap(([option, value]) => (value === '' ? [option] : [option, value])),
    ],
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function parse(body: string, message: string): unknown {
  try {
    return JSON.parse(body, exactNumber)
  } catch {
    throw new MalformedRequest(message)
  }
}

/** A number keeps the digits it was sent with: those of a 64-bit integer are more than a double holds. */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? context.source : value
}

function fromParts(parts: readonly unknown[]): CommandLine {
  const [name = '', ...args] = parts.map(argument)
  return { name, args }
}

function argument(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null) throw new MalformedRequest('ERR null args are not supported')
  const opening = Array.isArray(value) ? '[' : '{'
  throw new MalformedRequest(`ERR unsupported arg type: "${opening}": json.Delim`)
}
