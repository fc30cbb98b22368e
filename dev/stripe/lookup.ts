// Finding objects by id, with Stripe's answer when there is none.
import type { Stripe } from 'stripe'
import { type InPath, invalid, missing } from './errors.ts'
import type { World } from './world.ts'

/** @throws StripeError 404 or 400 `resource_missing` (see `missing`) */
export function find<T>(map: Map<string, T>, kind: string, id: string, param: string | InPath): T {
  const found = map.get(id)
  if (found === undefined) throw missing(kind, id, param)
  return found
}

export function findCustomer(world: World, id: string, param: string | InPath): Stripe.Customer {
  return find(world.store.customers, 'customer', id, param)
}

export function findSubscription(world: World, id: string, param: string): Stripe.Subscription {
  return find(world.store.subscriptions, 'subscription', id, param)
}

/** A price that new business may use: an archived one is refused. */
export function findActivePrice(world: World, id: string, param: string): Stripe.Price {
  const price = find(world.store.prices, 'price', id, param)
  if (price.active) return price
  throw invalid('The price specified is inactive. This field only accepts active prices.', {
    param,
  })
}

/** The id of a field that may be expanded in Stripe's types; in the store it is always the id. */
export function idOf(value: string | { id: string }): string {
  return typeof value === 'string' ? value : value.id
}

export function idOrNull(value: string | { id: string } | null | undefined): string | null {
  return value ? idOf(value) : null
}

/** The customer of an object that always has one. */
export function customerOf(
  world: World,
  object: { customer: string | { id: string } | null },
): Stripe.Customer {
  const id = idOrNull(object.customer)
  return find(world.store.customers, 'customer', id ?? '', 'customer')
}

/** The subscription that an invoice bills, if it is one's. */
export function subscriptionOf(world: World, invoice: Stripe.Invoice): Stripe.Subscription | null {
  const id = idOrNull(invoice.parent?.subscription_details?.subscription)
  return id === null ? null : (world.store.subscriptions.get(id) ?? null)
}

export function productName(world: World, price: Stripe.Price): string {
  return world.store.products.get(idOf(price.product))?.name ?? idOf(price.product)
}

/** What lists are filtered by, and what Stripe calls it when there is none. */
const FILTERS = {
  charge: 'charges',
  customer: 'customers',
  invoice: 'invoices',
  payment_intent: 'paymentIntents',
  price: 'prices',
  product: 'products',
  subscription: 'subscriptions',
} as const

/**
 * A list can be filtered only by what exists; a deleted customer still counts.
 * @throws StripeError 400 `resource_missing`
 */
export function requireKnownFilters(world: World, params: object): void {
  for (const [param, value] of Object.entries(params)) {
    if (param === 'test_clock') {
      find(world.store.testClocks, 'test_helpers.test_clock', String(value), param)
    }
    if (!isFilter(param) || typeof value !== 'string') continue
    if (param === 'customer' && world.store.deletedCustomers.has(value)) continue
    const map: Map<string, unknown> = world.store[FILTERS[param]]
    find(map, param, value, param)
  }
}

function isFilter(param: string): param is keyof typeof FILTERS {
  return Object.hasOwn(FILTERS, param)
}
