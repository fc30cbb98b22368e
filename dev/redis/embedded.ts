// The embedded Redis: an engine in this process, and the file that keeps its data.
import { readState, StateFile } from '../state-file.ts'
import type { RedisServer } from './client.ts'
import { dump } from './dump.ts'
import { Engine } from './engine.ts'
import { RedisError, type Reply, toBytes, toReply, toText } from './reply.ts'

/**
 * One engine with data of its own.
 * @param path where its data is kept; in memory alone when absent
 * @throws Error when the file is not one of ours
 */
export function embeddedServer(path?: string): RedisServer {
  let file: StateFile | null = null
  const engine = new Engine(() => file?.schedule())
  if (path !== undefined) {
    for (const argv of (readState(path, 'the embedded Redis') ?? []) as string[][])
      engine.call(argv)
    file = new StateFile(path, () => dump((argv) => engine.call(argv)))
  }
  const textOf = (error: unknown): unknown =>
    error instanceof RedisError ? new RedisError(toText(error.message)) : error
  return {
    kind: 'embedded',
    call: async (name, args) => {
      try {
        return toReply(engine.call([name, ...args].map(toBytes)))
      } catch (error) {
        throw textOf(error)
      }
    },
    multi: async (commands) => {
      try {
        const replies = engine.multi(commands.map((argv) => argv.map(toBytes)))
        return replies.map((reply) => toReply(textOf(reply) as Reply))
      } catch (error) {
        throw textOf(error)
      }
    },
    close: async () => {
      file?.write()
      file = null
      engine.call(['flushall'])
    },
  }
}
