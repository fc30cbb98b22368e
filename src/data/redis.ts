// Upstash over REST: one attempt, a time limit on each request, and raw strings in and out.
import { createHash } from 'node:crypto'
import { Redis } from '@upstash/redis/cloudflare'

/** What the app needs of Redis: scripts, each one atomic and one round trip. */
export interface RedisClient {
  /** Runs Lua, by its digest where Redis has it already. Redis's integers come as numbers, strings as strings, nil as null. @throws when Redis does not answer well */
  evaluate(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

export interface RedisOptions {
  url: string
  token: string
  timeoutMs: number
}

/**
 * A client. Auto-pipelining is off, as it would share one promise between requests, which workerd forbids;
 * so is deserialisation, as it turns strings of digits into numbers.
 */
export function connectRedis({ url, token, timeoutMs }: RedisOptions): RedisClient {
  const redis = new Redis({
    url,
    token,
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(timeoutMs),
    enableAutoPipelining: false,
    enableTelemetry: false,
    automaticDeserialization: false,
  })
  return {
    async evaluate(script, keys, args) {
      try {
        return await redis.evalsha(digestOf(script), [...keys], [...args])
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw error
        return await redis.eval(script, [...keys], [...args])
      }
    },
  }
}

const digests = new Map<string, string>()

function digestOf(script: string): string {
  const known = digests.get(script)
  if (known) return known
  const digest = createHash('sha1').update(script).digest('hex')
  digests.set(script, digest)
  return digest
}
