// POST /v1/subscriptions/:id and /v1/subscription_items/:id: changing what runs.
import type { Stripe } from 'stripe'
import {
  periodEnd,
  periodStart,
  scheduleCancellation,
  takeCancellationBack,
} from '../billing/cancellations.ts'
import { changeItems, type ItemChange } from '../billing/plan-change.ts'
import { endTrialNow, moveTrialEnd } from '../billing/trials.ts'
import { invalid } from '../errors.ts'
import { customerOf, findActivePrice, idOf } from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { array, boolean, emptyable, object, oneOf, required, string, timestamp } from '../params.ts'
import type { Period } from '../periods.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import {
  anchorChange,
  anchorOf,
  type CancellationDetails,
  cancellationDetails,
  describeCancellation,
  itemFields,
  prorationBehavior,
  requireFuture,
  requireInPeriod,
  running,
  subscriptionFields,
  supportedBehavior,
  theirCard,
} from './subscription-fields.ts'
import { findItem } from './subscriptions-read.ts'

export const subscriptionUpdateRoutes: Route[] = [
  route(
    'POST /v1/subscriptions/:id',
    'subscription',
    {
      ...subscriptionFields,
      billing_cycle_anchor: anchorChange,
      cancellation_details: cancellationDetails,
      items: array(object({ ...itemFields, id: string(), deleted: boolean() }), { max: 20 }),
      pause_collection: emptyable(
        object({
          behavior: required(oneOf(['keep_as_draft', 'mark_uncollectible', 'void'])),
          resumes_at: timestamp(),
        }),
      ),
      proration_date: timestamp(),
    },
    ({ world, id, params, version }) => {
      const subscription = running(world, id, Object.keys(params))
      const anchor = anchorOf(params.billing_cycle_anchor, version) ?? 'unchanged'
      const behavior = supportedBehavior(params.payment_behavior)
      const now = world.now(idOf(subscription.customer))
      const { cancel_at: cancelAt, pause_collection: pause } = params
      requireFuture(pause?.resumes_at, now, 'pause_collection[resumes_at]')
      if (typeof cancelAt === 'number') requireFuture(cancelAt, now, 'cancel_at')
      if (typeof params.trial_end === 'number') requireFuture(params.trial_end, now, 'trial_end')
      requireInPeriod(params.proration_date, periodOf(subscription))
      const changes = (params.items ?? []).map((item, index) =>
        changeOf(world, item, subscription, index),
      )
      setPlainFields(world, subscription, params)
      if (params.trial_end === 'now') endTrialNow(world, subscription)
      else if (params.trial_end !== undefined) {
        moveTrialEnd(world, subscription, params.trial_end, params.proration_behavior !== 'none')
      }
      if (changes.length > 0 || anchor === 'now') {
        changeItems(world, subscription, changes, {
          prorationBehavior: params.proration_behavior ?? 'create_prorations',
          ...(params.proration_date !== undefined && { prorationDate: params.proration_date }),
          billingCycleAnchor: anchor,
          paymentBehavior: behavior,
        })
      }
      setCancellation(world, subscription, params)
      return subscription
    },
  ),
  route(
    'POST /v1/subscription_items/:id',
    'subscription_item',
    {
      ...itemFields,
      payment_behavior: subscriptionFields.payment_behavior,
      proration_behavior: prorationBehavior,
      proration_date: timestamp(),
    },
    ({ world, id, params }) => {
      const { subscription } = findItem(world, id)
      running(world, subscription.id, ['items'])
      requireInPeriod(params.proration_date, periodOf(subscription))
      const change = changeOf(world, { ...params, id }, subscription, null)
      changeItems(world, subscription, [change], {
        prorationBehavior: params.proration_behavior ?? 'create_prorations',
        ...(params.proration_date !== undefined && { prorationDate: params.proration_date }),
        billingCycleAnchor: 'unchanged',
        paymentBehavior: supportedBehavior(params.payment_behavior),
      })
      return findItem(world, id).item
    },
  ),
]

function periodOf(subscription: Stripe.Subscription): Period {
  return { start: periodStart(subscription), end: periodEnd(subscription) }
}

function changeOf(
  world: World,
  item: {
    id?: string
    deleted?: boolean
    price?: string
    quantity?: number
    metadata?: Record<string, string | null> | null
  },
  subscription: Stripe.Subscription,
  index: number | null,
): ItemChange {
  const param = index === null ? 'price' : `items[${index}][price]`
  const current = subscription.items.data.find(({ id }) => id === item.id)
  return {
    ...(item.id !== undefined && { id: item.id }),
    ...(item.deleted !== undefined && { deleted: item.deleted }),
    ...(item.price !== undefined && { price: findActivePrice(world, item.price, param) }),
    ...(item.quantity !== undefined && { quantity: item.quantity }),
    ...(item.metadata !== undefined && {
      metadata: mergeMetadata(current?.metadata ?? {}, item.metadata),
    }),
  }
}

interface PlainFields {
  default_payment_method?: string | null
  description?: string | null
  metadata?: Record<string, string | null> | null
  pause_collection?: {
    behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void'
    resumes_at?: number
  } | null
  payment_settings?: { save_default_payment_method?: 'off' | 'on_subscription' }
  trial_settings?: {
    end_behavior: { missing_payment_method?: 'cancel' | 'create_invoice' | 'pause' }
  }
}

function setPlainFields(
  world: World,
  subscription: Stripe.Subscription,
  params: PlainFields,
): void {
  const { default_payment_method: card, pause_collection: pause } = params
  const method = card ? theirCard(world, card, customerOf(world, subscription)) : card
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    assignGiven(changed, params, ['description'])
    changed.metadata = mergeMetadata(changed.metadata, params.metadata)
    if (method !== undefined) changed.default_payment_method = method
    if (pause !== undefined) {
      changed.pause_collection = pause && {
        behavior: pause.behavior,
        resumes_at: pause.resumes_at ?? null,
      }
    }
    const missing = params.trial_settings?.end_behavior.missing_payment_method
    if (missing && changed.trial_settings) {
      changed.trial_settings.end_behavior.missing_payment_method = missing
    }
    const save = params.payment_settings?.save_default_payment_method
    if (save && changed.payment_settings)
      changed.payment_settings.save_default_payment_method = save
  })
}

function setCancellation(
  world: World,
  subscription: Stripe.Subscription,
  params: {
    cancel_at?: number | 'max_period_end' | 'min_period_end' | null
    cancel_at_period_end?: boolean
    cancellation_details?: CancellationDetails
  },
): void {
  const { cancel_at: at, cancel_at_period_end: atEnd } = params
  if (at && atEnd) {
    throw invalid(
      'You may only specify one of these parameters: cancel_at, cancel_at_period_end.',
      {
        code: 'parameters_exclusive',
        param: 'cancel_at',
      },
    )
  }
  if (params.cancellation_details) {
    world.update(subscription, 'customer.subscription.updated', (changed) =>
      describeCancellation(changed, params.cancellation_details),
    )
  }
  if (atEnd) scheduleCancellation(world, subscription, 'period_end')
  else if (at) {
    const moment = typeof at === 'number' ? at : periodEnd(subscription)
    scheduleCancellation(world, subscription, { at: moment })
  } else if (at === null || (atEnd === false && subscription.cancel_at_period_end)) {
    takeCancellationBack(world, subscription)
  }
}
