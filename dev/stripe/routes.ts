// The routes of the API: the map of what the simulator answers.
import type { Route } from './route.ts'
import { accountRoutes } from './routes/account.ts'
import { checkoutSessionRoutes } from './routes/checkout-sessions.ts'
import { customerRoutes } from './routes/customers.ts'
import { disputeRoutes } from './routes/disputes.ts'
import { eventRoutes } from './routes/events.ts'
import { invoiceRoutes } from './routes/invoices.ts'
import { paymentMethodRoutes } from './routes/payment-methods.ts'
import { paymentRoutes } from './routes/payments.ts'
import { portalSessionRoutes } from './routes/portal.ts'
import { portalConfigurationRoutes } from './routes/portal-configurations.ts'
import { priceRoutes } from './routes/prices.ts'
import { productRoutes } from './routes/products.ts'
import { refundRoutes } from './routes/refunds.ts'
import { subscriptionCreateRoutes } from './routes/subscriptions-create.ts'
import { subscriptionEndRoutes } from './routes/subscriptions-end.ts'
import { subscriptionReadRoutes } from './routes/subscriptions-read.ts'
import { subscriptionUpdateRoutes } from './routes/subscriptions-update.ts'
import { testClockRoutes } from './routes/test-clocks.ts'
import { webhookEndpointRoutes } from './routes/webhook-endpoints.ts'

export const routes: Route[] = [
  ...accountRoutes,
  ...checkoutSessionRoutes,
  ...customerRoutes,
  ...disputeRoutes,
  ...eventRoutes,
  ...invoiceRoutes,
  ...paymentMethodRoutes,
  ...paymentRoutes,
  ...portalConfigurationRoutes,
  ...portalSessionRoutes,
  ...priceRoutes,
  ...productRoutes,
  ...refundRoutes,
  ...subscriptionCreateRoutes,
  ...subscriptionEndRoutes,
  ...subscriptionReadRoutes,
  ...subscriptionUpdateRoutes,
  ...testClockRoutes,
  ...webhookEndpointRoutes,
]
