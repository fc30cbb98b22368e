// The shapes of before 2025-03-31.basil: the period on the subscription, the subscription on the invoice.
import type { Stripe } from 'stripe'
import { invoicePaymentOf } from './billing/invoice-payments.ts'
import { refundList } from './billing/refunds.ts'
import { idOf, idOrNull } from './lookup.ts'
import type { Version } from './versions.ts'
import type { World } from './world.ts'

type Json = Record<string, unknown>

/** Turns a copy of an object, and all that is nested in it, into the old shape. */
export function toBeforeBasil(world: World, value: unknown, version: Version): unknown {
  if (Array.isArray(value)) return value.map((entry) => toBeforeBasil(world, entry, version))
  if (typeof value !== 'object' || value === null) return value
  // An event stays as it was written; only what an endpoint is sent follows the endpoint's version.
  if ('object' in value && value.object === 'event') return value
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, toBeforeBasil(world, entry, version)]),
  )
  const shape = 'object' in value ? SHAPES[String(value.object)] : undefined
  return shape ? shape(inner, value as never, world, version) : inner
}

/** @param inner the object with its insides already old; `original` as the store has it */
type Shape<T> = (inner: Json, original: T, world: World, version: Version) => Json

const subscription: Shape<Stripe.Subscription> = (inner, { items }) => ({
  ...without(inner, ['billing_mode', 'billing_schedules', 'customer_account', 'managed_payments']),
  current_period_end: Math.max(...items.data.map((item) => item.current_period_end)),
  current_period_start: Math.min(...items.data.map((item) => item.current_period_start)),
  discount: null,
})

const subscriptionItem: Shape<Stripe.SubscriptionItem> = (inner) =>
  without(inner, ['current_period_end', 'current_period_start', 'current_trial'])

const price: Shape<Stripe.Price> = (inner, { recurring }) => ({
  ...inner,
  recurring: recurring && { aggregate_usage: null, ...recurring },
})

const plan: Shape<Stripe.Plan> = (inner) => ({ ...inner, aggregate_usage: null })

/** `marketing_features` were called `features` until 2024-04-10: both are printed. */
const product: Shape<Stripe.Product> = (inner) => ({ ...inner, features: [] })

const invoice: Shape<Stripe.Invoice> = (inner, original, world) => {
  const payment = invoicePaymentOf(world, original)
  const intent = world.store.paymentIntents.get(idOrNull(payment?.payment.payment_intent) ?? '')
  const details = original.parent?.subscription_details ?? null
  return {
    ...without(inner, [
      'amount_overpaid',
      'customer_account',
      'parent',
      'status_details',
      'total_pretax_credit_amounts',
      'total_taxes',
    ]),
    application_fee_amount: null,
    charge: idOrNull(intent?.latest_charge),
    discount: null,
    paid: original.status === 'paid',
    paid_out_of_band:
      original.status === 'paid' && original.amount_due > 0 && intent?.status !== 'succeeded',
    payment_intent: intent?.id ?? null,
    quote: null,
    rendering_options: null,
    subscription: details && idOf(details.subscription),
    subscription_details: { metadata: details?.metadata ?? null },
    tax: null,
    total_tax_amounts: [],
    transfer_data: null,
  }
}

const lineItem: Shape<Stripe.InvoiceLineItem> = (inner, original, world, version) => {
  const item = original.parent?.invoice_item_details
  const subscribed = original.parent?.subscription_item_details
  const priceId = original.pricing?.price_details?.price
  const found = priceId ? world.store.prices.get(idOf(priceId)) : undefined
  const source = item ? world.store.invoiceItems.get(item.invoice_item) : undefined
  const itemId =
    subscribed?.subscription_item ?? source?.parent?.subscription_details?.subscription_item
  return {
    ...without(inner, [
      'parent',
      'pretax_credit_amounts',
      'pricing',
      'quantity_decimal',
      'subtotal',
      'taxes',
    ]),
    amount_excluding_tax: original.amount,
    ...(item && { invoice_item: item.invoice_item }),
    price: found ? toBeforeBasil(world, found, version) : null,
    proration: item?.proration ?? subscribed?.proration ?? false,
    proration_details: { credited_items: null },
    ...(itemId !== undefined && { subscription_item: itemId }),
    tax_amounts: [],
    tax_rates: [],
    type: item ? 'invoiceitem' : 'subscription',
    unit_amount_excluding_tax: original.pricing?.unit_amount_decimal ?? null,
  }
}

const paymentIntent: Shape<Stripe.PaymentIntent> = (inner, { id }, world) => ({
  ...without(inner, ['allowed_payment_method_types', 'customer_account', 'managed_payments']),
  invoice: invoiceOfIntent(world, id),
})

const charge: Shape<Stripe.Charge> = (inner, original, world, version) => ({
  ...inner,
  ...(version.listsRefunds && { refunds: refundList(world, original.id) }),
  invoice: invoiceOfIntent(world, idOrNull(original.payment_intent)),
})

const session: Shape<Stripe.Checkout.Session> = (inner) => ({
  ...without(inner, ['allowed_payment_method_types', 'collected_information', 'managed_payments']),
  shipping_details: null,
  ui_mode: 'hosted',
})

// Each is only ever called with an object of its own kind.
const SHAPES: Record<string, Shape<never>> = {
  charge,
  'checkout.session': session,
  invoice,
  line_item: lineItem,
  payment_intent: paymentIntent,
  plan,
  price,
  product,
  subscription,
  subscription_item: subscriptionItem,
}

/** What changed, in the old terms: a renewal moved the subscription's period, not its items'. */
export function previousBeforeBasil(
  world: World,
  event: Stripe.Event,
  version: Version,
): Json | undefined {
  const previous = event.data.previous_attributes
  if (!previous) return undefined
  const old = toBeforeBasil(world, previous, version) as Json
  const items = 'items' in previous ? (previous.items as { data?: Stripe.SubscriptionItem[] }) : {}
  const object = event.data.object
  if (object.object !== 'subscription' || !items.data?.[0]) return old
  const { items: _, ...rest } = old
  const [before, after] = [items.data[0], object.items.data[0]]
  const sameItems = items.data.every(({ price, quantity }, index) => {
    const now = object.items.data[index]
    return now?.price.id === price.id && now.quantity === quantity
  })
  return {
    ...(sameItems ? rest : old),
    ...(before.current_period_end !== after?.current_period_end && {
      current_period_end: before.current_period_end,
    }),
    ...(before.current_period_start !== after?.current_period_start && {
      current_period_start: before.current_period_start,
    }),
  }
}

function invoiceOfIntent(world: World, intentId: string | null): string | null {
  if (intentId === null) return null
  for (const { payment, invoice: id } of world.store.invoicePayments.values()) {
    if (idOrNull(payment.payment_intent) === intentId) return idOf(id)
  }
  return null
}

function without(object: Json, keys: string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}
