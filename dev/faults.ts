// Faults at the network edge of any app of the stack, ordered over HTTP by the tests that suffer them.
//
//   POST   /_faults              {match, fault, times?} -> 201 {id}
//   GET    /_faults/:id          {id, hits, waiting}
//   GET    /_faults/:id/wait     ?hits=N: the same, as soon as it was hit N times
//   POST   /_faults/:id/release  lets through what a `hold` holds, and whatever comes later
//   DELETE /_faults/:id          the fault is gone; who still waits loses the connection
//
// Test files share one stack: an unguessable id in the body, matched by `bodyIncludes`, keeps them apart.
import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'

/** What can be wrapped: a Hono app is one. */
export interface WrappedApp {
  fetch(request: Request, env?: unknown): Response | Promise<Response>
}

const faultSchema = z.discriminatedUnion('kind', [
  /** Answered in the app's place. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.string().optional(),
    contentType: z.string().optional(),
  }),
  /** Never carried out, never answered. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Never carried out; the connection is reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** Carried out; the connection breaks before the answer. */
  z.strictObject({ kind: z.literal('lose-answer') }),
  /** Delayed on its way until released: then carried out, even if the client has gone meanwhile. */
  z.strictObject({ kind: z.literal('hold') }),
])

const orderSchema = z.strictObject({
  match: z.strictObject({
    method: z.string().toUpperCase().optional(),
    path: z.string().startsWith('/').optional(),
    bodyIncludes: z.string().min(1).optional(),
  }),
  fault: faultSchema,
  times: z.int().positive().optional(),
})

/** The body of `POST /_faults`. */
export type FaultOrder = z.input<typeof orderSchema>

/**
 * `app` with faults in front of it. The server must hand Node's request and response to the app as
 * `env` (`fetch: (request, env) => app.fetch(request, env)`), because a fault may end the connection.
 */
export function withFaults(app: WrappedApp): Hono {
  const faults = new Map<string, Fault>()
  const outer = new Hono()

  outer.post('/_faults', async (c) => {
    const order = orderSchema.safeParse(await c.req.json().catch(() => undefined))
    if (!order.success) throw new HTTPException(400, { message: z.prettifyError(order.error) })
    const fault = new Fault(order.data)
    faults.set(fault.id, fault)
    return c.json({ id: fault.id }, 201)
  })
  outer.get('/_faults/:id', (c) => c.json(find(c).state()))
  outer.get('/_faults/:id/wait', async (c) => {
    const hits = z.coerce
      .number()
      .int()
      .positive()
      .safeParse(c.req.query('hits') ?? '1')
    if (!hits.success)
      throw new HTTPException(400, { message: 'hits must be a whole number above 0' })
    const fault = find(c)
    await fault.hitTimes(hits.data, c.req.raw.signal)
    if (!faults.has(fault.id)) throw new HTTPException(404, { message: 'the fault was deleted' })
    return c.json(fault.state())
  })
  outer.post('/_faults/:id/release', (c) => {
    const fault = find(c)
    if (fault.order.fault.kind !== 'hold') {
      throw new HTTPException(409, { message: 'only a fault of the kind hold can be released' })
    }
    fault.end('release')
    return c.json(fault.state())
  })
  outer.delete('/_faults/:id', (c) => {
    const fault = find(c)
    faults.delete(fault.id)
    fault.end('delete')
    return c.body(null, 204)
  })
  outer.all('/_faults/*', (c) => c.json({ error: 'no such control' }, 404))

  outer.all('*', async (c) => {
    if (faults.size === 0) return app.fetch(c.req.raw, c.env)
    // Read first: a held request outlives its connection, and the body would go with it.
    const bytes = await c.req.raw.clone().arrayBuffer()
    const path = new URL(c.req.url).pathname
    const body = Buffer.from(bytes).toString()
    const fault = [...faults.values()].find((one) => one.matches(c.req.method, path, body))
    return fault === undefined ? app.fetch(c.req.raw, c.env) : suffer(fault, c, bytes)
  })

  async function suffer(fault: Fault, c: Context, bytes: ArrayBuffer): Promise<Response> {
    const { fault: how } = fault.order
    const ended = fault.hit(how.kind === 'hang' ? c.req.raw.signal : undefined)
    switch (how.kind) {
      case 'status':
        return new Response(BODILESS.has(how.status) ? null : (how.body ?? ''), {
          status: how.status,
          headers: { 'content-type': how.contentType ?? 'application/json' },
        })
      case 'reset':
        return breakConnection(c, 'reset')
      case 'hang':
        await ended
        return breakConnection(c)
      case 'lose-answer':
        await (await app.fetch(c.req.raw, c.env)).arrayBuffer()
        return breakConnection(c)
      case 'hold': {
        if ((await ended) !== 'release') return breakConnection(c)
        const { url, method, headers } = c.req.raw
        const carried = BODILESS_METHODS.has(method) ? {} : { body: bytes }
        return app.fetch(new Request(url, { method, headers, ...carried }), c.env)
      }
    }
  }

  function find(c: Context): Fault {
    const fault = faults.get(c.req.param('id') ?? '')
    if (fault === undefined) throw new HTTPException(404, { message: 'no such fault' })
    return fault
  }

  outer.onError((error, c) => {
    if (error instanceof HTTPException) return c.json({ error: error.message }, error.status)
    throw error
  })
  return outer
}

