// What can be done to a paid invoice's charge: refund it, dispute it, decide the dispute.
import { html } from 'hono/html'
import type { Stripe } from 'stripe'
import { disputeOf } from '../billing/disputes.ts'
import { chargeOf } from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'
import type { Html, Tone } from './layout.ts'
import { badge, NOTHING, postButton } from './layout.ts'
import { money } from './words.ts'

/** How a payment stands that is no longer simply paid. */
export function paymentBadge(sim: Simulator, invoice: Stripe.Invoice): Html {
  const charge = chargeOf(sim, invoice)
  if (!charge) return NOTHING
  const dispute = disputeOf({ store: sim.data }, charge)
  const refunded = charge.amount_refunded
  const some = `refunded ${money(refunded, charge.currency)}`
  return html`${refunded > 0 ? badge(charge.refunded ? 'refunded' : some, 'warn') : ''}${dispute ? disputeBadge(dispute) : ''}`
}

function disputeBadge({ status }: Stripe.Dispute): Html {
  const tones: Record<string, Tone> = { won: 'good', lost: 'bad' }
  const tone = tones[status]
  return tone === undefined
    ? badge(`disputed: ${status.replaceAll('_', ' ')}`, 'bad')
    : badge(`dispute ${status}`, tone)
}

/** `back`: the page where the buttons stand. */
export function paymentButtons(sim: Simulator, invoice: Stripe.Invoice, back: string): Html {
  const charge = chargeOf(sim, invoice)
  if (!charge) return NOTHING
  const dispute = disputeOf({ store: sim.data }, charge)
  const about = invoice.number ?? charge.id
  const button = (action: string, label: string): Html =>
    postButton({ action: `/dashboard/${action}`, label, about, fields: { back } })
  const won = dispute?.status === 'won'
  const decided = won || dispute?.status === 'lost'
  const refund =
    (!dispute || won) && !charge.refunded
      ? button(`charges/${charge.id}/refund`, 'Refund')
      : NOTHING
  if (!dispute) {
    return charge.refunded
      ? NOTHING
      : html`${refund}${button(`charges/${charge.id}/dispute`, 'Dispute')}`
  }
  if (decided) return refund
  const path = `disputes/${dispute.id}`
  return html`${button(`${path}/win`, 'Win dispute')}${button(`${path}/lose`, 'Lose dispute')}`
}
