// A Redis server reached through ioredis: what a developer runs, so it is never emptied.
import { Redis } from 'ioredis'
import type { RedisServer } from './client.ts'
import { RedisError, type RedisReply } from './reply.ts'

const CONNECT_TIMEOUT_MS = 3000
/** Commands that would wipe what a developer keeps on that server. */
const WIPES = new Set(['flushall', 'flushdb', 'swapdb', 'shutdown'])

/** @throws Error naming host and port when nothing answers there */
export async function connectServer(url: string): Promise<RedisServer> {
  const { host, port } = address(url)
  let answered = false
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    // Until it has answered once, one attempt is enough to say that it is not there.
    retryStrategy: (attempt) => (answered ? Math.min(attempt * 100, 2000) : null),
  })
  let failure = ''
  client.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code ?? error.message
  })
  try {
    await client.connect()
    await client.ping()
    answered = true
  } catch (error) {
    client.disconnect()
    const reason = failure || (error instanceof Error ? error.message : String(error))
    throw new Error(
      `Redis at ${host}:${port} (LOCAL_REDIS_URL) cannot be used: ${reason}. Start it, or leave LOCAL_REDIS_URL unset for the embedded engine.`,
    )
  }
  return {
    kind: 'server',
    call: async (command, args) => {
      refuseWipe([command, ...args])
      try {
        return toReply(await client.callBuffer(plain(command), ...args.map(toArgument)))
      } catch (error) {
        throw toError(error)
      }
    },
    multi: async (commands) => {
      for (const argv of commands) refuseWipe(argv)
      const transaction = client.multi()
      for (const [name = '', ...args] of commands) {
        transaction.callBuffer(plain(String(name)), ...args.map(toArgument))
      }
      try {
        const results = (await transaction.exec()) ?? []
        return results.map(([error, value]) => (error ? toError(error) : toReply(value)))
      } catch (error) {
        throw abortReason(error)
      }
    },
    close: async () => {
      await client.quit().catch(() => client.disconnect())
    },
  }
}

function address(url: string): { host: string; port: string } {
  try {
    const { protocol, hostname, port } = new URL(url)
    if (protocol !== 'redis:' && protocol !== 'rediss:') throw new Error(protocol)
    return { host: hostname || '127.0.0.1', port: port || '6379' }
  } catch {
    throw new Error('LOCAL_REDIS_URL is not a redis:// or rediss:// URL.')
  }
}

/** @throws RedisError for a command that wipes data, and for a script that names one */
function refuseWipe([name = '', ...args]: readonly (string | Uint8Array)[]): void {
  const command = String(name).toLowerCase()
  const scripted = /^(eval|eval_ro|script|function)$/.test(command)
  const named = scripted
    ? /\b(flushall|flushdb)\b/i.exec(args.map(String).join('\n'))?.[1]
    : undefined
  const wipe = WIPES.has(command) ? command : named
  if (wipe === undefined) return
  throw new RedisError(
    `ERR ${wipe.toUpperCase()} is refused on the server of LOCAL_REDIS_URL: its data may be yours. Use the embedded engine, or redis-cli.`,
  )
}

/** In capitals ioredis takes the command for one it does not know, and leaves arguments and replies as they are. */
const plain = (command: string): string => command.toUpperCase()

const toArgument = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value)

/** ioredis gives a status as bytes too; only `OK` is of interest, and everybody reads that alike. */
function toReply(value: unknown): RedisReply {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(toReply)
  if (value instanceof Error) return toError(value)
  return Buffer.from(String(value))
}

function toError(error: unknown): RedisError {
  if (error instanceof RedisError) return error
  const message = error instanceof Error ? error.message : String(error)
  // Anything but Redis's own answer is ioredis on the connection, which has no code.
  const answered = error instanceof Error && error.name === 'ReplyError'
  return new RedisError(answered ? message : `ERR ${message}`)
}

/** EXECABORT says that a command was malformed, not which or why; the earlier error does. */
function abortReason(error: unknown): RedisError {
  const previous = (error as { previousErrors?: unknown[] }).previousErrors
  return toError(previous?.[0] ?? error)
}
