// /v1/customers
import {
  attachCard,
  paymentMethodById,
  requireAttachable,
  setDefaultCard,
} from '../billing/cards-on-file.ts'
import { deleteCustomer } from '../billing/delete-customer.ts'
import { invalid, missing } from '../errors.ts'
import { find, findCustomer, idOrNull } from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { buildCustomer } from '../objects/customer.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import { array, emptyable, integer, metadata, object, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import { address, email, fullAddress } from './fields.ts'

const fields = {
  address: emptyable(address),
  balance: integer(),
  description: emptyable(string()),
  email: emptyable(email),
  invoice_settings: object({ default_payment_method: emptyable(string()) }),
  metadata: metadata(),
  name: emptyable(string({ max: 256 })),
  phone: emptyable(string({ max: 20 })),
  preferred_locales: array(string()),
}

export const customerRoutes: Route[] = [
  route(
    'POST /v1/customers',
    'customer',
    { ...fields, payment_method: string(), test_clock: string() },
    ({ world, params }) => {
      const { test_clock, payment_method, invoice_settings } = params
      const clock =
        test_clock === undefined
          ? undefined
          : find(world.store.testClocks, 'test_helpers.test_clock', test_clock, 'test_clock')
      const customer = buildCustomer({
        address: params.address ? fullAddress(params.address) : null,
        balance: params.balance ?? 0,
        description: params.description ?? null,
        email: params.email ?? null,
        metadata: mergeMetadata({}, params.metadata),
        name: params.name ?? null,
        phone: params.phone ?? null,
        preferred_locales: params.preferred_locales ?? [],
        ...(clock && { test_clock: clock.id }),
        created: clock?.frozen_time ?? world.wallSeconds(),
      })
      const card = payment_method
        ? requireCard(world, payment_method, customer.id, 'payment_method')
        : undefined
      if (card) requireAttachable(world, card)
      const wanted = invoice_settings?.default_payment_method
      if (wanted && wanted !== payment_method) throw notTheirs(wanted)
      if (wanted && card) customer.invoice_settings.default_payment_method = card.id
      world.store.customers.set(customer.id, customer)
      world.emit('customer.created', customer)
      if (card) attachCard(world, card, customer.id)
      return customer
    },
  ),
  route('GET /v1/customers/:id', 'customer', {}, ({ world, id }) => {
    return world.store.deletedCustomers.get(id) ?? findCustomer(world, id, 'id')
  }),
  route('POST /v1/customers/:id', 'customer', fields, ({ world, id, params }) => {
    const customer = findCustomer(world, id, 'id')
    const wanted = params.invoice_settings?.default_payment_method
    if (wanted) requireCardOf(world, wanted, customer.id)
    world.update(customer, 'customer.updated', (changed) => {
      assignGiven(changed, params, [
        'balance',
        'description',
        'email',
        'name',
        'phone',
        'preferred_locales',
      ])
      if (params.address !== undefined) {
        changed.address = params.address && fullAddress(params.address)
      }
      changed.metadata = mergeMetadata(changed.metadata, params.metadata)
    })
    if (wanted !== undefined) setDefaultCard(world, customer, wanted)
    return customer
  }),
  route('DELETE /v1/customers/:id', 'customer', {}, ({ world, id }) => {
    return deleteCustomer(world, findCustomer(world, id, 'id'))
  }),
  route(
    'GET /v1/customers',
    'list of customer',
    { ...listParams, created: createdParam, email: string(), test_clock: string() },
    ({ world, params }) => {
      const found = [...world.store.customers.values()].filter(
        (customer) =>
          // Stripe compares the address exactly, upper and lower case included.
          (params.email === undefined || customer.email === params.email) &&
          (params.test_clock ?? null) === (customer.test_clock ?? null) &&
          inRange(customer.created, params.created),
      )
      return paginate(found, params, '/v1/customers', 'customer', world.store.customers.values())
    },
  ),
  route(
    'GET /v1/customers/:id/payment_methods',
    'list of payment_method',
    { ...listParams, type: string() },
    ({ world, id, params }) => {
      findCustomer(world, id, { path: 'customer' })
      const found = [...world.store.paymentMethods.values()].filter(
        (method) => idOrNull(method.customer) === id && (params.type ?? 'card') === method.type,
      )
      return paginate(
        found,
        params,
        `/v1/customers/${id}/payment_methods`,
        'payment_method',
        world.store.paymentMethods.values(),
      )
    },
  ),
]

function requireCard(world: World, id: string, owner: string, param: string) {
  const card = paymentMethodById(world, id, owner)
  if (!card) throw missing('PaymentMethod', id, param)
  return card
}

/** A card on file with this customer, as a default must be. */
function requireCardOf(world: World, id: string, customerId: string): void {
  const card = world.store.paymentMethods.get(id)
  if (!card) throw missing('PaymentMethod', id, 'invoice_settings[default_payment_method]')
  if (idOrNull(card.customer) !== customerId) throw notTheirs(id)
}

function notTheirs(id: string): Error {
  return invalid(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: 'resource_missing', param: 'invoice_settings[default_payment_method]' },
  )
}
