// Changing the items of a running subscription: proration, a new billing cycle, an invoice at once.
import type { Stripe } from 'stripe'
import { declineError } from '../cards.ts'
import { invalid } from '../errors.ts'
import { customerOf, findActivePrice, idOf, productName } from '../lookup.ts'
import { planOf } from '../objects/catalog.ts'
import { buildProrationItem } from '../objects/invoice-item.ts'
import { buildSubscriptionItem } from '../objects/subscription.ts'
import { addIntervals, type Period, sameInterval } from '../periods.ts'
import { type BilledItem, type Proration, remaining } from '../prorate.ts'
import type { World } from '../world.ts'
import { billNow } from './bill-now.ts'
import { periodEnd, periodStart } from './cancellations.ts'
import { commonInterval } from './create-subscription.ts'
import { credits, forgetDebit, noteDebit } from './debits.ts'
import { foresee, type PaymentResult, paymentMethodOf } from './payments.ts'

export interface ItemChange {
  /** The item to change; a new one when absent. */
  id?: string
  price?: Stripe.Price
  quantity?: number
  deleted?: boolean
  metadata?: Record<string, string>
}

export interface ChangeOptions {
  prorationBehavior: 'create_prorations' | 'always_invoice' | 'none'
  prorationDate?: number
  billingCycleAnchor: 'unchanged' | 'now'
  paymentBehavior: 'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete'
}

/** As the portal does it: the one item moves to another price, the difference is invoiced as asked. */
export function changePlan(
  world: World,
  subscription: Stripe.Subscription,
  priceId: string,
  prorationBehavior: ChangeOptions['prorationBehavior'],
): PaymentResult | null {
  const price = findActivePrice(world, priceId, 'price')
  const item = subscription.items.data[0]
  if (!item || subscription.ended_at !== null) {
    throw invalid('A canceled subscription cannot be changed.', { code: 'subscription_ended' })
  }
  return changeItems(world, subscription, [{ id: item.id, price }], {
    prorationBehavior,
    billingCycleAnchor: 'unchanged',
    paymentBehavior: 'allow_incomplete',
  })
}

/**
 * @returns what came of the payment; null when nothing was to be paid now
 * @throws StripeError 400 for items that cannot be, 402 with `error_if_incomplete`
 */
export function changeItems(
  world: World,
  subscription: Stripe.Subscription,
  changes: ItemChange[],
  options: ChangeOptions,
): PaymentResult | null {
  const now = world.now(idOf(subscription.customer))
  const before = subscription.items.data
  const after = applied(before, changes, subscription, now)
  const interval = commonInterval(after)
  if (after[0] && after[0].price.currency !== subscription.currency) {
    throw invalid('The price specified is of another currency than the subscription.', {
      param: 'items[0][price]',
    })
  }
  const resets =
    options.billingCycleAnchor === 'now' ||
    !sameInterval(commonInterval(before), interval) ||
    (amountOf(before) === 0 && amountOf(after) > 0)
  if (subscription.status === 'trialing') {
    replaceItems(world, subscription, after, null)
    return null
  }
  const period = { start: periodStart(subscription), end: periodEnd(subscription) }
  const at = options.prorationDate ?? now
  const prorations =
    options.prorationBehavior === 'none'
      ? []
      : resets
        ? credits(world, subscription, before, period, at)
        : [
            ...credits(world, subscription, gone(before, after), period, at),
            ...remaining(billed(gone(after, before)), period, at),
          ]
  const invoiceNow = resets || options.prorationBehavior === 'always_invoice'
  const due = sum(prorations) + (resets ? amountOf(after) : 0)
  if (invoiceNow && due > 0 && options.paymentBehavior === 'error_if_incomplete') {
    requirePayable(world, subscription)
  }
  const next = resets ? { start: now, end: addIntervals(now, interval, 1) } : null
  replaceItems(world, subscription, after, next)
  addPending(world, subscription, prorations)
  if (!invoiceNow || (prorations.length === 0 && !resets)) return null
  return billNow(world, subscription, {
    period: next,
    lookingBack: { start: period.start, end: now },
    collect: options.paymentBehavior !== 'default_incomplete',
  })
}

