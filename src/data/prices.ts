// What the plans cost, as Stripe has it. Kept in the isolate for some minutes: the paid path never asks Stripe.
import type Stripe from 'stripe'
import { PLANS, type PriceIds, type Quotas, TIERS, type Tier } from '../plans.ts'

/** `amount` in the currency's smallest unit, `currency` ISO 4217 in lower case, `interval` as Stripe calls it. */
export interface PriceView {
  amount: number | null
  currency: string
  interval: string | null
}

/** Prices by tier; empty where this isolate has not asked yet. */
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
const known = new WeakMap<Stripe, { at: number; prices: KnownPrices }>()

/** The price that Checkout sells for each tier, at most FRESH_MS old. @throws Stripe's errors */
export async function readPrices(stripe: Stripe, ids: PriceIds, now: Date): Promise<KnownPrices> {
  const kept = known.get(stripe)
  if (kept && now.getTime() - kept.at < FRESH_MS) return kept.prices
  const entries = await Promise.all(
    TIERS.map(async (tier) => [tier, view(await stripe.prices.retrieve(ids[tier][0]))] as const),
  )
  const prices = Object.fromEntries(entries)
  known.set(stripe, { at: now.getTime(), prices })
  return prices
}

/** What this isolate last read, without asking. */
export function knownPrices(stripe: Stripe): KnownPrices {
  return known.get(stripe)?.prices ?? {}
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
