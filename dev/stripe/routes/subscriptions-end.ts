// Ending, pausing and resuming a subscription.
import { endNow } from '../billing/end-now.ts'
import { pauseSubscription } from '../billing/renewals.ts'
import { resumePaused } from '../billing/resume.ts'
import { invalid } from '../errors.ts'
import { boolean, oneOf, timestamp } from '../params.ts'
import { type Route, route } from '../route.ts'
import {
  anchorChange,
  anchorOf,
  cancellationDetails,
  describeCancellation,
  prorationBehavior,
  running,
} from './subscription-fields.ts'

export const subscriptionEndRoutes: Route[] = [
  route(
    'DELETE /v1/subscriptions/:id',
    'subscription',
    { cancellation_details: cancellationDetails, invoice_now: boolean(), prorate: boolean() },
    ({ world, id, params }) => {
      const subscription = running(world, id, [])
      describeCancellation(subscription, params.cancellation_details)
      const { prorate = false, invoice_now: invoiceNow = false } = params
      endNow(world, subscription, { prorate, invoiceNow })
      return subscription
    },
  ),
  route(
    'POST /v1/subscriptions/:id/pause',
    'subscription',
    { type: oneOf(['subscription']) },
    ({ world, id }) => {
      const subscription = running(world, id, [])
      if (subscription.status === 'paused') {
        throw invalid('This subscription is already paused.', { param: 'subscription' })
      }
      pauseSubscription(world, subscription, 'pause_requested')
      return subscription
    },
  ),
  route(
    'POST /v1/subscriptions/:id/resume',
    'subscription',
    {
      billing_cycle_anchor: anchorChange,
      payment_behavior: oneOf(['resume_on_payment_attempt', 'resume_on_payment_success']),
      proration_behavior: prorationBehavior,
      proration_date: timestamp(),
    },
    ({ world, id, params, version }) => {
      const subscription = running(world, id, [])
      resumePaused(world, subscription, {
        billingCycleAnchor: anchorOf(params.billing_cycle_anchor, version) ?? 'now',
        prorationBehavior: params.proration_behavior ?? 'create_prorations',
        on: params.payment_behavior === 'resume_on_payment_success' ? 'success' : 'attempt',
      })
      return subscription
    },
  ),
]
