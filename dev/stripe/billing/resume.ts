// From status `paused` back to active: by an invoice, unless time that was paid for is left.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { idOf } from '../lookup.ts'
import { addIntervals, type Period, periodAt } from '../periods.ts'
import { remaining } from '../prorate.ts'
import type { World } from '../world.ts'
import { billNow } from './bill-now.ts'
import { periodEnd } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import { voidInvoice } from './invoices.ts'
import { notesOf } from './notes.ts'
import type { PaymentResult } from './payments.ts'
import { addPending, billed } from './plan-change.ts'
import { markResumed } from './subscription-state.ts'

export interface ResumeOptions {
  billingCycleAnchor: 'now' | 'unchanged'
  prorationBehavior: 'create_prorations' | 'always_invoice' | 'none'
  /**
   * `success`: the card is charged now, and the subscription stays paused until a payment succeeds.
   * `attempt`: nobody is charged now; the first attempt at the invoice makes it active or past_due.
   */
  on: 'attempt' | 'success'
}

/** How long the invoice of a resumption may stay open. */
const OPEN_SECONDS = 23 * 3600

/**
 * Begins a new cycle now, or goes on in the old one.
 * @throws StripeError 400 when it is not paused, or already waits for an invoice
 */
export function resumePaused(
  world: World,
  subscription: Stripe.Subscription,
  options: ResumeOptions,
): PaymentResult | null {
  requirePaused(world, subscription)
  const now = world.now(idOf(subscription.customer))
  const goesOn = options.billingCycleAnchor === 'unchanged'
  if (goesOn && now < periodEnd(subscription)) {
    markResumed(world, subscription, 'active')
    return null
  }
  const period = beginPeriod(world, subscription, goesOn, now)
  if (goesOn && options.prorationBehavior === 'none') {
    markResumed(world, subscription, 'active')
    return null
  }
  // In the old cycle only what is left of the running period is billed.
  if (goesOn) {
    addPending(world, subscription, remaining(billed(subscription.items.data), period, now))
  }
  return billNow(world, subscription, {
    period: goesOn ? null : period,
    lookingBack: { start: now, end: now },
    collect: options.on === 'success',
    drafted: (invoice) => {
      const voidsAt = now + OPEN_SECONDS
      notesOf(world, subscription).resumption = { invoice: invoice.id, on: options.on, voidsAt }
    },
  })
}

function requirePaused(world: World, subscription: Stripe.Subscription): void {
  if (subscription.status !== 'paused') {
    throw invalid(`Only paused subscriptions can be resumed; this one is ${subscription.status}.`, {
      code: 'subscription_not_paused',
    })
  }
  const waiting = notesOf(world, subscription).resumption
  if (waiting) {
    throw invalid(
      `This subscription is already being resumed: pay its invoice ${waiting.invoice}, or mark it uncollectible.`,
      { code: 'subscription_resume_in_progress' },
    )
  }
}

/** The period that holds now: of a new cycle, or of the old one. */
function beginPeriod(
  world: World,
  subscription: Stripe.Subscription,
  goesOn: boolean,
  now: number,
): Period {
  const interval = commonInterval(subscription.items.data)
  const period = goesOn
    ? periodAt(subscription.billing_cycle_anchor, interval, now)
    : { start: now, end: addIntervals(now, interval, 1) }
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    if (!goesOn) changed.billing_cycle_anchor = now
    changed.trial_end = changed.trial_end === null ? null : Math.min(changed.trial_end, now)
    for (const item of changed.items.data) {
      item.current_period_start = period.start
      item.current_period_end = period.end
    }
  })
  return period
}

/** Nobody paid in time: the invoice is void, and the subscription stays paused. */
export function giveUpResuming(world: World, subscription: Stripe.Subscription): void {
  const notes = notesOf(world, subscription)
  const invoice = world.store.invoices.get(notes.resumption?.invoice ?? '')
  notes.resumption = null
  if (invoice?.status === 'open') voidInvoice(world, invoice)
}
