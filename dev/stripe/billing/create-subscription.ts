// A new subscription: its items, its first period or trial, its first invoice.
import type { Stripe } from 'stripe'
import { invalid } from '../errors.ts'
import { idOrNull } from '../lookup.ts'
import { share } from '../money.ts'
import { buildSubscription, buildSubscriptionItem } from '../objects/subscription.ts'
import { type Interval, type Period, periodAt, sameInterval } from '../periods.ts'
import type { World } from '../world.ts'
import { linkPayment } from './invoice-payments.ts'
import { billedAmount, draftInvoice, finalizeInvoice, markPaid } from './invoices.ts'
import type { PaymentResult } from './payments.ts'
import { collect, setStatus } from './subscription-state.ts'

export interface WantedItem {
  price: Stripe.Price
  quantity: number
  metadata: Record<string, string>
}

export interface SubscriptionOrder {
  customer: Stripe.Customer
  items: WantedItem[]
  metadata: Record<string, string>
  billingMode: 'classic' | 'flexible'
  description: string | null
  defaultPaymentMethod: string | null
  trialEnd: number | null
  anchor: number | null
  /** The time up to an anchor that lies ahead is not billed. */
  freeStub?: boolean
  /** Of invoices that are sent. */
  daysUntilDue?: number | null
  missingPaymentMethod: Stripe.Subscription.TrialSettings.EndBehavior.MissingPaymentMethod
  collectionMethod: Stripe.Subscription.CollectionMethod
  saveDefaultPaymentMethod: Stripe.Subscription.PaymentSettings.SaveDefaultPaymentMethod
  cancelAtPeriodEnd: boolean
  cancelAt: number | 'period_end' | null
  /**
   * How the first invoice is paid: by an intent that Checkout already collected, by the card on
   * file, or not yet (`default_incomplete`).
   */
  payment: { kind: 'collected'; intent: Stripe.PaymentIntent | null } | { kind: 'charge' | 'wait' }
}

/**
 * Creates the subscription and bills it. With `charge` it is `active` afterwards, or `incomplete`
 * when the card was refused.
 * @throws StripeError 400 when the items cannot stand together
 */
export function createSubscription(
  world: World,
  order: SubscriptionOrder,
): { subscription: Stripe.Subscription; result: PaymentResult | null } {
  const { customer } = order
  const now = world.now(customer.id)
  const interval = commonInterval(order.items)
  const trial =
    order.trialEnd !== null && order.trialEnd > now ? { start: now, end: order.trialEnd } : null
  const anchor = trial?.end ?? order.anchor ?? now
  const period = trial ?? firstPeriod(anchor, interval, now)
  const subscription = buildSubscription({
    customer,
    billingMode: order.billingMode,
    anchor,
    metadata: order.metadata,
    defaultPaymentMethod: order.defaultPaymentMethod,
    collectionMethod: order.collectionMethod,
    currency: order.items[0]?.price.currency ?? 'usd',
    daysUntilDue: order.daysUntilDue ?? null,
    description: order.description,
    trial,
    missingPaymentMethod: order.missingPaymentMethod,
    saveDefaultPaymentMethod: order.saveDefaultPaymentMethod,
    created: now,
  })
  subscription.items.data = order.items.map((item) =>
    buildSubscriptionItem({ ...item, subscription: subscription.id, period, created: now }),
  )
  if (order.cancelAtPeriodEnd) {
    subscription.cancel_at_period_end = true
    subscription.cancel_at = period.end
    subscription.canceled_at = now
  } else if (order.cancelAt !== null) {
    subscription.cancel_at = order.cancelAt === 'period_end' ? period.end : order.cancelAt
    subscription.canceled_at = now
  }
  world.add('subscriptions', subscription)
  return { subscription, result: billFirst(world, subscription, order, period, trial !== null) }
}

