// The customer portal: where people change their plan, their card, and cancel.
import type Stripe from 'stripe'
import { TIERS, type Tier } from '../../src/plans.ts'
import { findPortal } from '../stripe-setup/portal.ts'
import type { Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { absenceOf, ONCE, unread } from './stripe-answer.ts'

const NAME = 'STRIPE_PORTAL_CONFIGURATION_ID'
const ITEM = 'Customer portal'
const SETUP = `npm run stripe:setup -- --yes makes a configuration and prints ${NAME}`

type Configuration = Stripe.BillingPortal.Configuration

export async function checkPortal(patient: Patient, stripe: Stripe): Promise<Finding[]> {
  const { values, vars, sources } = patient
  const id = values[NAME]
  if (id === undefined && NAME in vars) {
    return [{ level: 'skip', item: ITEM, says: `not checked: ${NAME}` }]
  }
  const from = sources[NAME]
  try {
    if (id === undefined) return await checkDefault(patient, stripe)
    const expand = ['features.subscription_update.products']
    const named = await stripe.billingPortal.configurations.retrieve(id, { expand }, ONCE)
    if (named.active) return features(named, patient).map((finding) => ({ ...finding, from }))
    const says = `${id} is inactive: Stripe opens no portal with it`
    return [{ level: 'fail', item: ITEM, says, from, todo: SETUP }]
  } catch (error) {
    const says = id && absenceOf(id, error)
    if (says) return [{ level: 'fail', item: ITEM, says, from, todo: SETUP }]
    return [unread(ITEM, 'Customer portal', error)]
  }
}

/** A session that names no configuration gets the account's default one. */
async function checkDefault(patient: Patient, stripe: Stripe): Promise<Finding[]> {
  const { ours, standard } = await findPortal(stripe, ONCE)
  const todo = ours ? `set ${NAME}=${ours.id}` : SETUP
  if (!standard) {
    const says = `${NAME} is not set, and the account has no default: Stripe opens no portal`
    return [{ level: 'fail', item: ITEM, says, todo }]
  }
  if (!ours) return features(standard, patient)
  const says = `${NAME} is not set: people get the account's default, not ${ours.id}, which is for them`
  return [...features(standard, patient), { level: 'warn', item: ITEM, says, todo }]
}

function features(used: Configuration, { values }: Patient): Finding[] {
  const sold = TIERS.flatMap((tier) => {
    const id = values[`STRIPE_PRICE_ID_${tier.toUpperCase() as Uppercase<Tier>}`]?.[0]
    return id ? [{ tier, id }] : []
  })
  return [planChange(used, sold), ...rest(used)]
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
    ...(features.invoice_history.enabled ? [] : ['see the invoices']),
  ]
  if (off.length === 0) return []
  const says = `${id} lets nobody ${off.join(', nor ')}`
  return [{ level: 'warn', item: 'Customer portal features', says, todo: SETUP }]
}
