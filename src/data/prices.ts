// What the plans cost, as Stripe has it. Kept in the isolate for some minutes: a call that is let in never asks Stripe.
import type Stripe from 'stripe'
import { PLANS, type PriceIds, type Quotas, TIERS, type Tier } from '../plans.ts'

/** `amount` in the currency's smallest unit, `currency` ISO 4217 in lower case, `interval` as Stripe calls it. */
export interface PriceView {
  amount: number | null
  currency: string
  interval: string | null
}

/** Prices by tier; empty where Stripe has not answered yet. */
export type KnownPrices = Partial<Record<Tier, PriceView>>

/** A plan on the wire. */
export interface PlanView {
  tier: Tier
  name: string
  price: PriceView | null
  quotas: { reactions: number; api_calls: number }
  /** Calls a second. */
  rate_limit: number
}

const FRESH_MS = 5 * 60_000
/** How long a failure counts: plans are anyone's to ask for, and a Stripe that is away is not asked for each. */
const FAILURE_MS = 10_000
const PROMPT_MS = 1_000

interface Known {
  until: number
  prices: KnownPrices
  failure: unknown
}
const known = new WeakMap<Stripe, Known>()

/** The price that Checkout sells for each tier, at most FRESH_MS old. @throws Stripe's errors */
export async function readPrices(
  stripe: Stripe,
  ids: PriceIds,
  now: Date,
  options: Stripe.RequestOptions = {},
): Promise<KnownPrices> {
  const kept = known.get(stripe)
  if (kept && now.getTime() < kept.until) {
    if (kept.failure) throw kept.failure
    return kept.prices
  }
  try {
    const read = async (tier: Tier) => view(await stripe.prices.retrieve(ids[tier][0], {}, options))
    const entries = await Promise.all(TIERS.map(async (tier) => [tier, await read(tier)] as const))
    const prices = Object.fromEntries(entries)
    known.set(stripe, { until: now.getTime() + FRESH_MS, prices, failure: null })
    return prices
  } catch (failure) {
    known.set(stripe, { until: now.getTime() + FAILURE_MS, prices: kept?.prices ?? {}, failure })
    throw failure
  }
}

/** The same for a caller who must neither wait nor fail: what Stripe says within a second, else what was known. */
export async function promptPrices(stripe: Stripe, ids: PriceIds, now: Date): Promise<KnownPrices> {
  try {
    return await readPrices(stripe, ids, now, { timeout: PROMPT_MS, maxNetworkRetries: 0 })
  } catch {
    return known.get(stripe)?.prices ?? {}
  }
}

/** The plan table with these prices; null where one is not known. */
export function planViews(prices: KnownPrices): PlanView[] {
  return TIERS.map((tier) => {
    const { name, quotas, rateLimitPerSecond } = PLANS[tier]
    return {
      tier,
      name,
      price: prices[tier] ?? null,
      quotas: quotasView(quotas),
      rate_limit: rateLimitPerSecond,
    }
  })
}

function quotasView({ reactions, apiCalls }: Quotas): PlanView['quotas'] {
  return { reactions, api_calls: apiCalls }
}

function view(price: Stripe.Price): PriceView {
  return {
    amount: price.unit_amount,
    currency: price.currency,
    interval: price.recurring?.interval ?? null,
  }
}
