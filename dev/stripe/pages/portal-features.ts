// What a portal session's configuration lets its customer do.
import type { Stripe } from 'stripe'
import { idOf, priceOf } from '../control/queries.ts'
import type { ProrationBehavior, Simulator } from '../simulator.ts'

type CancelMode = Stripe.BillingPortal.Configuration.Features.SubscriptionCancel['mode']

export interface PortalFeatures {
  /** Null when the customer may not cancel. */
  cancel: { mode: CancelMode; prorationBehavior: ProrationBehavior } | null
  card: boolean
  invoices: boolean
  /** Null when the customer may not change plans. */
  changePlan: { prices: readonly string[]; prorationBehavior: ProrationBehavior } | null
}

const NONE: PortalFeatures = { cancel: null, card: false, invoices: false, changePlan: null }

export function portalFeatures(
  sim: Simulator,
  session: Stripe.BillingPortal.Session,
): PortalFeatures {
  const configuration = sim.data.portalConfigurations.get(idOf(session.configuration))
  if (!configuration) return NONE
  const { features } = configuration
  const { subscription_cancel: cancel, subscription_update: update } = features
  const mayChange = update.enabled && update.default_allowed_updates.includes('price')
  return {
    cancel: cancel.enabled
      ? { mode: cancel.mode, prorationBehavior: prorationBehavior(cancel.proration_behavior) }
      : null,
    card: features.payment_method_update.enabled,
    invoices: features.invoice_history.enabled,
    changePlan: mayChange
      ? {
          prices: (update.products ?? []).flatMap(({ prices }) => prices),
          prorationBehavior: prorationBehavior(update.proration_behavior),
        }
      : null,
  }
}

/** The configuration was read by these names; its type also allows those to come. */
function prorationBehavior(name: string): ProrationBehavior {
  return name === 'always_invoice' || name === 'create_prorations' ? name : 'none'
}

/** The prices that a subscription may move to by the configuration, its own included, cheapest first. */
export function allowedPrices(
  sim: Simulator,
  session: Stripe.BillingPortal.Session,
  subscription: Stripe.Subscription,
): Stripe.Price[] {
  const { changePlan } = portalFeatures(sim, session)
  const own = priceOf(subscription)
  if (!changePlan || !own) return []
  return [...sim.data.prices.values()]
    .filter((price) => price.active && price.recurring && price.currency === own.currency)
    .filter(({ id }) => changePlan.prices.includes(id) || id === own.id)
    .sort((a, b) => (a.unit_amount ?? 0) - (b.unit_amount ?? 0))
}
