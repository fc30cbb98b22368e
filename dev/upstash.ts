// Upstash's REST protocol in front of a local Redis, such that the unmodified client cannot tell.
// https://upstash.com/docs/redis/features/restapi
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { RedisArgument, RedisServer } from './redis/client.ts'
import { RedisError, type RedisReply } from './redis/reply.ts'
import { type Access, accessOf, type Commands, commandsOf, refusalFor } from './upstash/access.ts'
import { encode } from './upstash/encoding.ts'
import {
  type CommandLine,
  commandLine,
  commandLines,
  commandOfPath,
  MalformedRequest,
} from './upstash/request.ts'
import { upstashScripts } from './upstash/scripts.ts'

export interface UpstashOptions {
  redis: RedisServer
  token: string
  /** May run the commands that read, but for SCAN and KEYS. */
  readOnlyToken?: string | undefined
  /** Hears how many commands a request holds, before the first of them runs. */
  onCommands?: (count: number) => void
}

const UNAUTHORIZED =
  'WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.'
const METHODS = ['HEAD', 'GET', 'POST', 'PUT']

type Result = { result: unknown } | { error: string }
type Env = { Variables: { access: Access; encoding: 'base64' | 'text' } }

/** Give its `fetch` to `serve`; the client's `url` is the origin, its `token` is `options.token`. */
export function upstashApp(options: UpstashOptions): Hono<Env> {
  const { redis, onCommands } = options
  const app = new Hono<Env>()
  /** Counts the writes: a client sends it back, and would wait for a replica that has not seen them. */
  let syncToken = 0
  let known: Promise<Commands> | undefined
  const forRedis = upstashScripts()

  app.onError((error, c) => {
    if (error instanceof MalformedRequest || error instanceof RedisError) {
      return c.json({ error: error.message }, 400)
    }
    throw error
  })

  const admit: MiddlewareHandler<Env> = async (c, next) => {
    if (c.req.method === 'OPTIONS') return preflight(c)
    if (!METHODS.includes(c.req.method)) return c.body(null, 405)
    const access = accessOf(c.req.raw, options)
    if (!access) return c.json({ error: UNAUTHORIZED }, 401)
    c.set('access', access)
    c.set('encoding', encodingOf(c))
    await next()
    c.header('upstash-sync-token', String(syncToken))
    return undefined
  }
  app.use(admit)

  /** @throws RedisError in Upstash's words */
  const permit = async (line: CommandLine, access: Access): Promise<void> => {
    known ??= commandsOf(redis).catch((error: unknown) => {
      known = undefined
      throw error
    })
    const refusal = refusalFor(line, access, await known)
    if (refusal) throw new RedisError(refusal)
  }
  const run = async (line: CommandLine, access: Access): Promise<RedisReply> => {
    await permit(line, access)
    const { name, args } = forRedis(line)
    const reply = await redis.call(name, args)
    if (access === 'all') syncToken++
    return reply
  }

  app.post('/', async (c) => {
    const line = commandLine(await c.req.text())
    onCommands?.(1)
    return c.json({ result: encode(await run(line, c.get('access')), c.get('encoding')) })
  })

  app.post('/pipeline', async (c) => {
    const lines = commandLines(await c.req.text(), 'pipeline')
    onCommands?.(lines.length)
    const results: Result[] = []
    for (const line of lines) {
      try {
        if (line instanceof MalformedRequest) throw line
        results.push({ result: encode(await run(line, c.get('access')), c.get('encoding')) })
      } catch (error) {
        results.push({ error: messageOf(error) })
      }
    }
    return c.json(results)
  })

  app.post('/multi-exec', async (c) => {
    const lines = commandLines(await c.req.text(), 'multi-exec')
    onCommands?.(lines.length)
    const commands: RedisArgument[][] = []
    for (const line of lines) {
      if (line instanceof MalformedRequest) throw line
      await permit(line, c.get('access'))
      const { name, args } = forRedis(line)
      commands.push([name, ...args])
    }
    const replies = await redis.multi(commands)
    syncToken++
    return c.json(
      replies.map(
        (reply): Result =>
          reply instanceof RedisError
            ? { error: reply.message }
            : { result: encode(reply, c.get('encoding')) },
      ),
    )
  })

  app.all('*', async (c) => {
    if (c.req.method === 'HEAD') return c.body(null, 200)
    const line = await commandOfPath(c.req.raw)
    onCommands?.(1)
    return c.json({ result: encode(await run(line, c.get('access')), c.get('encoding')) })
  })
  return app
}

/** What a command answers with; anything else is a defect here, and must not pass for an answer. */
function messageOf(error: unknown): string {
  if (error instanceof RedisError || error instanceof MalformedRequest) return error.message
  throw error
}

function encodingOf(c: Context): 'base64' | 'text' {
  const format = c.req.header('upstash-response-format')
  if (format !== undefined && format !== 'json') {
    // RESP2 tells a status from data, which ioredis does not.
    throw new MalformedRequest(
      `ERR Upstash-Response-Format "${format}" is not supported by this local Redis: use json`,
    )
  }
  return c.req.header('upstash-encoding') === 'base64' ? 'base64' : 'text'
}

function preflight(c: Context): Response {
  c.header('access-control-allow-origin', c.req.header('origin') ?? '*')
  c.header('access-control-allow-credentials', 'true')
  c.header('access-control-allow-methods', METHODS.join(', '))
  c.header('access-control-allow-headers', c.req.header('access-control-request-headers') ?? '*')
  return c.body(null, 200)
}
