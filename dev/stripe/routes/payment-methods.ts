// /v1/payment_methods: cards, typed or by a test id, on file with a customer or not.
import type { Stripe } from 'stripe'
import {
  attachCard,
  cardFromNumbers,
  detachCard,
  paymentMethodById,
} from '../billing/cards-on-file.ts'
import { testCardById } from '../cards.ts'
import { invalid, missing } from '../errors.ts'
import { findCustomer, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { listParams, paginate } from '../pagination.ts'
import { integer, metadata, object, oneOf, required, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'
import { email } from './fields.ts'

const KIND = 'payment_method'

export const paymentMethodRoutes: Route[] = [
  route(
    'POST /v1/payment_methods',
    KIND,
    {
      billing_details: object({ email, name: string() }),
      card: object({
        cvc: string(),
        exp_month: integer(),
        exp_year: integer(),
        number: string(),
        token: string(),
      }),
      metadata: metadata(),
      type: required(oneOf(['card'])),
    },
    ({ world, params }) => {
      const { card, billing_details: billing } = params
      if (card?.token !== undefined) return byToken(world, card.token)
      const { number, exp_month: expMonth, exp_year: expYear, cvc } = card ?? {}
      if (number === undefined || expMonth === undefined || expYear === undefined) {
        throw invalid('Missing required param: card.', { code: 'parameter_missing', param: 'card' })
      }
      const method = cardFromNumbers(
        world,
        { number, expMonth, expYear, ...(cvc !== undefined && { cvc }) },
        { email: billing?.email ?? null, name: billing?.name ?? null },
        null,
      )
      method.metadata = mergeMetadata({}, params.metadata)
      world.touch(null)
      return method
    },
  ),
  route('GET /v1/payment_methods/:id', KIND, {}, ({ world, id }) => findMethod(world, id, null)),
  route('POST /v1/payment_methods/:id', KIND, { metadata: metadata() }, ({ world, id, params }) => {
    const method = findMethod(world, id, null)
    world.update(method, 'payment_method.updated', (changed) => {
      changed.metadata = mergeMetadata(changed.metadata ?? {}, params.metadata)
    })
    return method
  }),
  route(
    'GET /v1/payment_methods',
    'list of payment_method',
    { ...listParams, customer: string(), type: oneOf(['card']) },
    ({ world, params }) => {
      if (params.customer !== undefined) findCustomer(world, params.customer, 'customer')
      const found = [...world.store.paymentMethods.values()].filter((method) => {
        const owner = idOrNull(method.customer)
        return params.customer === undefined ? owner !== null : owner === params.customer
      })
      return paginate(
        found,
        params,
        '/v1/payment_methods',
        KIND,
        world.store.paymentMethods.values(),
      )
    },
  ),
  route(
    'POST /v1/payment_methods/:id/attach',
    KIND,
    { customer: required(string()) },
    ({ world, id, params }) => {
      const customer = findCustomer(world, params.customer, 'customer')
      const method = findMethod(world, id, customer.id)
      const owner = idOrNull(method.customer)
      if (owner !== null && owner !== customer.id) {
        throw invalid('The payment method you provided has already been attached to a customer.', {
          code: 'payment_method_unexpected_state',
        })
      }
      attachCard(world, method, customer.id)
      return method
    },
  ),
  route('POST /v1/payment_methods/:id/detach', KIND, {}, ({ world, id }) => {
    const method = findMethod(world, id, null)
    if (method.customer === null) {
      throw invalid(
        'The payment method you provided is not attached to a customer so detachment is impossible.',
        { code: 'payment_method_unexpected_state' },
      )
    }
    detachCard(world, method)
    return method
  }),
]

function findMethod(world: World, id: string, owner: string | null): Stripe.PaymentMethod {
  const method = paymentMethodById(world, id, owner)
  if (method) return method
  throw missing('PaymentMethod', id, 'id')
}

function byToken(world: World, token: string): Stripe.PaymentMethod {
  const method = testCardById(token) && paymentMethodById(world, token, null)
  if (method) return method
  throw missing('token', token, 'card[token]')
}
