// The customer portal: where people change their plan, their card, and cancel.
import type Stripe from 'stripe'
import { TIERS, type Tier } from '../../src/plans.ts'
import type { Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { ONCE, unread } from './stripe-answer.ts'

const ITEM = 'Customer portal'
const SETUP = 'npm run stripe:setup, or https://dashboard.stripe.com/settings/billing/portal'

type Configuration = Stripe.BillingPortal.Configuration

export async function checkPortal({ values }: Patient, stripe: Stripe): Promise<Finding[]> {
  let all: Configuration[]
  try {
    const expand = ['data.features.subscription_update.products']
    const { configurations } = stripe.billingPortal
    all = (await configurations.list({ active: true, limit: 100, expand }, ONCE)).data
  } catch (error) {
    return [unread(ITEM, 'Customer portal', error)]
  }
  const sold = TIERS.flatMap((tier) => {
    const id = values[`STRIPE_PRICE_ID_${tier.toUpperCase() as Uppercase<Tier>}`]?.[0]
    return id ? [{ tier, id }] : []
  })
  // A session that names no configuration gets the default one.
  const used = all.find(({ is_default: isDefault }) => isDefault)
  if (used) return [planChange(used, sold), ...rest(used)]
  const [other] = all.filter((each) => planChange(each, sold).level === 'ok')
  if (!other) {
    return [{ level: 'fail', item: ITEM, says: 'no configuration is active', todo: SETUP }]
  }
  const says = `${other.id} would do, and is not the default that sessions get`
  return [{ level: 'warn', item: ITEM, says, todo: SETUP }]
}

function planChange({ id, features }: Configuration, sold: { tier: Tier; id: string }[]): Finding {
  const fail = (says: string): Finding => ({ level: 'fail', item: ITEM, says, todo: SETUP })
  const update = features.subscription_update
  if (!update.enabled) return fail(`${id} lets nobody change the plan`)
  if (!update.default_allowed_updates.includes('price')) {
    return fail(`${id} lets people change their subscription, but not its plan`)
  }
  const offered = new Set(update.products?.flatMap(({ prices }) => prices))
  const missing = sold.filter((price) => !offered.has(price.id)).map(({ tier }) => tier)
  if (missing.length > 0) return fail(`${id} does not offer the price of ${missing.join(', ')}`)
  const plans = sold.map(({ tier }) => tier).join(', ')
  return { level: 'ok', item: ITEM, says: `${id} offers the change among ${plans}` }
}

function rest({ id, features }: Configuration): Finding[] {
  const off = [
    ...(features.subscription_cancel.enabled ? [] : ['cancel']),
    ...(features.payment_method_update.enabled
      ? []
      : ['change the card, after a failed payment too']),
  ]
  if (off.length === 0) return []
  const says = `${id} lets nobody ${off.join(', nor ')}`
  return [{ level: 'warn', item: 'Customer portal features', says, todo: SETUP }]
}
