// The Worker's variables that follow from an account.
import type { Stripe } from 'stripe'
import type { Offer } from './catalog.ts'
import { isGone } from './make-once.ts'

/** The variable that names the prices of a tier. */
const nameOf = ({ tier }: Offer) => `STRIPE_PRICE_ID_${tier.toUpperCase()}`

/**
 * `STRIPE_PRICE_ID_…` of each plan that has a price: the one that is sold, then the plan's others. An id that stands in
 * the variable today and is known to the account stays at its end: whoever pays it would be locked out else.
 */
export async function priceVars(
  stripe: Stripe,
  offers: Offer[],
  current: Readonly<Record<string, string>>,
): Promise<{ values: Record<string, string>; dropped: string[] }> {
  const known = new Set(
    offers.flatMap(({ priceId, formerPriceIds }) => [priceId, ...formerPriceIds]),
  )
  const values: Record<string, string> = {}
  const dropped: string[] = []
  for (const offer of offers) {
    if (!offer.priceId) continue
    const ids = [offer.priceId, ...offer.formerPriceIds]
    for (const id of (current[nameOf(offer)] ?? '')
      .split(',')
      .flatMap((text) => text.trim() || [])) {
      if (known.has(id)) continue
      if (await isThere(stripe, id)) ids.push(id)
      else dropped.push(id)
    }
    values[nameOf(offer)] = ids.join()
  }
  return { values, dropped }
}

async function isThere(stripe: Stripe, priceId: string): Promise<boolean> {
  try {
    await stripe.prices.retrieve(priceId)
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}
