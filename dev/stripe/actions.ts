// What a person does on Stripe's pages and in its dashboard.
import { periodEnd, scheduleCancellation, takeCancellationBack } from './billing/cancellations.ts'
import {
  attachCard,
  cardFromNumbers,
  rememberAuthentication,
  setDefaultCard,
} from './billing/cards-on-file.ts'
import { payCheckoutSession } from './billing/checkout.ts'
import { deleteCustomer } from './billing/delete-customer.ts'
import { closeDispute, openDispute } from './billing/disputes.ts'
import { endNow } from './billing/end-now.ts'
import { finalizeInvoice } from './billing/invoices.ts'
import { declineOf, type PaymentResult } from './billing/payments.ts'
import { changePlan } from './billing/plan-change.ts'
import { refundCharge } from './billing/refunds.ts'
import { pauseSubscription, resumeCollection } from './billing/renewals.ts'
import { resumePaused } from './billing/resume.ts'
import { subscribeByHand } from './billing/subscribe-by-hand.ts'
import { collect } from './billing/subscription-state.ts'
import { advanceCustomer } from './clock.ts'
import { invalid, StripeError } from './errors.ts'
import {
  customerOf,
  find,
  findActivePrice,
  findCustomer,
  findSubscription,
  idOf,
} from './lookup.ts'
import type { CardEntry, Outcome, Refusal, Simulator } from './simulator.ts'
import type { World } from './world.ts'

type Actions = Omit<
  Simulator,
  | 'api'
  | 'inProgress'
  | 'data'
  | 'onEvent'
  | 'renderEvent'
  | 'endpointsFor'
  | 'signingSecret'
  | 'setPendingWebhooks'
  | 'tick'
  | 'close'
>

/** @param around runs each action: what is due is done before it, events leave after it */
export function createActions(world: World, around: <T>(work: () => T) => T): Actions {
  const subscriptionBy = (id: string) => findSubscription(world, id, 'id')
  return {
    payCheckout: (sessionId, card, buyer = {}) =>
      around(() =>
        refusable(() => ({
          ok: true,
          redirectTo: payCheckoutSession(world, sessionId, card, buyer),
        })),
      ),
    changePlan: (subscriptionId, priceId, proration = 'always_invoice') =>
      around(() =>
        refusable(() =>
          outcomeOf(changePlan(world, subscriptionBy(subscriptionId), priceId, proration)),
        ),
      ),
    cancelAtPeriodEnd: (id) =>
      around(() => {
        const subscription = running(world, id)
        const flexible = subscription.billing_mode.type === 'flexible'
        const how = flexible ? { at: periodEnd(subscription) } : 'period_end'
        scheduleCancellation(world, subscription, how)
      }),
    resume: (id) => around(() => takeCancellationBack(world, running(world, id))),
    cancelNow: (id, proration = 'none') =>
      around(() =>
        endNow(world, running(world, id), {
          prorate: proration !== 'none',
          invoiceNow: proration === 'always_invoice',
        }),
      ),
    setCard: (customerId, card) => around(() => refusable(() => setCard(world, customerId, card))),
    pauseCollection: (id, behavior = 'void', resumesAt) =>
      around(() => {
        world.update(running(world, id), 'customer.subscription.updated', (changed) => {
          changed.pause_collection = { behavior, resumes_at: resumesAt ?? null }
        })
      }),
    unpauseCollection: (id) => around(() => resumeCollection(world, running(world, id))),
    pause: (id) => around(() => pauseSubscription(world, running(world, id), 'pause_requested')),
    unpause: (id) =>
      around(() =>
        refusable(() =>
          outcomeOf(
            resumePaused(world, running(world, id), {
              billingCycleAnchor: 'now',
              prorationBehavior: 'create_prorations',
              on: 'success',
            }),
          ),
        ),
      ),
    customerNow: (customerId) => {
      findCustomer(world, customerId, 'id')
      return world.now(customerId)
    },
    advanceCustomer: (customerId, to) => around(() => advanceCustomer(world, customerId, to)),
    nextRenewal: (customerId) => nextRenewal(world, customerId),
    failNextPayment: (customerId) =>
      around(() => {
        findCustomer(world, customerId, 'id')
        world.store.failNextPayment.set(customerId, true)
        world.touch(customerId)
      }),
    payInvoice: (invoiceId, card) =>
      around(() => refusable(() => payInvoice(world, invoiceId, card))),
    subscribe: (customerId, priceId, terms = {}) =>
      around(() =>
        refusable(() => {
          const customer = findCustomer(world, customerId, 'id')
          const price = findActivePrice(world, priceId, 'price')
          const { id } = subscribeByHand(world, customer, price, terms)
          return { ok: true, subscription: id }
        }),
      ),
    deleteCustomer: (customerId) =>
      around(() => {
        deleteCustomer(world, findCustomer(world, customerId, 'id'))
      }),
    refundCharge: (chargeId, order) =>
      around(
        () => refundCharge(world, find(world.store.charges, 'charge', chargeId, 'id'), order).id,
      ),
    openDispute: (chargeId, reason) =>
      around(
        () => openDispute(world, find(world.store.charges, 'charge', chargeId, 'id'), reason).id,
      ),
    closeDispute: (disputeId, outcome) =>
      around(() => {
        closeDispute(world, find(world.store.disputes, 'dispute', disputeId, 'id'), outcome)
      }),
  }
}

