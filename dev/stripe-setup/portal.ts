// Stripe's customer portal: what a subscriber may do there.
//
// The configuration is one of our own, which the Worker's portal sessions name (STRIPE_PORTAL_CONFIGURATION_ID). The
// account's default one is left alone: it may serve another product, and an account has none until somebody saves the
// portal's settings in the dashboard (https://docs.stripe.com/api/customer_portal/configurations/object). None is ever
// deleted: one that was deactivated is left so, and another made.
import Stripe from 'stripe'
import { PLANS } from '../../src/plans.ts'
import type { Offer } from './catalog.ts'
import { collect, differences, type Item, MARK } from './item.ts'
import { makeOnce } from './make-once.ts'

type Configuration = Stripe.BillingPortal.Configuration
type Features = Stripe.BillingPortal.Configuration.Features
type Products = { product: string; prices: string[] }[]

const OURS = 'portal'

/** What a run learns of the configuration. */
export interface PortalResult {
  /** Undefined while there is none. */
  id?: string
}

/** Without the plans. Email is where invoices go: what a person logs in with is Tollgate's, and stays. */
const FEATURES = {
  customer_update: { enabled: true, allowed_updates: ['address', 'email', 'name', 'tax_id'] },
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true, mode: 'at_period_end' },
  subscription_update: {
    enabled: true,
    default_allowed_updates: ['price'],
    proration_behavior: 'always_invoice',
  },
} as const

/** Of several the one that was there first. Reads only. */
export async function findPortal(
  { billingPortal }: Stripe,
  options?: Stripe.RequestOptions,
): Promise<{ ours: Configuration | undefined; standard: Configuration | undefined }> {
  // Products are not shown unless asked for.
  const expand = ['data.features.subscription_update.products']
  const all = await collect(
    billingPortal.configurations.list({ active: true, limit: 100, expand }, options),
  )
  const [ours] = all
    .filter(({ is_default: isDefault, metadata }) => !isDefault && metadata?.[MARK] === OURS)
    .sort((a, b) => a.created - b.created)
  return { ours, standard: all.find(({ is_default: isDefault }) => isDefault) }
}

/**
 * Compares our configuration with what the plans need. Reads only; `result` is filled in by the step.
 * @param plansDiffer whether plans change before it is made: it can offer only what is active then
 */
export async function planPortal(
  stripe: Stripe,
  offers: Offer[],
  plansDiffer: boolean,
  result: PortalResult,
): Promise<Item> {
  const { ours } = await findPortal(stripe)
  if (!ours) {
    const run = async () => {
      result.id = await makePortal(stripe, offers)
      return result.id
    }
    return plansDiffer
      ? { kind: 'change', what: 'portal: a new configuration, when the plans are as above', run }
      : { kind: 'create', what: 'portal: cancel, card, invoices, and a change of plan', run }
  }
  result.id = ours.id
  const differing = [
    ...Object.entries(FEATURES).flatMap(([feature, wanted]) =>
      differences(sorted(ours.features[feature as keyof Features]), sorted(wanted)).map(
        (difference) => `${feature}.${difference}`,
      ),
    ),
    ...planDifferences(ours.features.subscription_update.products ?? [], offers),
  ]
  if (differing.length === 0) return { kind: 'ok', what: `portal (${ours.id})` }
  const run = async () => {
    const features = featuresOf(offers)
    return (await stripe.billingPortal.configurations.update(ours.id, { features })).id
  }
  return {
    kind: 'change',
    what: `portal (${ours.id}): ${differing.map((line) => `\n            ${line}`).join('')}`,
    run,
  }
}

/** @throws Error that says where to complete the account, when Stripe wants more of it first */
async function makePortal({ billingPortal }: Stripe, offers: Offer[]): Promise<string> {
  const { configurations } = billingPortal
  const params: Stripe.BillingPortal.ConfigurationCreateParams = {
    name: 'Tollgate',
    features: featuresOf(offers),
    metadata: { [MARK]: OURS },
  }
  try {
    const { id } = await makeOnce(
      'portal',
      params,
      (wanted, options) => configurations.create(wanted, options),
      (id) => configurations.retrieve(id),
    )
    return id
  } catch (error) {
    // The links to terms and privacy policy are optional; what else an account must have, Stripe says itself.
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error
    throw new Error(
      `Stripe refused the portal: ${error.message} Give it what it asks for in https://dashboard.stripe.com/settings/billing/portal (business information) or https://dashboard.stripe.com/settings/public, and run this again: it goes on where it stopped.`,
    )
  }
}

function featuresOf(offers: Offer[]) {
  const { customer_update: customer, subscription_update: update, ...others } = FEATURES
  return {
    ...others,
    customer_update: { ...customer, allowed_updates: [...customer.allowed_updates] },
    subscription_update: {
      ...update,
      default_allowed_updates: [...update.default_allowed_updates],
      products: productsOf(offers),
    },
  }
}

/** One price a plan, the one that is sold: Stripe takes no two of the same interval. */
function productsOf(offers: Offer[]): Products {
  return offers.map(({ tier, productId, priceId }) => {
    if (!productId || !priceId) throw new Error(`${PLANS[tier].name} has no price yet`)
    return { product: productId, prices: [priceId] }
  })
}

function planDifferences(found: Products, offers: Offer[]): string[] {
  const key = (products: Products) =>
    JSON.stringify(
      products.map(({ product, prices }) => `${product} ${[...prices].sort().join()}`).sort(),
    )
  const wanted = offers.map(({ productId, nextPriceId }) => ({
    product: productId ?? 'a new product',
    prices: [nextPriceId ?? 'a new price'],
  }))
  if (key(found) === key(wanted)) return []
  const names = (products: Products) =>
    products.flatMap(({ prices }) => prices).join(', ') || 'none'
  return [`plans to change to: ${names(found)} -> ${names(wanted)}`]
}

/** Lists are sets there. */
function sorted(feature: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(feature).map(([name, value]) => [
      name,
      Array.isArray(value) ? [...value].sort() : value,
    ]),
  )
}
