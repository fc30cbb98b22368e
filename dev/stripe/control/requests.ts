// /_sim/faults and /_sim/idempotency: trouble that Stripe gives its clients now and then, to order.
//
//   POST /faults/next-error            {path, status: 429 | 500, stored, bodyIncludes?}
//   POST /idempotency/hold             {bodyIncludes, path?} -> {id}
//   GET  /idempotency/hold/:id/wait    answers as soon as a request is held: {id, waiting}
//   POST /idempotency/hold/:id/release lets what is held go on
import type { Context, Hono } from 'hono'
import type { Hold } from '../requests-in-progress.ts'
import type { Simulator } from '../simulator.ts'
import { ControlError, holdSchema, nextErrorSchema, readBody } from './schemas.ts'

export function routeRequests(app: Hono, { inProgress }: Simulator): void {
  /** Once. `stored`: the endpoint had begun, so that its idempotency key answers the same from then on. */
  app.post('/faults/next-error', async (c) => {
    inProgress.failNext(await readBody(c, nextErrorSchema))
    return c.json({ ok: true }, 201)
  })

  /** The first request of a key that matches stays in progress; others with that key get a 409. */
  app.post('/idempotency/hold', async (c) =>
    c.json(stateOf(inProgress.hold(await readBody(c, holdSchema))), 201),
  )
  app.get('/idempotency/hold/:id/wait', async (c) => {
    const hold = find(c)
    await hold.hit
    return c.json(stateOf(hold))
  })
  app.post('/idempotency/hold/:id/release', (c) => {
    const hold = find(c)
    hold.release()
    return c.json(stateOf(hold))
  })

  function find(c: Context): Hold {
    const id = c.req.param('id') ?? ''
    const hold = inProgress.findHold(id)
    if (!hold) throw new ControlError(404, 'resource_missing', `No such hold: '${id}'`)
    return hold
  }
}

function stateOf({ id, waiting }: Hold): { id: string; waiting: number } {
  return { id, waiting }
}
