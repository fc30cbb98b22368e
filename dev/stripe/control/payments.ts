// /_sim/charges, /_sim/disputes: money that came in goes back.
//
//   POST /charges/:id/refund   {amount?, reason?} -> {refund}
//   POST /charges/:id/dispute  {reason?}          -> {dispute}
//   POST /disputes/:id/win     -> {dispute}
//   POST /disputes/:id/lose    -> {dispute}
import type { Hono } from 'hono'
import { z } from 'zod'
import { DISPUTE_REASONS } from '../billing/disputes.ts'
import type { Simulator } from '../simulator.ts'
import { readBody } from './schemas.ts'

const refundSchema = z.strictObject({
  amount: z.number().int().positive().optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
})

const disputeSchema = z.strictObject({ reason: z.enum(DISPUTE_REASONS).optional() })

export function routePayments(app: Hono, sim: Simulator): void {
  app.post('/charges/:id/refund', async (c) => {
    const { amount, reason } = await readBody(c, refundSchema)
    const id = sim.refundCharge(c.req.param('id'), {
      ...(amount !== undefined && { amount }),
      ...(reason && { reason }),
    })
    return c.json({ refund: sim.data.refunds.get(id) })
  })

  app.post('/charges/:id/dispute', async (c) => {
    const { reason } = await readBody(c, disputeSchema)
    const id = sim.openDispute(c.req.param('id'), reason)
    return c.json({ dispute: sim.data.disputes.get(id) })
  })

  for (const [end, outcome] of [
    ['win', 'won'],
    ['lose', 'lost'],
  ] as const) {
    app.post(`/disputes/:id/${end}`, (c) => {
      const id = c.req.param('id')
      sim.closeDispute(id, outcome)
      return c.json({ dispute: sim.data.disputes.get(id) })
    })
  }
}
