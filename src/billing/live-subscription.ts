// One subscription as Stripe has it now, in one request: for one that owes, its invoices come along.
import type Stripe from 'stripe'
import type { Deps } from '../context.ts'
import { isMissing } from '../stripe-fault.ts'
import { UnknownShapeError } from './event-subject.ts'
import { isOfPeriod } from './stripe-subscription.ts'

export interface LiveSubscription {
  /** With its latest invoice expanded, or, where that matters, the latest that a period began with. */
  subscription: Stripe.Subscription
  /** Since when it has been past due without a break; null where it is not, or no invoice tells. */
  owesSince: Date | null
}

/** Enough for a debt of some months; an older one is read on page by page. */
const PAGE = 10

/**
 * @param owes whether it is expected to be past due: a wrong guess costs a second request, and nothing else
 * @returns null when Stripe has no such subscription
 * @throws Stripe's errors
 */
export async function readLive(
  { stripe, log }: Pick<Deps, 'stripe' | 'log'>,
  id: string,
  owes: boolean,
): Promise<LiveSubscription | null> {
  try {
    return (owes && (await throughInvoices(stripe, id))) || (await directly(stripe, id))
  } catch (error) {
    if (!isMissing(error, 'id') && !isMissing(error, 'subscription')) throw error
    log('error', 'subscription_missing_at_stripe', { subscription: id })
    return null
  }
}

async function directly(stripe: Stripe, id: string): Promise<LiveSubscription> {
  const subscription = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
  return complete(subscription, () => invoicesOf(stripe, id))
}

/** Null where it has no invoice to be read through. */
async function throughInvoices(stripe: Stripe, id: string): Promise<LiveSubscription | null> {
  const invoices = invoicesOf(stripe, id, ['data.parent.subscription_details.subscription'])
  const { data } = await invoices
  const [newest] = data
  if (!newest) return null
  const subscription = newest.parent?.subscription_details?.subscription
  if (typeof subscription !== 'object' || subscription.id !== id) {
    throw new UnknownShapeError(`Invoice ${newest.id} does not show its subscription ${id}`)
  }
  const latest = data.find((invoice) => invoice.id === subscription.latest_invoice)
  const latest_invoice = latest ?? subscription.latest_invoice
  return complete({ ...subscription, latest_invoice }, () => invoices)
}

/** Asks the invoices where the latest one alone does not tell. */
async function complete(
  subscription: Stripe.Subscription,
  invoices: () => AsyncIterable<Stripe.Invoice>,
): Promise<LiveSubscription> {
  if (subscription.status === 'past_due') {
    return { subscription, owesSince: await startOfDebt(invoices()) }
  }
  if (!needsInvoices(subscription)) return { subscription, owesSince: null }
  const latest_invoice = await newestOfPeriod(invoices())
  return { subscription: { ...subscription, latest_invoice }, owesSince: null }
}

/**
 * Whether more than the latest invoice must be read: for the start of a debt, and for a pause without service whose
 * latest invoice is that of a change of plan.
 */
export function needsInvoices({ status, pause_collection, latest_invoice }: Stripe.Subscription) {
  const isOther =
    typeof latest_invoice === 'object' && latest_invoice && !isOfPeriod(latest_invoice)
  return status === 'past_due' || (pause_collection?.behavior === 'void' && isOther === true)
}

async function newestOfPeriod(
  invoices: AsyncIterable<Stripe.Invoice>,
): Promise<Stripe.Invoice | null> {
  for await (const invoice of invoices) if (isOfPeriod(invoice)) return invoice
  return null
}

/** Newest first. */
function invoicesOf(stripe: Stripe, subscription: string, expand: string[] = []) {
  return stripe.invoices.list({ subscription, limit: PAGE, expand })
}

/**
 * The first failure since something was last paid: the due date of an invoice that is sent; else the moment when it
 * was finalised, as Stripe tries to collect it at once. A retry changes neither, and what was given away is no debt.
 */
async function startOfDebt(invoices: AsyncIterable<Stripe.Invoice>): Promise<Date | null> {
  let since: number | null = null
  for await (const invoice of invoices) {
    if (invoice.status === 'paid') break
    if (invoice.status === 'open' || wasOwed(invoice)) {
      since = invoice.due_date ?? invoice.status_transitions.finalized_at ?? since
    }
  }
  return since === null ? null : new Date(since * 1000)
}

/** Written off after it was tried or due. Before that it is a gift: collection was paused with `mark_uncollectible`. */
function wasOwed({ status, attempted, due_date, status_transitions }: Stripe.Invoice): boolean {
  if (status !== 'uncollectible') return false
  const { marked_uncollectible_at: writtenOffAt } = status_transitions
  return attempted || (due_date !== null && (writtenOffAt ?? due_date) >= due_date)
}
