// A Redis for this machine: the embedded engine, or the server that a URL names.
import type { RedisServer } from './redis/client.ts'
import { embeddedServer } from './redis/embedded.ts'
import { connectServer } from './redis/server.ts'

/**
 * @param options.url `redis://` or `rediss://` of a server; without it an engine of its own in this process.
 * @throws Error naming host and port, never the password, when the server does not answer
 */
export async function startRedis(options: { url?: string | undefined } = {}): Promise<RedisServer> {
  return options.url ? connectServer(options.url) : embeddedServer()
}
