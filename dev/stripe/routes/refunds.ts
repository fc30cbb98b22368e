// /v1/refunds
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { buildRefund } from '../objects/refund.ts'
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
      const left = charge.amount_captured - charge.amount_refunded
      if (!charge.paid || left === 0) {
        throw invalid(`Charge ${charge.id} has already been refunded.`, {
          code: 'charge_already_refunded',
        })
      }
      const amount = params.amount ?? left
      if (amount > left) {
        throw invalid(
          `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
          { param: 'amount' },
        )
      }
      const refund = buildRefund({
        charge,
        amount,
        reason: params.reason ?? null,
        metadata: mergeMetadata({}, params.metadata),
        created: world.now(idOrNull(charge.customer)),
      })
      world.store.refunds.set(refund.id, refund)
      world.emit('refund.created', refund)
      world.update(charge, 'charge.refunded', (changed) => {
        changed.amount_refunded += amount
        changed.refunded = changed.amount_refunded === changed.amount_captured
      })
      return refund
    },
  ),
  route('GET /v1/refunds/:id', 'refund', {}, ({ world, id }) =>
    find(world.store.refunds, 'refund', id, 'id'),
  ),
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
