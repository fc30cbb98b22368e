// The plans on sale as Stripe's products and monthly prices.
//
// An amount cannot be changed at Stripe: a changed plan table means a new price, which takes over the lookup key and
// is sold from then on. The old one is left active and keeps its subscribers at what they agreed to pay; nothing sells
// it, as Checkout and the portal name prices by id, and a Checkout page that is open can still be paid. All recurring
// prices of a plan's product count as that plan, so that a yearly one made in the dashboard does too.
import type { Stripe } from 'stripe'
import { PLANS, TIERS, type Tier } from '../../src/plans.ts'
import { collect, differences, type Item, MARK } from './item.ts'
import { makeOnce } from './make-once.ts'

/** A plan at Stripe. Steps fill in what they make, and change what is sold. */
export interface Offer {
  tier: Tier
  productId: string | undefined
  /** The price that is sold now. */
  priceId: string | undefined
  /** The price that will be sold when all steps have run; undefined when it is yet to be made. */
  nextPriceId: string | undefined
  /** The plan's other prices, newest first: people who pay them have bought the plan. */
  formerPriceIds: string[]
}

const CURRENCY = 'usd'

const lookupKeyOf = (tier: Tier) => `tollgate_${tier}`
const idOf = (value: string | { id: string }) => (typeof value === 'string' ? value : value.id)

/** Compares the account with src/plans.ts. Reads only. */
export async function planCatalog(stripe: Stripe): Promise<{ offers: Offer[]; items: Item[] }> {
  const products = await collect(stripe.products.list({ limit: 100 }))
  // With no word about `active`, archived ones are listed too.
  const holders = await collect(stripe.prices.list({ lookup_keys: TIERS.map(lookupKeyOf) }))
  const offers: Offer[] = []
  const items: Item[] = []
  for (const tier of TIERS) {
    const holder = holders.find(({ lookup_key }) => lookup_key === lookupKeyOf(tier))
    const product = productOf(tier, products, holder)
    const prices = product
      ? await collect(stripe.prices.list({ product: product.id, type: 'recurring', limit: 100 }))
      : []
    if (holder && !prices.some(({ id }) => id === holder.id)) prices.push(holder)
    const offer: Offer = {
      tier,
      productId: product?.id,
      priceId: holder?.id,
      nextPriceId: undefined,
      formerPriceIds: prices.map(({ id }) => id).filter((id) => id !== holder?.id),
    }
    offers.push(offer)
    items.push(planProduct(stripe, offer, product), planPrice(stripe, offer, holder, prices))
  }
  return { offers, items }
}

/** By its mark, or by the lookup key of its price. Of several the active one that was there first. */
function productOf(
  tier: Tier,
  products: Stripe.Product[],
  holder: Stripe.Price | undefined,
): Stripe.Product | undefined {
  const [first] = products
    .filter(({ metadata }) => metadata[MARK] === tier)
    .sort((a, b) => Number(b.active) - Number(a.active) || a.created - b.created)
  return first ?? products.find(({ id }) => holder && id === idOf(holder.product))
}

function planProduct(stripe: Stripe, offer: Offer, found: Stripe.Product | undefined): Item {
  const { name } = PLANS[offer.tier]
  const wanted = { name: `Tollgate ${name}`, metadata: { [MARK]: offer.tier } }
  if (!found) {
    const { products } = stripe
    const run = async () => {
      const made = await makeOnce(
        'product',
        wanted,
        (params, options) => products.create(params, options),
        (id) => products.retrieve(id),
      )
      offer.productId = made.id
      return made.id
    }
    return { kind: 'create', what: `product ${name}: "${wanted.name}"`, run }
  }
  const differing = differences(
    { ...found, mark: found.metadata[MARK] },
    { name: wanted.name, active: true, mark: offer.tier },
  )
  if (differing.length === 0) return { kind: 'ok', what: `product ${name} (${found.id})` }
  return {
    kind: 'change',
    what: `product ${name} (${found.id}): ${differing.join(', ')}`,
    run: async () => (await stripe.products.update(found.id, { ...wanted, active: true })).id,
  }
}

