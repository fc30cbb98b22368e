// /v1/prices
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, idOf, idOrNull } from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { buildPrice, buildProduct } from '../objects/catalog.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import {
  array,
  boolean,
  emptyable,
  integer,
  metadata,
  object,
  oneOf,
  required,
  string,
} from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import { currency } from './fields.ts'
import { recurring } from './products.ts'

const taxBehavior = oneOf(['exclusive', 'inclusive', 'unspecified'])

export const priceRoutes: Route[] = [
  route(
    'POST /v1/prices',
    'price',
    {
      active: boolean(),
      billing_scheme: oneOf(['per_unit']),
      currency: required(currency),
      lookup_key: string({ max: 200 }),
      metadata: metadata(),
      nickname: string(),
      product: string(),
      product_data: object({ name: required(string()), metadata: metadata(), id: string() }),
      recurring,
      tax_behavior: taxBehavior,
      transfer_lookup_key: boolean(),
      unit_amount: integer({ min: 0, max: 99_999_999 }),
    },
    ({ world, params }) => {
      const { product, product_data, unit_amount, lookup_key } = params
      if (product === undefined && product_data === undefined) {
        throw invalid(
          'You must specify either `product` or `product_data` when creating a price.',
          {
            code: 'parameter_missing',
            param: 'product',
          },
        )
      }
      if (unit_amount === undefined) {
        throw invalid(
          'Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.',
          { code: 'parameter_missing', param: 'unit_amount' },
        )
      }
      if (product !== undefined) find(world.store.products, 'product', product, 'product')
      if (lookup_key !== undefined) {
        takeLookupKey(world, lookup_key, params.transfer_lookup_key === true, null)
      }
      const created = world.wallSeconds()
      const price = buildPrice({
        ...params,
        unit_amount,
        metadata: mergeMetadata({}, params.metadata),
        product: product ?? newProduct(world, product_data?.name ?? '', product_data, created),
        recurring: params.recurring
          ? {
              interval: params.recurring.interval,
              interval_count: params.recurring.interval_count ?? 1,
            }
          : null,
        created,
      })
      world.store.prices.set(price.id, price)
      world.emit('price.created', price)
      return price
    },
  ),
  route('GET /v1/prices/:id', 'price', {}, ({ world, id }) =>
    find(world.store.prices, 'price', id, 'id'),
  ),
  route(
    'POST /v1/prices/:id',
    'price',
    {
      active: boolean(),
      lookup_key: emptyable(string({ max: 200 })),
      metadata: metadata(),
      nickname: emptyable(string()),
      tax_behavior: taxBehavior,
      transfer_lookup_key: boolean(),
    },
    ({ world, id, params }) => {
      const price = find(world.store.prices, 'price', id, 'id')
      if (params.lookup_key) {
        takeLookupKey(world, params.lookup_key, params.transfer_lookup_key === true, price.id)
      }
      if (params.active === false && isDefault(world, price)) {
        throw invalid(
          'This price cannot be archived because it is the default price of its product.',
          { param: 'active' },
        )
      }
      world.update(price, 'price.updated', (changed) => {
        assignGiven(changed, params, ['active', 'lookup_key', 'nickname', 'tax_behavior'])
        changed.metadata = mergeMetadata(changed.metadata, params.metadata)
      })
      return price
    },
  ),
  route(
    'GET /v1/prices',
    'list of price',
    {
      ...listParams,
      active: boolean(),
      created: createdParam,
      currency,
      lookup_keys: array(string(), { max: 10 }),
      product: string(),
      recurring: object({ interval: oneOf(['day', 'week', 'month', 'year']) }),
      type: oneOf(['one_time', 'recurring']),
    },
    ({ world, params }) => {
      const found = [...world.store.prices.values()].filter(
        (price) =>
          (params.active === undefined || price.active === params.active) &&
          (params.currency === undefined || price.currency === params.currency) &&
          (params.lookup_keys === undefined ||
            (price.lookup_key !== null && params.lookup_keys.includes(price.lookup_key))) &&
          (params.product === undefined || idOf(price.product) === params.product) &&
          (params.type === undefined || price.type === params.type) &&
          (params.recurring?.interval === undefined ||
            price.recurring?.interval === params.recurring.interval) &&
          inRange(price.created, params.created),
      )
      return paginate(found, params, '/v1/prices', 'price', world.store.prices.values())
    },
  ),
]

function isDefault(world: World, { id, product }: Stripe.Price): boolean {
  return idOrNull(world.store.products.get(idOf(product))?.default_price) === id
}

/** A lookup key names one price at a time: the other gives it up when asked to, else it is refused. */
function takeLookupKey(world: World, key: string, transfer: boolean, by: string | null): void {
  const holder = [...world.store.prices.values()].find((price) => price.lookup_key === key)
  if (!holder || holder.id === by) return
  if (!transfer) {
    throw invalid(
      `A price (\`${holder.id}\`) already uses that lookup key. Pass \`transfer_lookup_key=true\` to transfer it to the new price.`,
      { param: 'lookup_key' },
    )
  }
  world.update(holder, 'price.updated', (changed) => {
    changed.lookup_key = null
  })
}

function newProduct(
  world: World,
  name: string,
  data: { id?: string; metadata?: Record<string, string | null> | null } | undefined,
  created: number,
): string {
  const product = buildProduct({
    ...(data?.id !== undefined && { id: data.id }),
    name,
    metadata: mergeMetadata({}, data?.metadata),
    created,
  })
  world.store.products.set(product.id, product)
  world.emit('product.created', product)
  return product.id
}
