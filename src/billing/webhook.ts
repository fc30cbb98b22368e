// POST /billing/webhooks/stripe: raw text, signature, then the event's way through receive-event.ts.
import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { Problem } from '../problem.ts'
import { textWithin } from '../validate.ts'
import { receiveEvent } from './receive-event.ts'
import { verifyEvent } from './verify.ts'

/** Stripe's events have some kilobytes. */
const EVENT_LIMIT_BYTES = 1024 * 1024

export function webhookRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().post('/stripe', async (c) => {
    const payload = await textWithin(c.req.raw, EVENT_LIMIT_BYTES, 'malformed_event')
    const verified = await verifyEvent(c.var.deps, payload, c.req.header('Stripe-Signature'))
    if (verified.kind !== 'event') throw new Problem(verified.kind)
    return c.json(await receiveEvent(c.var.deps, verified.event))
  })
}
