// /v1/subscriptions and /v1/subscription_items: reading.
import type { Stripe } from 'stripe'
import { missing } from '../errors.ts'
import { findSubscription, idOf } from '../lookup.ts'
import { createdParam, inRange, listParams, page, paginate } from '../pagination.ts'
import { oneOf, required, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'

export const subscriptionReadRoutes: Route[] = [
  route('GET /v1/subscriptions/:id', 'subscription', {}, ({ world, id }) =>
    findSubscription(world, id, 'id'),
  ),
  route(
    'GET /v1/subscriptions',
    'list of subscription',
    {
      ...listParams,
      collection_method: oneOf(['charge_automatically', 'send_invoice']),
      created: createdParam,
      current_period_end: createdParam,
      current_period_start: createdParam,
      customer: string(),
      price: string(),
      status: oneOf([
        'active',
        'all',
        'canceled',
        'ended',
        'incomplete',
        'incomplete_expired',
        'past_due',
        'paused',
        'trialing',
        'unpaid',
      ]),
      test_clock: string(),
    },
    ({ world, params }) => {
      const found = [...world.store.subscriptions.values()].filter(
        (subscription) =>
          hasStatus(subscription, params.status) &&
          (params.customer === undefined || idOf(subscription.customer) === params.customer) &&
          (params.collection_method === undefined ||
            subscription.collection_method === params.collection_method) &&
          (params.price === undefined ||
            subscription.items.data.some(({ price }) => price.id === params.price)) &&
          (params.customer !== undefined ||
            (params.test_clock ?? null) === subscription.test_clock) &&
          subscription.items.data.some(
            (item) =>
              inRange(item.current_period_end, params.current_period_end) &&
              inRange(item.current_period_start, params.current_period_start),
          ) &&
          inRange(subscription.created, params.created),
      )
      return paginate(
        found,
        params,
        '/v1/subscriptions',
        'subscription',
        world.store.subscriptions.values(),
      )
    },
  ),
  route(
    'GET /v1/subscription_items/:id',
    'subscription_item',
    {},
    ({ world, id }) => findItem(world, id).item,
  ),
  route(
    'GET /v1/subscription_items',
    'list of subscription_item',
    { ...listParams, subscription: required(string()) },
    ({ world, params }) => {
      const { items } = findSubscription(world, params.subscription, 'subscription')
      return page(items.data, params, '/v1/subscription_items', 'subscription_item')
    },
  ),
]

/** Without a status everything but what is canceled; `ended` is canceled and incomplete_expired. */
function hasStatus({ status }: Stripe.Subscription, wanted: string | undefined): boolean {
  if (wanted === 'all') return true
  if (wanted === 'ended') return status === 'canceled' || status === 'incomplete_expired'
  return wanted === undefined ? status !== 'canceled' : status === wanted
}

/** @throws StripeError 404 */
export function findItem(
  world: World,
  id: string,
): { subscription: Stripe.Subscription; item: Stripe.SubscriptionItem } {
  for (const subscription of world.store.subscriptions.values()) {
    const item = subscription.items.data.find((candidate) => candidate.id === id)
    if (item) return { subscription, item }
  }
  throw missing('subscription_item', id, 'id')
}
