// Faults at the network edge of any app of the stack, ordered over HTTP by the tests that suffer them.
//
//   POST   /_faults              {match, fault, times?} -> 201 {id}
//   GET    /_faults/:id          {id, hits, waiting}
//   GET    /_faults/:id/wait     ?hits=N: the same, as soon as it was hit N times
//   POST   /_faults/:id/release  lets through what a `hold` holds, and whatever comes later
//   DELETE /_faults/:id          the fault is gone; who still waits loses the connection
//
// Control paths, which begin with `/_`, suffer none.
// Test files share one stack: an unguessable id in the body, matched by `bodyIncludes`, keeps them apart.
import { type Context, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'
import { breakConnection, breakOff, truncated } from './faults/answer.ts'
import { Fault } from './faults/fault.ts'
import { orderSchema } from './faults/order.ts'
import type { FetchApp } from './serve.ts'

/**
 * `app` with faults in front of it. The server must hand Node's request and response to the app as
 * `env` (`fetch: (request, env) => app.fetch(request, env)`), because a fault may end the connection.
 */
export function withFaults(app: FetchApp): Hono {
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
  outer.all('/_*', (c) => app.fetch(c.req.raw, c.env))

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
    fault.hit()
    switch (how.kind) {
      case 'status':
        return new Response(BODILESS.has(how.status) ? null : (how.body ?? ''), {
          status: how.status,
          headers: { 'content-type': how.contentType ?? 'application/json' },
        })
      case 'reset':
        return breakConnection(c, 'reset')
      case 'hang':
        await fault.wait(c.req.raw.signal)
        return breakConnection(c)
      case 'lose-answer':
        await (await app.fetch(c.req.raw, c.env)).arrayBuffer()
        return breakConnection(c)
      case 'hold': {
        if ((await fault.wait()) !== 'release') return breakConnection(c)
        const { url, method, headers } = c.req.raw
        const carried = BODILESS_METHODS.has(method) ? {} : { body: bytes }
        return app.fetch(new Request(url, { method, headers, ...carried }), c.env)
      }
      case 'truncate':
        return truncated(await app.fetch(c.req.raw, c.env))
      case 'break-off':
        return breakOff(c, await app.fetch(c.req.raw, c.env))
      case 'slow': {
        // Asked for first: once the client has gone, nothing would abort it any more.
        const client = c.req.raw.signal
        const answer = await app.fetch(c.req.raw, c.env)
        return (await fault.wait(client, how.afterMs)) === 'time' ? answer : breakConnection(c)
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
