// /v1/refunds
import type { Stripe } from 'stripe'
import { refundCharge } from '../billing/refunds.ts'
import { invalid } from '../errors.ts'
import { find, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import { integer, metadata, oneOf, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import type { World } from '../world.ts'

export const refundRoutes: Route[] = [
  route(
    'POST /v1/refunds',
    'refund',
    {
      amount: integer({ min: 1 }),
      charge: string(),
      metadata: metadata(),
      payment_intent: string(),
      reason: oneOf(['duplicate', 'fraudulent', 'requested_by_customer']),
    },
    ({ world, params }) => {
      const charge = chargeOf(world, params)
      return refundCharge(world, charge, {
        ...(params.amount !== undefined && { amount: params.amount }),
        ...(params.reason && { reason: params.reason }),
        metadata: mergeMetadata({}, params.metadata),
      })
    },
  ),
  route('GET /v1/refunds/:id', 'refund', {}, ({ world, id }) =>
    find(world.store.refunds, 'refund', id, 'id'),
  ),
  route('POST /v1/refunds/:id', 'refund', { metadata: metadata() }, ({ world, id, params }) => {
    const refund = find(world.store.refunds, 'refund', id, 'id')
    const before = structuredClone(refund)
    refund.metadata = mergeMetadata(refund.metadata ?? {}, params.metadata)
    world.announce(refund, 'refund.updated', before)
    world.announce(refund, 'charge.refund.updated', before)
    return refund
  }),
  route(
    'GET /v1/refunds',
    'list of refund',
    { ...listParams, charge: string(), created: createdParam, payment_intent: string() },
    ({ world, params }) => {
      const found = [...world.store.refunds.values()].filter(
        (refund) =>
          (params.charge === undefined || idOrNull(refund.charge) === params.charge) &&
          (params.payment_intent === undefined ||
            idOrNull(refund.payment_intent) === params.payment_intent) &&
          inRange(refund.created, params.created),
      )
      return paginate(found, params, '/v1/refunds', 'refund', world.store.refunds.values())
    },
  ),
]

function chargeOf(
  world: World,
  params: { charge?: string; payment_intent?: string },
): Stripe.Charge {
  if (params.charge !== undefined) {
    return find(world.store.charges, 'charge', params.charge, 'charge')
  }
  if (params.payment_intent === undefined) {
    throw invalid(
      'One of the following params should be provided for this request: payment_intent or charge.',
      {
        code: 'parameter_missing',
        param: 'payment_intent',
      },
    )
  }
  const intent = find(
    world.store.paymentIntents,
    'payment_intent',
    params.payment_intent,
    'payment_intent',
  )
  const charge = world.store.charges.get(idOrNull(intent.latest_charge) ?? '')
  if (charge) return charge
  throw invalid('This PaymentIntent does not have a successful charge to refund.', {
    code: 'payment_intent_unexpected_state',
    param: 'payment_intent',
  })
}
