// What a portal session's configuration lets its customer do.
import type { Stripe } from 'stripe'
import { idOf, priceOf } from '../control/queries.ts'
import type { Simulator } from '../simulator.ts'

type CancelMode = Stripe.BillingPortal.Configuration.Features.SubscriptionCancel['mode']

export interface PortalFeatures {
  /** Null when the customer may not cancel. */
  cancel: { mode: CancelMode } | null
  card: boolean
  invoices: boolean
  changePlan: boolean
  /** Prices the configuration names; empty when it names none. */
  prices: readonly string[]
}

const ALL: PortalFeatures = {
  cancel: { mode: 'at_period_end' },
  card: true,
  invoices: true,
  changePlan: true,
  prices: [],
}

export function portalFeatures(
  sim: Simulator,
  session: Stripe.BillingPortal.Session,
): PortalFeatures {
  const configuration = sim.data.portalConfigurations.get(idOf(session.configuration))
  if (!configuration) return ALL
  const { features } = configuration
  const cancel = features.subscription_cancel
  return {
    cancel: cancel.enabled ? { mode: cancel.mode } : null,
    card: features.payment_method_update.enabled,
    invoices: features.invoice_history.enabled,
    changePlan: features.subscription_update.enabled,
    prices: (features.subscription_update.products ?? []).flatMap(({ prices }) => prices),
  }
}

/**
 * The prices that a subscription may move to, its own included, cheapest first: those that the
 * configuration names, else every active recurring price of its currency.
 */
export function allowedPrices(
  sim: Simulator,
  session: Stripe.BillingPortal.Session,
  subscription: Stripe.Subscription,
): Stripe.Price[] {
  const { changePlan, prices } = portalFeatures(sim, session)
  const own = priceOf(subscription)
  if (!changePlan || !own) return []
  return [...sim.data.prices.values()]
    .filter((price) => price.active && price.recurring && price.currency === own.currency)
    .filter((price) => prices.length === 0 || prices.includes(price.id) || price.id === own.id)
    .sort((a, b) => (a.unit_amount ?? 0) - (b.unit_amount ?? 0))
}
