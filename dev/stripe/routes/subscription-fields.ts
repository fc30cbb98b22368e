// Parameters of subscriptions that creating and updating share, and how they are read.
import type { Stripe } from 'stripe'
import { paymentMethodById } from '../billing/cards-on-file.ts'
import { invalid, missing } from '../errors.ts'
import { findSubscription, idOrNull } from '../lookup.ts'
import { assignGiven } from '../metadata.ts'
import {
  boolean,
  either,
  emptyable,
  integer,
  metadata,
  object,
  oneOf,
  required,
  string,
  timestamp,
} from '../params.ts'
import type { Period } from '../periods.ts'
import type { Version } from '../versions.ts'
import type { World } from '../world.ts'

export const prorationBehavior = oneOf(['always_invoice', 'create_prorations', 'none'])

const anchor = oneOf(['now', 'unchanged'])

/** `{type: 'now'}` since endive, `now` before. */
export const anchorChange = either(object({ type: required(anchor) }), anchor)

/** @throws StripeError 400 when the form is not that of the version */
export function anchorOf(
  value: 'now' | 'unchanged' | { type: 'now' | 'unchanged' } | undefined,
  version: Version,
): 'now' | 'unchanged' | undefined {
  if (value === undefined) return undefined
  if ((typeof value === 'string') === version.beforeEndive) {
    return typeof value === 'string' ? value : value.type
  }
  throw invalid(version.beforeEndive ? 'Invalid string: {}' : 'Invalid object', {
    param: 'billing_cycle_anchor',
  })
}

export const itemFields = {
  metadata: metadata(),
  price: string(),
  quantity: integer({ min: 0, max: 1_000_000 }),
}

export const cancellationDetails = object({
  comment: emptyable(string()),
  feedback: emptyable(
    oneOf([
      'customer_service',
      'low_quality',
      'missing_features',
      'other',
      'switched_service',
      'too_complex',
      'too_expensive',
      'unused',
    ]),
  ),
})

export const subscriptionFields = {
  cancel_at: emptyable(either(oneOf(['max_period_end', 'min_period_end']), timestamp())),
  cancel_at_period_end: boolean(),
  default_payment_method: emptyable(string()),
  description: emptyable(string({ max: 500 })),
  metadata: metadata(),
  off_session: boolean(),
  payment_behavior: oneOf([
    'allow_incomplete',
    'default_incomplete',
    'error_if_incomplete',
    'pending_if_incomplete',
  ]),
  payment_settings: object({ save_default_payment_method: oneOf(['off', 'on_subscription']) }),
  proration_behavior: prorationBehavior,
  trial_end: either(oneOf(['now']), timestamp()),
  trial_settings: object({
    end_behavior: required(
      object({ missing_payment_method: oneOf(['cancel', 'create_invoice', 'pause']) }),
    ),
  }),
}

/** The card of this customer behind an id. @throws StripeError 400 */
export function theirCard(world: World, id: string, customer: Stripe.Customer): string {
  const method = paymentMethodById(world, id, customer.id)
  if (!method) throw missing('PaymentMethod', id, 'default_payment_method')
  if (idOrNull(method.customer) === customer.id) return method.id
  throw invalid(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: 'resource_missing', param: 'default_payment_method' },
  )
}

/** What the simulator does not do is said, not done halfway. */
export function supportedBehavior<T extends string>(
  behavior: T | undefined,
): Exclude<T, 'pending_if_incomplete'> | 'allow_incomplete' {
  if (behavior === 'pending_if_incomplete') {
    throw invalid(
      'The simulator does not hold updates back: payment_behavior=pending_if_incomplete is not one of its behaviours.',
      { param: 'payment_behavior' },
    )
  }
  // The excluded value was refused above.
  return (behavior ?? 'allow_incomplete') as Exclude<T, 'pending_if_incomplete'>
}

/**
 * A canceled subscription can have its metadata and its cancellation details changed, no more; one
 * that is still incomplete its metadata and its card.
 */
export function running(world: World, id: string, wanted: string[]): Stripe.Subscription {
  const subscription = findSubscription(world, id, 'id')
  requireComplete(subscription, wanted)
  const editable = ['cancellation_details', 'expand', 'metadata']
  const all = wanted.length > 0 && wanted.every((name) => editable.includes(name))
  if (subscription.ended_at === null || all) return subscription
  if (wanted.length > 0) {
    throw invalid(
      'A canceled subscription can only update its cancellation_details and metadata.',
      { code: 'invalid_canceled_subscription_fields' },
    )
  }
  throw missing('subscription', id, 'id')
}

function requireComplete({ status }: Stripe.Subscription, wanted: string[]): void {
  const refused = wanted.find(
    (name) => !['default_payment_method', 'expand', 'metadata'].includes(name),
  )
  if (status !== 'incomplete' || refused === undefined) return
  throw invalid(
    `A subscription in \`incomplete\` status can only update its metadata and default_payment_method; pay its first invoice before you change ${refused}.`,
    { param: refused },
  )
}

/** A moment still to come on the customer's clock. @throws StripeError 400 */
export function requireFuture(moment: number | null | undefined, now: number, param: string): void {
  if (moment === null || moment === undefined || moment > now) return
  throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', { param })
}

/** Stripe prorates within the running period alone. @throws StripeError 400 */
export function requireInPeriod(moment: number | undefined, { start, end }: Period): void {
  if (moment === undefined || (moment >= start && moment <= end)) return
  throw invalid(
    `Cannot specify proration_date outside of the current period (${start} to ${end}).`,
    { param: 'proration_date' },
  )
}

export interface CancellationDetails {
  comment?: string | null
  feedback?: Stripe.Subscription.CancellationDetails.Feedback | null
}

export function describeCancellation(
  subscription: Stripe.Subscription,
  details: CancellationDetails | undefined,
): void {
  if (details && subscription.cancellation_details) {
    assignGiven(subscription.cancellation_details, details, ['comment', 'feedback'])
  }
}
