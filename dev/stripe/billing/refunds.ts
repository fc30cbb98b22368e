// Refunds: money of a charge given back, whole or in part.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { idOrNull } from '../lookup.ts'
import { buildRefund } from '../objects/refund.ts'
import { type List, wholeList } from '../pagination.ts'
import type { World } from '../world.ts'
import { disputeOf } from './disputes.ts'

export interface RefundOrder {
  /** Default: all that is left of the charge. */
  amount?: number
  reason?: Stripe.Refund.Reason
  metadata?: Record<string, string>
}

/** @throws StripeError 400 `charge_already_refunded`, `charge_disputed`, or when it is too much */
export function refundCharge(
  world: World,
  charge: Stripe.Charge,
  order: RefundOrder = {},
): Stripe.Refund {
  const left = charge.amount_captured - charge.amount_refunded
  if (!charge.paid || left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, {
      code: 'charge_already_refunded',
    })
  }
  const dispute = disputeOf(world, charge)
  if (dispute && dispute.status !== 'won') {
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    })
  }
  const { amount = left } = order
  if (amount > left) {
    throw invalid(
      `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      { param: 'amount' },
    )
  }
  const refund = buildRefund({
    charge,
    amount,
    reason: order.reason ?? null,
    metadata: order.metadata ?? {},
    created: world.now(idOrNull(charge.customer)),
  })
  world.store.refunds.set(refund.id, refund)
  world.emit('refund.created', refund)
  world.update(charge, 'charge.refunded', (changed) => {
    changed.amount_refunded += amount
    changed.refunded = changed.amount_refunded === changed.amount_captured
  })
  return refund
}

/** A charge's refunds, newest first, as the charge lists them. */
export function refundList({ store }: World, chargeId: string): List<Stripe.Refund> {
  const refunds = [...store.refunds.values()].filter(({ charge }) => charge === chargeId)
  return wholeList(refunds.reverse(), `/v1/charges/${chargeId}/refunds`)
}
