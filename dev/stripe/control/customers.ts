// /_sim/customers: what a seller does to a customer in the dashboard.
//
//   POST   /customers/:id/subscriptions  {price, days_until_due?, trial_days?} -> 201 {subscription}
//   DELETE /customers/:id                -> {customer}
import type { Hono } from 'hono'
import { z } from 'zod'
import type { Simulator } from '../simulator.ts'
import { readBody, refusalError } from './schemas.ts'

const subscribeSchema = z.strictObject({
  price: z.string().min(1),
  days_until_due: z.number().int().min(0).max(365).optional(),
  trial_days: z.number().int().min(1).max(730).optional(),
})

export function routeCustomersByHand(app: Hono, sim: Simulator): void {
  app.post('/customers/:id/subscriptions', async (c) => {
    const {
      price,
      days_until_due: daysUntilDue,
      trial_days: trialDays,
    } = await readBody(c, subscribeSchema)
    const made = sim.subscribe(c.req.param('id'), price, {
      ...(daysUntilDue !== undefined && { daysUntilDue }),
      ...(trialDays !== undefined && { trialDays }),
    })
    if (!made.ok) throw refusalError(made)
    return c.json({ subscription: sim.data.subscriptions.get(made.subscription) }, 201)
  })

  app.delete('/customers/:id', (c) => {
    const id = c.req.param('id')
    sim.deleteCustomer(id)
    return c.json({ customer: sim.data.deletedCustomers.get(id) })
  })
}