/** A refused card is an answer to the person; anything else is the caller's mistake. */
function refusable<T>(work: () => T): T | Refusal {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof StripeError) || error.code === 'resource_missing') throw error
    const { code = error.fields.type ?? 'invalid_request_error', declineCode } = error.fields
    return { ok: false, code, ...(declineCode && { declineCode }), message: error.message }
  }
}

function outcomeOf(result: PaymentResult | null): Outcome {
  if (!result || result.kind === 'paid') return { ok: true }
  const decline = declineOf(result)
  if (!decline) {
    return { ok: false, code: 'no_payment_method', message: 'There is no card on file.' }
  }
  const { code, declineCode, message } = decline
  return { ok: false, code, declineCode, message }
}

/** @throws StripeError when the subscription has ended */
function running(world: World, id: string) {
  const subscription = findSubscription(world, id, 'id')
  if (subscription.ended_at === null) return subscription
  throw invalid(`The subscription ${id} has ended.`, { code: 'subscription_ended' })
}

function setCard(world: World, customerId: string, card: CardEntry): Outcome {
  const customer = findCustomer(world, customerId, 'id')
  const billing = { email: customer.email, name: customer.name ?? null }
  const method = cardFromNumbers(world, card, billing, customer.id)
  attachCard(world, method, customer.id)
  rememberAuthentication(world, method)
  setDefaultCard(world, customer, method.id)
  for (const subscription of world.store.subscriptions.values()) {
    if (idOf(subscription.customer) !== customer.id || subscription.ended_at !== null) continue
    world.update(subscription, 'customer.subscription.updated', (changed) => {
      changed.default_payment_method = method.id
    })
  }
  return { ok: true }
}

function payInvoice(world: World, invoiceId: string, card: CardEntry | undefined): Outcome {
  const invoice = find(world.store.invoices, 'invoice', invoiceId, 'id')
  if (card) setCard(world, customerOf(world, invoice).id, card)
  if (invoice.status === 'draft') finalizeInvoice(world, invoice)
  if (invoice.status === 'paid') return { ok: true }
  if (invoice.status === 'void') {
    throw invalid('This invoice is void: nothing is owed.', { code: 'invoice_not_editable' })
  }
  return outcomeOf(collect(world, invoice, { automatic: false }))
}

function nextRenewal(world: World, customerId: string): number | null {
  findCustomer(world, customerId, 'id')
  const ends = [...world.store.subscriptions.values()]
    .filter(({ customer, ended_at }) => idOf(customer) === customerId && ended_at === null)
    .filter(({ status }) => status !== 'paused' && status !== 'incomplete')
    .map(periodEnd)
  return ends.length > 0 ? Math.min(...ends) : null
}
