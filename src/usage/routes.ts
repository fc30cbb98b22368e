// GET /billing/usage: this window of the quota and the six before it.
import { Hono } from 'hono'
import type { AppEnv, Guard } from '../context.ts'
import { subscriptionOf } from '../data/account-snapshot.ts'
import { readUsage } from '../data/usage.ts'

export function usageRoutes(authenticated: Guard): Hono<AppEnv> {
  return new Hono<AppEnv>().get('/', authenticated, async (c) => {
    const { deps, account } = c.var
    const now = deps.now()
    const subscription = subscriptionOf(account, now, deps.config.pastDueGraceDays)
    const { current, history } = await readUsage(deps, account, subscription, now)
    return c.json({ current_month: current, history })
  })
}
