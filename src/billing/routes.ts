// /billing: plans, subscription, checkout, portal.
import { Hono } from 'hono'
import * as z from 'zod/mini'
import type { AppEnv, Guard } from '../context.ts'
import { TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import { throttleBilling } from '../throttle.ts'
import { validJson } from '../validate.ts'
import { startCheckout } from './checkout.ts'
import { redirectUrl, requireAllowedOrigins } from './redirects.ts'
import { listPlans, openPortal, readSubscription } from './service.ts'

export const checkoutBody = z.object({
  tier: z.enum(TIERS),
  success_url: redirectUrl,
  cancel_url: redirectUrl,
})
export const portalBody = z.object({ return_url: redirectUrl })

export function billingRoutes(authenticated: Guard): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get('/plans', async (c) => c.json({ plans: await listPlans(c.var.deps) }))

    .get('/subscription', authenticated, async (c) =>
      c.json(await readSubscription(c.var.deps, c.var.account)),
    )

    .post('/checkout/session', authenticated, async (c) => {
      const { deps, account } = c.var
      await throttleBilling(deps, account.userId)
      const body = await validJson(c, checkoutBody)
      const { tier, success_url, cancel_url } = body
      requireAllowedOrigins(deps.config.redirectOrigins, { success_url, cancel_url })
      const request = { tier, successUrl: success_url, cancelUrl: cancel_url }
      const outcome = await startCheckout(deps, account, request)
      if (outcome.kind === 'already_subscribed') {
        const url = `${new URL(c.req.url).origin}/api/v1/billing/portal`
        const portal = { method: 'POST', url, body: { return_url: cancel_url } }
        throw new Problem('already_subscribed', { members: { portal } })
      }
      const { publishableKey } = deps.config.stripe
      return c.json({ session_id: outcome.id, url: outcome.url, publishable_key: publishableKey })
    })

    .post('/portal', authenticated, async (c) => {
      const { deps, account } = c.var
      await throttleBilling(deps, account.userId)
      const { return_url } = await validJson(c, portalBody)
      requireAllowedOrigins(deps.config.redirectOrigins, { return_url })
      const outcome = await openPortal(deps, account.userId, return_url)
      if (outcome.kind === 'no_customer') throw new Problem('no_customer')
      return c.json({ url: outcome.url })
    })
}
