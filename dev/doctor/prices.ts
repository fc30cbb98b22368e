// Each price that a tier is sold by.
import Stripe from 'stripe'
import { PLANS, TIERS, type Tier } from '../../src/plans.ts'
import type { Finding } from './finding.ts'
import { isLive, type Patient } from './patient.ts'
import { absenceOf, ONCE, reasonOf } from './stripe-answer.ts'

const SETUP = '`npm run stripe:setup -- --yes` finds or makes the prices and prints their ids'

export async function checkPrices(patient: Patient, stripe: Stripe): Promise<Finding[]> {
  const all = TIERS.flatMap((tier) => {
    const name = `STRIPE_PRICE_ID_${tier.toUpperCase() as Uppercase<Tier>}` as const
    const ids = patient.values[name] ?? []
    return ids.map((id, index) => ({ tier, id, isSold: index === 0, from: patient.sources[name] }))
  })
  return Promise.all(
    all.map(async ({ tier, id, isSold, from }): Promise<Finding> => {
      const item = `Price of ${tier}`
      try {
        const price = await stripe.prices.retrieve(id, { expand: ['product'] }, ONCE)
        const wrong = defects(price, tier, isSold, isLive(patient.values.STRIPE_SECRET_KEY))
        if (wrong.length === 0) return { level: 'ok', item, says: describe(price, isSold), from }
        return { level: 'fail', item, says: `${id} ${wrong.join('; ')}`, from, todo: SETUP }
      } catch (error) {
        return { level: 'fail', item, from, ...absence(id, error) }
      }
    }),
  )
}

function absence(id: string, error: unknown): { says: string; todo: string } {
  if (error instanceof Stripe.errors.StripePermissionError) {
    const todo = 'give the restricted key Read on Prices and Products: the Worker reads them too'
    return { says: `${id}: the key may not read prices`, todo }
  }
  const says = absenceOf(id, error)
  if (says) return { says, todo: SETUP }
  return { says: `${id} cannot be read: ${reasonOf(error)}`, todo: 'try again' }
}

/** What is wrong with it. Only the first price of a tier is sold; later ones may be archived, at any amount. */
function defects(price: Stripe.Price, tier: Tier, isSold: boolean, live: boolean): string[] {
  const { recurring, livemode, unit_amount: amount, currency } = price
  const { listPriceCents } = PLANS[tier]
  const wrong: string[] = []
  const expect = (holds: boolean, says: string) => {
    if (!holds) wrong.push(says)
  }
  expect(livemode === live, `is of ${livemode ? 'live' : 'test'} mode, which is not the key's`)
  expect(!isSold || price.active, 'is archived, and Checkout sells it')
  expect(!isSold || productIsActive(price.product), 'is of an archived product')
  if (!recurring) return [...wrong, 'is charged once, not by the month or year']
  const { interval, interval_count: every, usage_type: usage } = recurring
  expect(/^(month|year)$/.test(interval) && every === 1, `recurs every ${every} ${interval}`)
  expect(usage === 'licensed', 'is metered')
  if (isSold && interval === 'month') {
    const right = amount === listPriceCents && currency === 'usd'
    expect(right, `costs ${money(price)}, not the ${dollars(listPriceCents)} of src/plans.ts`)
  }
  return wrong
}

function productIsActive(product: Stripe.Price['product']): boolean {
  return typeof product === 'string' || ('active' in product && product.active)
}

function describe(price: Stripe.Price, isSold: boolean): string {
  const kept = isSold
    ? ''
    : price.active
      ? ', kept beside it'
      : ', archived, kept for its subscribers'
  return `${price.id}, ${money(price)} a ${price.recurring?.interval}${kept}`
}

function money({ unit_amount: amount, currency }: Stripe.Price): string {
  if (amount === null) return `a tiered or decimal amount of ${currency.toUpperCase()}`
  return currency === 'usd'
    ? dollars(amount)
    : `${amount} (smallest units of ${currency.toUpperCase()})`
}

const dollars = (cents: number) => `$${(cents / 100).toFixed(2)}`