function billFirst(
  world: World,
  subscription: Stripe.Subscription,
  order: SubscriptionOrder,
  period: Period,
  trial: boolean,
): PaymentResult | null {
  const now = subscription.created
  const items = subscription.items.data.map((item) => ({
    item,
    period,
    trial,
    ...(!trial && stubAmount(subscription, item, period, order.freeStub ?? false)),
  }))
  const due = items.some((line) => billedAmount(line) > 0)
  const trusted = order.payment.kind === 'collected' || order.collectionMethod === 'send_invoice'
  if (!trial && (trusted || !due)) subscription.status = 'active'
  const invoice = draftInvoice(world, {
    customer: order.customer,
    subscription,
    reason: 'subscription_create',
    period: { start: now, end: now },
    items,
    finalizes: 'now',
    announce: () => world.emit('customer.subscription.created', subscription),
  })
  finalizeInvoice(world, invoice)
  if (invoice.status !== 'open') {
    if (subscription.status === 'incomplete') setStatus(world, subscription, 'active')
    return null
  }
  if (order.payment.kind === 'collected') {
    if (order.payment.intent) linkPayment(world, invoice, order.payment.intent)
    invoice.attempt_count = 1
    markPaid(world, invoice)
    return { kind: 'paid' }
  }
  if (order.payment.kind === 'wait' || order.collectionMethod === 'send_invoice') return null
  const result = collect(world, invoice, { automatic: true })
  if (result.kind === 'paid' && order.saveDefaultPaymentMethod === 'on_subscription') {
    saveCard(world, subscription, invoice)
  }
  return result
}

function saveCard(world: World, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  const payment = [...world.store.invoicePayments.values()].find((p) => p.invoice === invoice.id)
  const intent = world.store.paymentIntents.get(idOrNull(payment?.payment.payment_intent) ?? '')
  const method = idOrNull(intent?.payment_method)
  if (method === null) return
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.default_payment_method = method
  })
}

/** What a first period costs that ends before a whole interval is over; nothing for a whole one. */
function stubAmount(
  { billing_cycle_anchor: anchor }: Stripe.Subscription,
  { price, quantity = 1 }: Stripe.SubscriptionItem,
  period: Period,
  free: boolean,
): { amount: number } | undefined {
  const whole = periodAt(anchor, commonInterval([{ price }]), period.start)
  if (whole.start === period.start) return undefined
  const cost = (price.unit_amount ?? 0) * quantity
  return { amount: free ? 0 : share(cost, period.end - period.start, whole.end - whole.start) }
}

/** The period that begins now: shortened when the anchor lies ahead. */
function firstPeriod(anchor: number, interval: Interval, now: number): Period {
  return { start: now, end: periodAt(anchor, interval, now).end }
}

/** All that runs for a customer is billed in one currency. @throws StripeError 400 */
export function requireOneCurrency(world: World, customerId: string, currency: string): void {
  const other = [...world.store.subscriptions.values()].find(
    (subscription) =>
      subscription.customer === customerId &&
      subscription.ended_at === null &&
      subscription.currency !== currency,
  )
  if (!other) return
  throw invalid(
    `You cannot combine currencies on a single customer. This customer has an active subscription with currency ${other.currency}`,
  )
}

/**
 * The one interval of all prices.
 * @throws StripeError 400 when a price is not recurring, or intervals or currencies differ
 */
export function commonInterval(items: { price: Stripe.Price }[]): Interval {
  const first = items[0]?.price
  for (const [index, { price }] of items.entries()) {
    if (price.type !== 'recurring' || !price.recurring) {
      throw invalid(
        `The price specified is set to \`type=one_time\` but this field only accepts prices with \`type=recurring\`.`,
        { param: `items[${index}][price]` },
      )
    }
    if (!first?.recurring) continue
    if (!sameInterval(first.recurring, price.recurring)) {
      throw invalid(
        'Currency and interval fields must match across all plans on this subscription. Found mismatch in interval field.',
        { param: `items[${index}][price]` },
      )
    }
    if (first.currency !== price.currency) {
      throw invalid(
        'Currency and interval fields must match across all plans on this subscription. Found mismatch in currency field.',
        { param: `items[${index}][price]` },
      )
    }
  }
  if (!first?.recurring)
    throw invalid('A subscription needs at least one item.', { param: 'items' })
  return first.recurring
}
