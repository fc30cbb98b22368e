// The routes of the API: the map of what the simulator answers.
import type { Route } from './route.ts'
import { accountRoutes } from './routes/account.ts'
import { checkoutSessionRoutes } from './routes/checkout-sessions.ts'
import { customerRoutes } from './routes/customers.ts'
import { eventRoutes } from './routes/events.ts'
import { portalSessionRoutes } from './routes/portal.ts'
import { priceRoutes } from './routes/prices.ts'
import { productRoutes } from './routes/products.ts'
import { subscriptionReadRoutes } from './routes/subscriptions-read.ts'
import { webhookEndpointRoutes } from './routes/webhook-endpoints.ts'

export const routes: Route[] = [
  ...accountRoutes,
  ...checkoutSessionRoutes,
  ...customerRoutes,
  ...eventRoutes,
  ...portalSessionRoutes,
  ...priceRoutes,
  ...productRoutes,
  ...subscriptionReadRoutes,
  ...webhookEndpointRoutes,
]
