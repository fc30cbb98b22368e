// Stripe's customer portal: what a subscriber may do there.
//
// A portal session that names no configuration, as the Worker's, uses the account's default one. No call makes a
// configuration the default: Stripe makes that one when the portal's settings are saved in its dashboard, and from
// then on it can be changed over the API (https://docs.stripe.com/api/customer_portal/configurations/object).
import type { Stripe } from 'stripe'
import { PLANS } from '../../src/plans.ts'
import type { Offer } from './catalog.ts'
import { collect, differences, type Item } from './item.ts'

type Features = Stripe.BillingPortal.Configuration.Features
type Products = { product: string; prices: string[] }[]

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

/**
 * Compares the account's default configuration with what the plans need.
 * @param settingsUrl where a person saves the portal's settings
 */
export async function planPortal(
  stripe: Stripe,
  offers: Offer[],
  settingsUrl: string,
): Promise<Item> {
  const { configurations } = stripe.billingPortal
  const [standard] = await collect(
    configurations.list({
      is_default: true,
      limit: 1,
      // Not shown unless asked for.
      expand: ['data.features.subscription_update.products'],
    }),
  )
  if (!standard) {
    return {
      kind: 'todo',
      what: `portal: this account has no default configuration, and only Stripe's dashboard makes one. Open ${settingsUrl}, press "Save changes", and run this again`,
    }
  }
  const differing = [
    ...Object.entries(FEATURES).flatMap(([feature, wanted]) =>
      differences(sorted(standard.features[feature as keyof Features]), sorted(wanted)).map(
        (difference) => `${feature}.${difference}`,
      ),
    ),
    ...planDifferences(standard.features.subscription_update.products ?? [], offers),
  ]
  if (differing.length === 0) return { kind: 'ok', what: `portal (${standard.id})` }
  const run = async () => {
    const { subscription_update, ...others } = structuredClone(FEATURES)
    const features = {
      ...others,
      customer_update: {
        enabled: true,
        allowed_updates: [...FEATURES.customer_update.allowed_updates],
      },
      subscription_update: {
        ...subscription_update,
        default_allowed_updates: [...subscription_update.default_allowed_updates],
        products: productsOf(offers),
      },
    }
    return (await configurations.update(standard.id, { features })).id
  }
  return {
    kind: 'change',
    what: `portal (${standard.id}): ${differing.map((line) => `\n            ${line}`).join('')}`,
    run,
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
