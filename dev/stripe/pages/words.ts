// Amounts, times and states in words a person reads.

import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import type { Delivery } from '../deliveries/log.ts'
import type { Html, Tone } from './layout.ts'
import { badge } from './layout.ts'

/** `amount` in the currency's smallest unit, as Stripe counts: 2900 usd is $29.00. */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amount / 10 ** digits)
}

/** `$29.00 per month`, `$290.00 every 3 months`. */
export function rate(price: Stripe.Price, quantity = 1): string {
  const amount = money((price.unit_amount ?? 0) * quantity, price.currency)
  return `${amount} ${interval(price)}`.trim()
}

/** `per month`, `every 3 months`; nothing for a price that is paid once. */
export function interval({ recurring }: Stripe.Price): string {
  if (!recurring) return ''
  const { interval: unit, interval_count: count } = recurring
  return count === 1 ? `per ${unit}` : `every ${count} ${unit}s`
}

const DAY = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' })
const MOMENTS = {
  minutes: momentFormat('short'),
  seconds: momentFormat('medium'),
}

function momentFormat(timeStyle: 'short' | 'medium'): Intl.DateTimeFormat {
  const style = { dateStyle: 'medium', timeZone: 'UTC', hourCycle: 'h23' } as const
  return new Intl.DateTimeFormat('en-US', { ...style, timeStyle })
}

/** A day from Unix seconds, in UTC. */
export function day(unixSeconds: number): string {
  return DAY.format(unixSeconds * 1000)
}

/** A moment from Unix seconds, in UTC, to the minute or the second. */
export function moment(unixSeconds: number, grain: keyof typeof MOMENTS = 'minutes'): Html {
  const date = new Date(unixSeconds * 1000)
  return html`<time datetime="${date.toISOString()}">${MOMENTS[grain].format(date)} UTC</time>`
}

/** A card as it is told apart: `Visa ending in 4242, 12/2034`. */
export function cardWords({
  brand,
  last4,
  exp_month,
  exp_year,
}: Stripe.PaymentMethod.Card): string {
  const name = BRANDS[brand] ?? brand
  return `${name} ending in ${last4}, expires ${String(exp_month).padStart(2, '0')}/${exp_year}`
}

const BRANDS: Record<string, string> = {
  visa: 'Visa',
  mastercard: 'Mastercard',
  amex: 'American Express',
  discover: 'Discover',
  diners: 'Diners Club',
  jcb: 'JCB',
  unionpay: 'UnionPay',
}

/** Does a cancellation wait? Both ways of Stripe's to say so. */
export function scheduledEnd(subscription: Stripe.Subscription): number | null {
  if (subscription.status === 'canceled') return null
  if (subscription.cancel_at) return subscription.cancel_at
  if (!subscription.cancel_at_period_end) return null
  return subscription.items.data[0]?.current_period_end ?? null
}

const STATUS_TONES: Record<Stripe.Subscription.Status, Tone> = {
  active: 'good',
  trialing: 'good',
  past_due: 'warn',
  paused: 'warn',
  incomplete: 'warn',
  unpaid: 'bad',
  canceled: '',
  incomplete_expired: '',
}

export function subscriptionBadges(subscription: Stripe.Subscription): Html {
  const end = scheduledEnd(subscription)
  return html`<span class="row">${badge(subscription.status.replaceAll('_', ' '), STATUS_TONES[subscription.status] ?? '')}
${end ? badge(`cancels ${day(end)}`, 'warn') : ''}
${subscription.pause_collection ? badge('collection paused', 'warn') : ''}</span>`
}

/** One sentence on where a subscription stands, for its customer. */
export function subscriptionSentence(subscription: Stripe.Subscription): string {
  const end = scheduledEnd(subscription)
  if (end) return `Your plan ends on ${day(end)}. You keep access until then.`
  const periodEnd = subscription.items.data[0]?.current_period_end
  const next = periodEnd ? day(periodEnd) : 'the next period'
  switch (subscription.status) {
    case 'trialing':
      return `Your free trial ends on ${subscription.trial_end ? day(subscription.trial_end) : next}; you are charged from then on.`
    case 'active':
      return subscription.pause_collection
        ? 'Payments are paused: you are not charged for now.'
        : `Your plan renews on ${next}.`
    case 'past_due':
      return 'Your last payment failed. Update your card to keep your plan.'
    case 'unpaid':
      return 'Your invoices are unpaid. Update your card and pay them to go on.'
    case 'paused':
      return 'Your plan is paused: nothing is billed until it is resumed.'
    case 'incomplete':
      return 'Your first payment is not complete yet.'
    case 'canceled':
      return `Your plan was cancelled${subscription.ended_at ? ` and ended on ${day(subscription.ended_at)}` : ''}.`
    default:
      return 'Your first payment was never completed; this plan did not begin.'
  }
}

const INVOICE_TONES: Record<string, Tone> = { paid: 'good', open: 'warn', uncollectible: 'bad' }

export function invoiceBadge(invoice: Stripe.Invoice): Html {
  const status = invoice.status ?? 'draft'
  return badge(status, INVOICE_TONES[status] ?? '')
}

const DELIVERY_TONES: Record<Delivery['status'], Tone> = {
  held: 'warn',
  scheduled: '',
  sending: '',
  retrying: 'warn',
  succeeded: 'good',
  failed: 'bad',
  dropped: '',
}

export function deliveryBadge({ status }: Delivery): Html {
  return badge(status, DELIVERY_TONES[status])
}
