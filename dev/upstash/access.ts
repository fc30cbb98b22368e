// Who may run what: tokens, commands that REST does not take, and those that only read.
import { timingSafeEqual } from 'node:crypto'
import type { RedisServer } from '../redis/client.ts'
import { isReplies, type RedisReply, RedisStatus } from '../redis/reply.ts'
import type { CommandLine } from './request.ts'

export type Access = 'all' | 'read'

/** The `_token` of the query goes before the header, whose scheme may be missing. */
export function accessOf(
  request: Request,
  tokens: { token: string; readOnlyToken?: string | undefined },
): Access | null {
  const inQuery = new URL(request.url).searchParams.get('_token')
  const header = request.headers.get('authorization') ?? ''
  const token = inQuery || header.replace(/^bearer\s+/i, '').trim()
  if (same(token, tokens.token)) return 'all'
  return tokens.readOnlyToken && same(token, tokens.readOnlyToken) ? 'read' : null
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length > 0 && a.length === b.length && timingSafeEqual(a, b)
}

/** About a connection, which REST has not, or waiting on one: Upstash has other ways for some of them. */
const NOT_OVER_REST = new Set(
  `auth client discard exec hello monitor multi psubscribe punsubscribe quit reset select subscribe
   ssubscribe sunsubscribe unsubscribe unwatch watch
   blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin wait waitaof`.split(/\s+/),
)

/** What a server's owner does, not a tenant: Upstash has none of it, and a developer's server must keep it. */
const NOT_FOR_TENANTS = new Set(
  `asking bgrewriteaof bgsave cluster command config debug failover latency lastsave migrate module psync
   readonly readwrite replconf replicaof restore-asking role save shutdown slaveof slowlog swapdb sync
   xread xreadgroup`.split(/\s+/),
)

/** Commands that read, but more of the database than a public token may see. */
const KEPT_FROM_READERS = new Set(['scan', 'keys'])
const HARMLESS = new Set(['ping', 'echo', 'time'])

/** The names of a server's commands in lower case, and whether each only reads. */
export type Commands = ReadonlyMap<string, { reads: boolean }>

export async function commandsOf(redis: RedisServer): Promise<Commands> {
  const rows = await redis.call('COMMAND', [])
  const commands = new Map<string, { reads: boolean }>()
  for (const row of isReplies(rows) ? rows : []) {
    const [name = null, , flags = null] = isReplies(row) ? row : []
    const reads = isReplies(flags) && flags.some((flag) => textOf(flag) === 'readonly')
    commands.set(textOf(name).toLowerCase(), { reads })
  }
  return commands
}

const textOf = (reply: RedisReply): string =>
  reply instanceof RedisStatus ? reply.text : Buffer.isBuffer(reply) ? reply.toString() : ''

/** Why a command may not run here, in Upstash's words; null when it may. */
export function refusalFor(
  { name }: CommandLine,
  access: Access,
  commands: Commands,
): string | null {
  const lower = name.toLowerCase()
  if (NOT_OVER_REST.has(lower)) {
    return `ERR Command "${name.toUpperCase()}" is not allowed in REST or it has a special context path`
  }
  const command = commands.get(lower)
  if (!command || NOT_FOR_TENANTS.has(lower)) {
    return `ERR Command is not available: '${name.toUpperCase()}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`
  }
  const readable = (command.reads && !KEPT_FROM_READERS.has(lower)) || HARMLESS.has(lower)
  if (access === 'read' && !readable) {
    return `NOPERM this user has no permissions to run the '${lower}' command or its subcommand`
  }
  return null
}
