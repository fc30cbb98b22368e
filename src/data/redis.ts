// Redis over Upstash's REST protocol (https://upstash.com/docs/redis/features/restapi), the one command that we use.
// Not Upstash's client: its hundred commands are a tenth of the bundle, and its retries, pipelines and silent nulls
// are what the paid path must not have.
import { createHash } from 'node:crypto'
import * as z from 'zod/mini'

/** What the app needs of Redis: scripts, each one atomic and one round trip. */
export interface RedisClient {
  /**
   * Runs Lua, by its digest where Redis has it already. Redis's integers come as numbers, strings as strings, nil as
   * null, lists as arrays. One attempt.
   * @throws RedisError, or the platform's own when no answer comes in time
   */
  evaluate(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

export interface RedisOptions {
  url: string
  token: string
  timeoutMs: number
}

/** Redis, or what stands before it, refused. Its message has neither keys nor arguments. */
export class RedisError extends Error {
  override name = 'RedisError'
}

const answerShape = z.union([z.object({ error: z.string() }), z.object({ result: z.unknown() })])

export function connectRedis({ url, token, timeoutMs }: RedisOptions): RedisClient {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }

  async function command(words: readonly string[], signal: AbortSignal): Promise<unknown> {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(words),
      // A redirect would carry the token to wherever it leads.
      redirect: 'manual',
      signal,
    })
    const parsed = answerShape.safeParse(await response.json().catch(() => null))
    if (!parsed.success) throw new RedisError(`status ${response.status}, and no answer of Redis`)
    if ('error' in parsed.data) throw new RedisError(firstWords(parsed.data.error))
    return parsed.data.result
  }

  return {
    async evaluate(script, keys, args) {
      const rest = [String(keys.length), ...keys, ...args]
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        return await command(['EVALSHA', digestOf(script), ...rest], signal)
      } catch (error) {
        if (!(error instanceof RedisError && error.message.startsWith('NOSCRIPT'))) throw error
        return await command(['EVAL', script, ...rest], signal)
      }
    },
  }
}

/** An error may repeat what was sent: its first words are enough to know it by. */
function firstWords(message: string): string {
  const [first = ''] = message.split(/,? with args|, command was/)
  return first.slice(0, 120)
}

const digests = new Map<string, string>()

function digestOf(script: string): string {
  const known = digests.get(script)
  if (known) return known
  const digest = createHash('sha1').update(script).digest('hex')
  digests.set(script, digest)
  return digest
}