function planPrice(
  stripe: Stripe,
  offer: Offer,
  holder: Stripe.Price | undefined,
  prices: Stripe.Price[],
): Item {
  const { name, listPriceCents } = PLANS[offer.tier]
  const fits = (price: Stripe.Price) => isMonthly(price, listPriceCents, offer.productId)
  const amount = amountOf({ unit_amount: listPriceCents, currency: CURRENCY, recurring: MONTHLY })
  // One that fits is taken again, active or archived: the plan table may have gone back to what it was.
  const fitting =
    holder && fits(holder)
      ? holder
      : prices.filter(fits).sort((a, b) => Number(b.active) - Number(a.active))[0]
  offer.nextPriceId = fitting?.id
  if (fitting && fitting === holder && fitting.active) {
    return { kind: 'ok', what: `price ${name}: ${amount} (${fitting.id})` }
  }
  const before = holder && holder !== fitting ? `${amountOf(holder)} -> ${amount}` : amount
  const stays = holder && holder !== fitting ? `; ${holder.id} stays for its subscribers` : ''
  const sell = (id: string) => {
    const others = [offer.priceId, ...offer.formerPriceIds]
    offer.formerPriceIds = others.filter((other) => other !== undefined && other !== id) as string[]
    offer.priceId = id
    offer.nextPriceId = id
    return id
  }
  if (fitting) {
    const params = { active: true, lookup_key: lookupKeyOf(offer.tier), transfer_lookup_key: true }
    const archived = fitting.active ? '' : ', archived until now,'
    return {
      kind: 'change',
      what: `price ${name}: ${before}, ${fitting.id}${archived} is sold${stays}`,
      run: async () => sell((await stripe.prices.update(fitting.id, params)).id),
    }
  }
  const run = async () => {
    if (!offer.productId) throw new Error(`The product of ${name} has not been made`)
    const params: Stripe.PriceCreateParams = {
      product: offer.productId,
      currency: CURRENCY,
      unit_amount: listPriceCents,
      recurring: { interval: MONTHLY.interval },
      lookup_key: lookupKeyOf(offer.tier),
      transfer_lookup_key: true,
      metadata: { [MARK]: offer.tier },
      ...(holder?.tax_behavior && { tax_behavior: holder.tax_behavior }),
    }
    const made = await makeOnce(
      'price',
      params,
      (wanted, options) => stripe.prices.create(wanted, options),
      (id) => stripe.prices.retrieve(id),
    )
    return sell(made.id)
  }
  return holder
    ? { kind: 'change', what: `price ${name}: ${before}, a new price${stays}`, run }
    : { kind: 'create', what: `price ${name}: ${amount}`, run }
}

const MONTHLY = { interval: 'month', interval_count: 1 } as const

function isMonthly(price: Stripe.Price, cents: number, productId: string | undefined): boolean {
  const { unit_amount, currency, recurring, product } = price
  return (
    unit_amount === cents &&
    currency === CURRENCY &&
    recurring?.interval === MONTHLY.interval &&
    recurring.interval_count === MONTHLY.interval_count &&
    recurring.usage_type === 'licensed' &&
    idOf(product) === productId
  )
}

/** `$29.00 a month`, `EUR 290.00 every 3 months`. */
function amountOf({
  unit_amount,
  currency,
  recurring,
}: Pick<Stripe.Price, 'unit_amount' | 'currency'> & {
  recurring: Pick<Stripe.Price.Recurring, 'interval' | 'interval_count'> | null
}): string {
  const figure = unit_amount === null ? 'tiers' : (unit_amount / 100).toFixed(2)
  const money = currency === 'usd' ? `$${figure}` : `${currency.toUpperCase()} ${figure}`
  if (!recurring) return `${money} once`
  const { interval, interval_count: count } = recurring
  return `${money} ${count === 1 ? `a ${interval}` : `every ${count} ${interval}s`}`
}