const BODILESS = new Set([204, 205, 304])
const BODILESS_METHODS = new Set(['GET', 'HEAD'])

/** How a wait ended: the fault was released or deleted, or the client went away. */
type Ending = 'release' | 'delete' | 'gone'

/** One ordered fault: what it was hit by and who waits for it. */
class Fault {
  readonly id = randomUUID()
  readonly order: z.output<typeof orderSchema>
  #hits = 0
  #released = false
  #deleted = false
  readonly #waiting = new Set<(ending: Ending) => void>()
  readonly #watchers = new Set<() => void>()

  constructor(order: z.output<typeof orderSchema>) {
    this.order = order
  }

  state(): { id: string; hits: number; waiting: number } {
    return { id: this.id, hits: this.#hits, waiting: this.#waiting.size }
  }

  matches(method: string, path: string, body: string): boolean {
    const { match, times } = this.order
    if (times !== undefined && this.#hits >= times) return false
    if (match.method !== undefined && match.method !== method) return false
    if (match.path !== undefined && !path.startsWith(match.path)) return false
    return match.bodyIncludes === undefined || body.includes(match.bodyIncludes)
  }

  /** Counts a hit; for `hang` and `hold`, resolves when the wait is over. */
  hit(client: AbortSignal | undefined): Promise<Ending> {
    this.#hits += 1
    const { kind } = this.order.fault
    const over = new Promise<Ending>((resolve) => {
      if (kind !== 'hang' && kind !== 'hold') return
      if (this.#released) return resolve('release')
      const end = (ending: Ending): void => {
        if (this.#waiting.delete(end)) resolve(ending)
      }
      this.#waiting.add(end)
      if (client?.aborted) end('gone')
      client?.addEventListener('abort', () => end('gone'), { once: true })
    })
    for (const watcher of [...this.#watchers]) watcher()
    return over
  }

  end(ending: 'release' | 'delete'): void {
    if (ending === 'release') this.#released = true
    else this.#deleted = true
    for (const end of [...this.#waiting]) end(ending)
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Resolves when the fault has been hit `hits` times or is deleted, or the asker has gone. */
  hitTimes(hits: number, asker: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        if (this.#hits < hits && !this.#deleted && !asker.aborted) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
      asker.addEventListener('abort', watcher, { once: true })
      watcher()
    })
  }
}

function breakConnection(c: Context, how: 'reset' | 'close' = 'close'): Response {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>
  const socket = outgoing?.socket
  if (outgoing === undefined) throw new Error('Faults need the Node response in env.outgoing')
  if (how === 'reset') socket?.resetAndDestroy()
  else socket?.destroy()
  return RESPONSE_ALREADY_SENT
}
