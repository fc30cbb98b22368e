// Counts what an app of the stack is asked to do: what a vendor would bill, and what a benchmark reports.
//
//   GET    /_meter   {requests, commands} since the start or the last reset
//   DELETE /_meter   204: both are zero again
//
// Control paths, which begin with `/_`, are not counted.
import { Hono } from 'hono'
import type { FetchApp } from './serve.ts'

/** How many commands a request holds; leaves its body to the app. */
export type CommandsOf = (request: Request) => number | Promise<number>

/** `app` with a meter in front of it. Without `commandsOf`, each request is one command. */
export function withMeter(app: FetchApp, commandsOf: CommandsOf = () => 1): Hono {
  let requests = 0
  let commands = 0
  const outer = new Hono()

  outer.get('/_meter', (c) => c.json({ requests, commands }))
  outer.delete('/_meter', (c) => {
    requests = 0
    commands = 0
    return c.body(null, 204)
  })
  outer.all('/_*', (c) => app.fetch(c.req.raw, c.env))

  outer.all('*', async (c) => {
    const held = await commandsOf(c.req.raw)
    // Together and before the answer: who has an answer finds it counted, and a reset splits no request.
    requests += 1
    commands += held
    return app.fetch(c.req.raw, c.env)
  })
  return outer
}

const BATCHES = new Set(['/pipeline', '/multi-exec'])
const COMMAND_METHODS = new Set(['GET', 'POST', 'PUT'])

/** The commands of a request to Upstash, carried out or refused; a script is one, whatever it calls. */
export async function redisCommands(request: Request): Promise<number> {
  if (!COMMAND_METHODS.has(request.method)) return 0
  const isBatch = request.method === 'POST' && BATCHES.has(new URL(request.url).pathname)
  return isBatch ? lengthOf(await jsonOf(request)) : 1
}

/** The statements of a request to Neon: one, or those of a batch without the BEGIN and COMMIT around them. */
export async function sqlStatements(request: Request): Promise<number> {
  const payload = request.method === 'POST' ? await jsonOf(request) : null
  if (typeof payload !== 'object' || payload === null) return 0
  if ('query' in payload) return 1
  return 'queries' in payload ? lengthOf(payload.queries) : 0
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0)

/** Null for what cannot be read: the app says what is wrong with it. */
const jsonOf = (request: Request): Promise<unknown> =>
  request
    .clone()
    .json()
    .catch(() => null)