/** The items as they will be: changed ones keep their id. */
function applied(
  before: Stripe.SubscriptionItem[],
  changes: ItemChange[],
  subscription: Stripe.Subscription,
  now: number,
): Stripe.SubscriptionItem[] {
  const period = { start: periodStart(subscription), end: periodEnd(subscription) }
  let after = structuredClone(before)
  for (const [index, change] of changes.entries()) {
    const item = after.find(({ id }) => id === change.id)
    if (change.id !== undefined && !item) {
      throw invalid(
        `No such subscription_item: '${change.id}'. It is not an item of this subscription.`,
        { code: 'resource_missing', param: `items[${index}][id]` },
      )
    }
    if (change.deleted) {
      after = after.filter(({ id }) => id !== change.id)
    } else if (item) {
      if (change.price) {
        item.price = structuredClone(change.price)
        item.plan = planOf(change.price)
      }
      item.quantity = change.quantity ?? item.quantity ?? 1
      item.metadata = change.metadata ?? item.metadata
    } else if (change.price) {
      after.push(newItem(subscription, change, change.price, period, now))
    } else {
      throw invalid(`Missing required param: items[${index}][price].`, {
        code: 'parameter_missing',
        param: `items[${index}][price]`,
      })
    }
  }
  if (after.length > 0) return after
  throw invalid(
    'A subscription must have at least one active plan. To cancel it, use the cancel endpoint.',
    { param: 'items' },
  )
}

function newItem(
  subscription: Stripe.Subscription,
  change: ItemChange,
  price: Stripe.Price,
  period: Period,
  now: number,
): Stripe.SubscriptionItem {
  return buildSubscriptionItem({
    subscription: subscription.id,
    price,
    quantity: change.quantity ?? 1,
    metadata: change.metadata ?? {},
    period,
    created: now,
  })
}

function replaceItems(
  world: World,
  subscription: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  period: Period | null,
): void {
  world.update(subscription, 'customer.subscription.updated', (changed) => {
    changed.items.data = items
    if (!period) return
    changed.billing_cycle_anchor = period.start
    for (const item of items) {
      item.current_period_start = period.start
      item.current_period_end = period.end
    }
    if (changed.cancel_at_period_end) changed.cancel_at = period.end
  })
}

/** Writes the prorations down for the next invoice. */
export function addPending(
  world: World,
  subscription: Stripe.Subscription,
  prorations: Proration[],
): void {
  const customer = customerOf(world, subscription)
  for (const proration of prorations) {
    const name = productName(world, proration.price)
    const now = world.now(customer.id)
    const item = buildProrationItem(customer, subscription, proration, name, now)
    if (proration.kind === 'unused') forgetDebit(world, subscription, proration.item)
    else noteDebit(world, subscription, proration.item, proration)
    world.store.invoiceItems.set(item.id, item)
    world.emit('invoiceitem.created', item)
  }
}

/** @throws StripeError 402 when the card would be refused */
function requirePayable(world: World, subscription: Stripe.Subscription): void {
  const customer = customerOf(world, subscription)
  const method = paymentMethodOf(subscription, customer)
  if (method === null) {
    throw invalid(
      'This customer has no attached payment source or default payment method. Please consider adding a default payment method.',
      { code: 'resource_missing' },
    )
  }
  const outcome = foresee(world, method, customer.id)
  if (outcome.kind === 'declined') throw declineError(outcome.decline)
  if (outcome.kind === 'needs_authentication') {
    throw invalid('Payment for this subscription requires additional user action.', {
      code: 'subscription_payment_intent_requires_action',
    })
  }
}

/** The items of `before` that are not billed the same in `after`. */
function gone(
  before: Stripe.SubscriptionItem[],
  after: Stripe.SubscriptionItem[],
): Stripe.SubscriptionItem[] {
  return before.filter(
    (item) =>
      !after.some(
        (other) =>
          item.id === other.id &&
          item.price.id === other.price.id &&
          item.quantity === other.quantity,
      ),
  )
}

export function billed(items: Stripe.SubscriptionItem[]): BilledItem[] {
  return items.map(({ id, price, quantity = 1 }) => ({ id, price, quantity }))
}

function amountOf(items: Stripe.SubscriptionItem[]): number {
  return items.reduce(
    (sum, { price, quantity = 1 }) => sum + (price.unit_amount ?? 0) * quantity,
    0,
  )
}

function sum(prorations: Proration[]): number {
  return prorations.reduce((amount, proration) => amount + proration.amount, 0)
}
