// Money that went back: a full refund of the running period, or a lost dispute, ends the subscription at Stripe
// itself, so that nobody is charged again and every later read shows the end. `PAYMENT_REVERSAL_POLICY=keep`: nothing.
import type Stripe from 'stripe'
import type { Deps } from '../context.ts'
import { isLive } from '../data/entitlement.ts'
import { errorFields } from '../log.ts'
import { isMissing } from '../stripe-fault.ts'
import type { Subject } from './event-subject.ts'
import { type Cause, drawTicket, finishEntry } from './ledger.ts'
import { readingOf } from './stripe-subscription.ts'
import { type SyncResult, syncSubscription } from './sync.ts'

type Reversed = Extract<Subject, { kind: 'refund' | 'dispute' }>
type Verdict =
  | { kind: 'ends'; subscriptionId: string; why: string }
  | { kind: 'stays'; why: string }

/** An invoice may bear the second before the one in which its period begins. */
const CLOCK_GRAIN_SECONDS = 60

/**
 * Ends the subscription that the payment was for, if the policy says so and it is ours, and stores what Stripe shows
 * then. Everything is read live: the event only names the charge or the dispute.
 * @throws Stripe's and the database's errors: the next delivery does it again
 */
export async function endReversed(
  deps: Deps,
  subject: Reversed,
  cause: Cause,
): Promise<SyncResult> {
  const verdict = await judge(deps, subject)
  if (verdict.kind === 'stays') return ignore(deps, cause, verdict.why)
  const { subscriptionId, why } = verdict
  // Only one whose row we have, or now get, is ours to end: the account may sell other things.
  const known = await syncSubscription(deps, subscriptionId, { cause, finishes: false })
  if (known.outcome === 'ignored') return ignore(deps, cause, known.reason)
  const { status } = await deps.stripe.subscriptions.retrieve(subscriptionId)
  if (isLive(status)) {
    await end(deps.stripe, subscriptionId, why)
    deps.log('warn', 'subscription_ended_after_reversal', { subscription: subscriptionId, why })
  }
  // A ticket of its own: under the event's, this read would count as older than what was stored above.
  const ticket = await drawTicket(deps.db)
  return syncSubscription(deps, subscriptionId, { cause: { ...cause, ticket }, why })
}

async function judge(deps: Deps, subject: Reversed): Promise<Verdict> {
  const { stripe, config } = deps
  if (config.paymentReversal === 'keep') {
    return { kind: 'stays', why: 'PAYMENT_REVERSAL_POLICY is keep' }
  }
  if (subject.kind === 'dispute') {
    const dispute = await found(deps, 'dispute', stripe.disputes.retrieve(subject.disputeId))
    if (!dispute) return { kind: 'stays', why: 'Stripe has no such dispute' }
    if (dispute.status !== 'lost') return { kind: 'stays', why: `the dispute is ${dispute.status}` }
    const invoice = await invoiceOf(deps, dispute.id, idOf(dispute.payment_intent))
    return invoice?.subscription
      ? {
          kind: 'ends',
          subscriptionId: invoice.subscription,
          why: `dispute ${dispute.id} was lost`,
        }
      : NO_SUBSCRIPTION
  }
  const charge = await found(deps, 'charge', stripe.charges.retrieve(subject.chargeId))
  if (!charge) return { kind: 'stays', why: 'Stripe has no such charge' }
  if (!charge.refunded) return { kind: 'stays', why: 'the charge is refunded in part only' }
  const intent = idOf(charge.payment_intent)
  const invoice = await invoiceOf(deps, charge.id, intent)
  if (!invoice?.subscription || !intent) return NO_SUBSCRIPTION
  const left = await whatIsLeft(deps, invoice.subscription, intent)
  return left === null
    ? {
        kind: 'ends',
        subscriptionId: invoice.subscription,
        why: `charge ${charge.id} was refunded in full`,
      }
    : { kind: 'stays', why: left }
}

/** Null, and an error in the log, where Stripe has it not: as for a subscription, a retry would not find it either. */
async function found<T extends { id: string }>(
  { log }: Deps,
  kind: 'charge' | 'dispute',
  object: Promise<T>,
): Promise<T | null> {
  try {
    return await object
  } catch (error) {
    if (!isMissing(error, 'id') && !isMissing(error, kind)) throw error
    log('error', `${kind}_missing_at_stripe`, errorFields(error))
    return null
  }
}

const NO_SUBSCRIPTION: Verdict = { kind: 'stays', why: 'the payment was for no subscription' }

/** The invoice that a payment paid. Since basil a charge does not name it. */
async function invoiceOf({ stripe, log }: Deps, reversed: string, intent: string | null) {
  if (!intent) {
    // As before payment intents (2019): which invoice it paid cannot be found, and somebody must look.
    log('error', 'reversal_without_payment_intent', { reversed })
    return null
  }
  const { data } = await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: intent },
    limit: 1,
    expand: ['data.invoice'],
  })
  const invoice = data[0]?.invoice
  if (typeof invoice !== 'object' || invoice.deleted) return null
  return { subscription: idOf(invoice.parent?.subscription_details?.subscription ?? null) }
}

/** Why the running period counts as paid though `refunded` went back, or null when nothing is left of it. */
async function whatIsLeft(
  { stripe, config }: Deps,
  subscriptionId: string,
  refunded: string,
): Promise<string | null> {
  const subscription = await stripe.subscriptions.retrieve(subscriptionId, {
    expand: ['latest_invoice'],
  })
  const { currentPeriodStart } = readingOf(subscription, config.prices)
  const { data: paid } = await stripe.invoices.list({
    subscription: subscriptionId,
    status: 'paid',
    created: { gte: Math.floor(currentPeriodStart.getTime() / 1000) - CLOCK_GRAIN_SECONDS },
    limit: 100,
    expand: ['data.payments'],
  })
  const intents = new Set<string>()
  // What was not paid by card here (by credit, by hand, through another system) has not gone back either.
  for (const { total, payments } of paid) {
    if (total <= 0) continue
    const ids = (payments?.data ?? [])
      .filter(({ status }) => status === 'paid')
      .map(({ payment }) => idOf(payment.payment_intent ?? null))
    if (ids.length === 0 || payments?.has_more || ids.includes(null)) return ANOTHER_STANDS
    for (const id of ids) if (id) intents.add(id)
  }
  if (!intents.delete(refunded)) return 'the refund is of an earlier period'
  for (const intent of intents) {
    const { latest_charge } = await stripe.paymentIntents.retrieve(intent, {
      expand: ['latest_charge'],
    })
    if (typeof latest_charge !== 'object' || !latest_charge?.refunded) return ANOTHER_STANDS
  }
  return null
}

const ANOTHER_STANDS = 'another payment of the running period stands'

/** At once, without a credit for what is left of the period: it has been given back already. */
async function end(stripe: Stripe, id: string, why: string): Promise<void> {
  try {
    await stripe.subscriptions.cancel(id, {
      prorate: false,
      invoice_now: false,
      cancellation_details: { comment: `Tollgate: ${why}` },
    })
  } catch (error) {
    // Somebody else has ended it meanwhile.
    if (!isMissing(error, 'id')) throw error
  }
}

async function ignore(deps: Deps, cause: Cause, reason: string): Promise<SyncResult> {
  const result = { outcome: 'ignored' as const, reason }
  await finishEntry(deps.db, cause, result, deps.now())
  return result
}

function idOf(value: string | { id: string } | null): string | null {
  return typeof value === 'object' ? (value?.id ?? null) : value
}
