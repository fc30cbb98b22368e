// /v1/products
import { invalid } from '../errors.ts'
import { find } from '../lookup.ts'
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
import { currency, url } from './fields.ts'

const fields = {
  active: boolean(),
  description: emptyable(string({ max: 40_000 })),
  images: array(url, { max: 8 }),
  metadata: metadata(),
  statement_descriptor: string({ max: 22 }),
  unit_label: string({ max: 12 }),
  url,
}

const recurringFields = object({
  interval: required(oneOf(['day', 'week', 'month', 'year'])),
  interval_count: integer({ min: 1 }),
})

/** Three years of each. */
const LONGEST = { day: 1095, week: 156, month: 36, year: 3 }

export const recurring: typeof recurringFields = {
  read(value, path) {
    const read = recurringFields.read(value, path)
    const { interval, interval_count: count = 1 } = read
    if (count <= LONGEST[interval]) return read
    throw invalid(
      `Invalid interval_count: at most ${LONGEST[interval]} for the interval ${interval}.`,
      {
        param: `${path}[interval_count]`,
      },
    )
  },
}

export const productRoutes: Route[] = [
  route(
    'POST /v1/products',
    'product',
    {
      ...fields,
      id: string(),
      name: required(string()),
      default_price_data: object({
        currency: required(currency),
        unit_amount: required(integer({ min: 0, max: 99_999_999 })),
        recurring,
      }),
    },
    ({ world, params }) => {
      const { default_price_data: priceData, id } = params
      if (id !== undefined && world.store.products.has(id)) {
        throw invalid(`Product already exists.`, { code: 'resource_already_exists', param: 'id' })
      }
      const created = world.wallSeconds()
      const product = buildProduct({
        ...params,
        metadata: mergeMetadata({}, params.metadata),
        created,
      })
      world.store.products.set(product.id, product)
      world.emit('product.created', product)
      if (!priceData) return product
      const price = buildPrice({
        currency: priceData.currency,
        unit_amount: priceData.unit_amount,
        metadata: {},
        product: product.id,
        recurring: priceData.recurring
          ? {
              interval: priceData.recurring.interval,
              interval_count: priceData.recurring.interval_count ?? 1,
            }
          : null,
        created,
      })
      world.store.prices.set(price.id, price)
      world.emit('price.created', price)
      world.update(product, 'product.updated', (changed) => {
        changed.default_price = price.id
      })
      return product
    },
  ),
  route('GET /v1/products/:id', 'product', {}, ({ world, id }) =>
    find(world.store.products, 'product', id, 'id'),
  ),
  route(
    'POST /v1/products/:id',
    'product',
    { ...fields, name: string(), default_price: string() },
    ({ world, id, params }) => {
      const product = find(world.store.products, 'product', id, 'id')
      if (params.default_price !== undefined) {
        find(world.store.prices, 'price', params.default_price, 'default_price')
      }
      world.update(product, 'product.updated', (changed) => {
        assignGiven(changed, params, [
          'active',
          'default_price',
          'description',
          'images',
          'name',
          'statement_descriptor',
          'unit_label',
          'url',
        ])
        changed.metadata = mergeMetadata(changed.metadata, params.metadata)
        changed.updated = world.wallSeconds()
      })
      return product
    },
  ),
  route('DELETE /v1/products/:id', 'product', {}, ({ world, id }) => {
    const product = find(world.store.products, 'product', id, 'id')
    if ([...world.store.prices.values()].some((price) => price.product === id)) {
      throw invalid(
        'This product cannot be deleted because it has one or more user-created prices.',
      )
    }
    world.emit('product.deleted', product)
    world.store.products.delete(id)
    return { id, object: 'product', deleted: true }
  }),
  route(
    'GET /v1/products',
    'list of product',
    {
      ...listParams,
      active: boolean(),
      created: createdParam,
      ids: array(string()),
      url: string(),
    },
    ({ world, params }) => {
      const found = [...world.store.products.values()].filter(
        (product) =>
          (params.active === undefined || product.active === params.active) &&
          (params.ids === undefined || params.ids.includes(product.id)) &&
          (params.url === undefined || product.url === params.url) &&
          inRange(product.created, params.created),
      )
      return paginate(found, params, '/v1/products', 'product', world.store.products.values())
    },
  ),
]
