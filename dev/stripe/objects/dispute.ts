// Disputes, and the balance transactions that take their money and give it back.
import type { Stripe } from 'stripe'
import { newId } from '../ids.ts'

const DAY = 86_400

/** What Stripe takes for a dispute in the US. It keeps it, however the dispute ends. */
const FEE_CENTS = 1500

/** The networks' own words for fraud. */
const FRAUD_CODES: Record<string, string> = { visa: '10.4', mastercard: '4837', discover: 'UA02' }

export interface NewDispute {
  charge: Stripe.Charge
  amount: number
  reason: string
  created: number
}

/** A chargeback whose money has been withdrawn already. */
export function buildDispute({ charge, amount, reason, created }: NewDispute): Stripe.Dispute {
  const id = newId('du')
  const brand = charge.payment_method_details?.card?.brand ?? 'visa'
  return {
    id,
    object: 'dispute',
    amount,
    balance_transactions: [
      adjustment(id, {
        amount: -amount,
        fee: FEE_CENTS,
        currency: charge.currency,
        description: `Chargeback withdrawal for ${charge.id}`,
        category: 'dispute',
        created,
      }),
    ],
    charge: charge.id,
    created,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: { ...noEvidence(), enhanced_evidence: {} },
    evidence_details: {
      due_by: endOfDay(created + 19 * DAY),
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand,
        case_type: 'chargeback',
        network: brand,
        network_reason_code: reason === 'fraudulent' ? (FRAUD_CODES[brand] ?? null) : null,
      },
      type: 'card',
    },
    reason,
    status: 'needs_response',
  }
}

/** The disputed amount comes back; the fee does not. */
export function reinstatement(dispute: Stripe.Dispute, created: number): Stripe.BalanceTransaction {
  return adjustment(dispute.id, {
    amount: dispute.amount,
    fee: 0,
    currency: dispute.currency,
    description: `Chargeback reversal for ${String(dispute.charge)}`,
    category: 'dispute_reversal',
    created,
  })
}

interface NewAdjustment {
  amount: number
  fee: number
  currency: string
  description: string
  category: 'dispute' | 'dispute_reversal'
  created: number
}

function adjustment(source: string, fields: NewAdjustment): Stripe.BalanceTransaction {
  const { amount, fee, currency, description, category, created } = fields
  const detail = { amount: fee, application: null, currency, description: 'Dispute fee' }
  return {
    id: newId('txn'),
    object: 'balance_transaction',
    amount,
    available_on: created,
    balance_type: 'payments',
    created,
    currency,
    description,
    exchange_rate: null,
    fee,
    fee_details: fee === 0 ? [] : [{ ...detail, type: 'stripe_fee' }],
    net: amount - fee,
    reporting_category: category,
    source,
    status: 'available',
    type: 'adjustment',
  }
}

/** Evidence that is written out. */
export const EVIDENCE_TEXTS = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_tracking_number',
  'uncategorized_text',
] as const

/** Evidence that is an uploaded file. */
export const EVIDENCE_FILES = [
  'cancellation_policy',
  'customer_communication',
  'customer_signature',
  'duplicate_charge_documentation',
  'receipt',
  'refund_policy',
  'service_documentation',
  'shipping_documentation',
  'uncategorized_file',
] as const

type EvidenceName = (typeof EVIDENCE_TEXTS)[number] | (typeof EVIDENCE_FILES)[number]

function noEvidence(): Record<EvidenceName, null> {
  const names = [...EVIDENCE_TEXTS, ...EVIDENCE_FILES].toSorted()
  // Every name has its entry.
  return Object.fromEntries(names.map((name) => [name, null])) as Record<EvidenceName, null>
}

/** Banks count whole days. */
function endOfDay(moment: number): number {
  return moment - (moment % DAY) + DAY - 1
}
