// A dispute's life: the bank takes the money, then somebody wins. Until it is decided here it waits;
// its deadline ends nothing.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { find, idOf, idOrNull } from '../lookup.ts'
import { buildDispute, reinstatement } from '../objects/dispute.ts'
import type { World } from '../world.ts'

/** Why a cardholder disputes a charge, as Stripe sorts it. */
export const DISPUTE_REASONS = [
  'credit_not_processed',
  'duplicate',
  'fraudulent',
  'general',
  'product_not_received',
  'product_unacceptable',
  'subscription_canceled',
  'unrecognized',
] as const

export type DisputeReason = (typeof DISPUTE_REASONS)[number]

export type DisputeOutcome = 'won' | 'lost'

/**
 * The cardholder disputes what was not refunded of a charge.
 * @throws StripeError 400 when nothing was paid or is left, or when it was disputed before
 */
export function openDispute(
  world: World,
  charge: Stripe.Charge,
  reason: DisputeReason = 'fraudulent',
): Stripe.Dispute {
  const amount = charge.amount_captured - charge.amount_refunded
  if (!charge.paid || amount === 0) {
    throw invalid(`There is nothing to dispute on charge ${charge.id}: it failed or was refunded.`)
  }
  if (disputeOf(world, charge)) {
    throw invalid(`Charge ${charge.id} has already been disputed.`, { code: 'charge_disputed' })
  }
  const created = world.now(idOrNull(charge.customer))
  const dispute = buildDispute({ charge, amount, reason, created })
  world.store.disputes.set(dispute.id, dispute)
  charge.disputed = true
  world.emit('charge.dispute.created', dispute)
  world.emit('charge.dispute.funds_withdrawn', dispute)
  return dispute
}

/** Closes a dispute for good. @throws StripeError 400 when it is closed already */
export function closeDispute(world: World, dispute: Stripe.Dispute, outcome: DisputeOutcome): void {
  requireOpen(dispute)
  const charge = find(world.store.charges, 'charge', idOf(dispute.charge), 'id')
  const now = world.now(idOrNull(charge.customer))
  world.update(dispute, 'charge.dispute.closed', (changed) => {
    changed.status = outcome
    if (outcome === 'won') changed.balance_transactions.push(reinstatement(changed, now))
  })
  if (outcome === 'won') world.emit('charge.dispute.funds_reinstated', dispute)
}

export interface EvidenceChange {
  evidence: Partial<Stripe.Dispute.Evidence>
  metadata: Record<string, string>
  submit: boolean
}

/** Test mode decides by these words at once; a bank would take weeks. */
const DECIDED: Record<string, DisputeOutcome> = {
  losing_evidence: 'lost',
  winning_evidence: 'won',
}

/** Stages evidence, and hands all that is staged to the bank when it is submitted. */
export function respond(
  world: World,
  dispute: Stripe.Dispute,
  { evidence, metadata, submit }: EvidenceChange,
): void {
  const answers = submit || Object.keys(evidence).length > 0
  if (answers) requireOpen(dispute)
  if (answers && dispute.status === 'under_review') {
    throw invalid('The evidence for this dispute has been submitted: it cannot be changed.')
  }
  world.update(dispute, 'charge.dispute.updated', (changed) => {
    Object.assign(changed.evidence, evidence)
    changed.metadata = metadata
    const details = changed.evidence_details
    details.has_evidence = Object.values(changed.evidence).some((text) => typeof text === 'string')
    if (!submit || !details.has_evidence) return
    details.submission_count += 1
    details.submission_method = 'manual'
    changed.status = 'under_review'
  })
  const outcome = DECIDED[dispute.evidence.uncategorized_text ?? '']
  if (outcome && dispute.status === 'under_review') closeDispute(world, dispute, outcome)
}

export function disputeOf(
  { store }: Pick<World, 'store'>,
  charge: Stripe.Charge,
): Stripe.Dispute | null {
  if (!charge.disputed) return null
  return [...store.disputes.values()].find((dispute) => dispute.charge === charge.id) ?? null
}

function requireOpen({ status }: Stripe.Dispute): void {
  if (status !== 'won' && status !== 'lost') return
  throw invalid(`This dispute is already closed: it was ${status}.`)
}
