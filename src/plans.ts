// The plans on sale: what each tier holds. One table; prices come from Stripe.

/** A plan's name on the wire, in Stripe's metadata and in the database. */
export const TIERS = ['hobby', 'research', 'pro'] as const
export type Tier = (typeof TIERS)[number]

/** What a month of a tier holds. */
export interface Quotas {
  /** Reactions that the data sets may fire in a window. */
  reactions: number
  /** Paid calls in a window. */
  apiCalls: number
}

export interface Plan {
  tier: Tier
  name: string
  quotas: Quotas
  /** Calls a second, averaged over ten seconds by the edge's rate limiter. */
  rateLimitPerSecond: number
  /** The list price in cents of USD a month: what `stripe:setup` asks Stripe to charge. Pages show Stripe's own. */
  listPriceCents: number
}

export const PLANS: Readonly<Record<Tier, Plan>> = {
  hobby: {
    tier: 'hobby',
    name: 'Hobby',
    quotas: { reactions: 10_000, apiCalls: 1_000 },
    rateLimitPerSecond: 5,
    listPriceCents: 2_900,
  },
  research: {
    tier: 'research',
    name: 'Research',
    quotas: { reactions: 100_000, apiCalls: 10_000 },
    rateLimitPerSecond: 20,
    listPriceCents: 19_900,
  },
  pro: {
    tier: 'pro',
    name: 'Pro',
    quotas: { reactions: 1_000_000, apiCalls: 100_000 },
    rateLimitPerSecond: 100,
    listPriceCents: 99_900,
  },
}

/** Stripe price ids by tier, the one that Checkout sells first. */
export type PriceIds = Readonly<Record<Tier, readonly [string, ...string[]]>>

/** The tier that a Stripe price buys, or null for a price that is not ours. */
export function tierOfPrice(prices: PriceIds, priceId: string): Tier | null {
  return TIERS.find((tier) => prices[tier].includes(priceId)) ?? null
}

/** 0 for the smallest plan, so that two can be compared. */
export function tierRank(tier: Tier): number {
  return TIERS.indexOf(tier)
}
