// A Redis for this machine: the embedded engine, or the server that a URL names.
import type { RedisServer } from './redis/client.ts'
import { embeddedServer } from './redis/embedded.ts'
import { connectServer } from './redis/server.ts'

/**
 * @param options.url `redis://` or `rediss://` of a server; without it an engine of its own in this process.
 * @param options.file where that engine keeps its data; in memory when absent
 * @throws Error naming host and port, never the password, when the server does not answer; naming the file when it is
 *   not one of ours
 */
export async function startRedis(
  options: { url?: string | undefined; file?: string | undefined } = {},
): Promise<RedisServer> {
  return options.url ? connectServer(options.url) : embeddedServer(options.file)
}
