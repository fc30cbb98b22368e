// The round trip that a service far away would cost, in front of any app of the stack.
//
//   PUT /_latency   {roundTripMs} -> 204: from now on each answer is that much later; 0 switches it off
//
// The whole of it lies after the work, which is done at once: nobody sees the difference, and a client that
// gives up has sent a request that is carried out, as over a real network. A connection that a fault breaks
// is no answer, and breaks at once. Control paths, which begin with `/_`, take no time.
import { Hono } from 'hono'
import { z } from 'zod'
import { pause } from './pause.ts'
import type { FetchApp } from './serve.ts'

const latencySchema = z.strictObject({ roundTripMs: z.number().min(0).max(60_000) })

/** `app` as far away as `PUT /_latency` says; at first it is here. */
export function withLatency(app: FetchApp): Hono {
  let roundTripMs = 0
  const outer = new Hono()

  outer.put('/_latency', async (c) => {
    const latency = latencySchema.safeParse(await c.req.json().catch(() => undefined))
    if (!latency.success) return c.json({ error: z.prettifyError(latency.error) }, 400)
    roundTripMs = latency.data.roundTripMs
    return c.body(null, 204)
  })
  outer.all('/_*', (c) => app.fetch(c.req.raw, c.env))

  outer.all('*', async (c) => {
    const addedMs = roundTripMs
    const answer = await app.fetch(c.req.raw, c.env)
    await pause(addedMs)
    return answer
  })
  return outer
}
