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
const RETRY_MS = 30_000
const PROMPT_MS = 1_000
const known = new WeakMap<Stripe, { until: number; prices: KnownPrices }>()

/** The price that Checkout sells for each tier, at most FRESH_MS old. @throws Stripe's errors */
export async function readPrices(
  stripe: Stripe,
  ids: PriceIds,
  now: Date,
  options: Stripe.RequestOptions = {},
): Promise<KnownPrices> {
  const kept = known.get(stripe)
  if (kept && now.getTime() < kept.until && TIERS.every((tier) => kept.prices[tier])) {
    return kept.prices
  }
  const entries = await Promise.all(
    TIERS.map(
      async (tier) =>
        [tier, view(await stripe.prices.retrieve(ids[tier][0], {}, options))] as const,
    ),
  )
  const prices = Object.fromEntries(entries)
  known.set(stripe, { until: now.getTime() + FRESH_MS, prices })
  return prices
}

/**
 * The same for a caller who must not wait or fail: what Stripe says within a second, else what is known, be it
 * nothing. A Stripe that is away is asked once in RETRY_MS.
 */
export async function promptPrices(stripe: Stripe, ids: PriceIds, now: Date): Promise<KnownPrices> {
  const kept = known.get(stripe)
  if (kept && now.getTime() < kept.until) return kept.prices
  try {
    return await readPrices(stripe, ids, now, { timeout: PROMPT_MS, maxNetworkRetries: 0 })
  } catch {
    const prices = kept?.prices ?? {}
    known.set(stripe, { until: now.getTime() + RETRY_MS, prices })
    return prices
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
