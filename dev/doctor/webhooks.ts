// The webhook endpoint at Stripe: whether it is there, enabled, asks for our events, in which version.
import Stripe from 'stripe'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { LISTEN } from '../stripe-setup/options.ts'
import type { Finding } from './finding.ts'
import { isLive, type Patient } from './patient.ts'
import { ONCE, unread } from './stripe-answer.ts'

const PATH = '/api/v1/billing/webhooks/stripe'
const ITEM = 'Webhook endpoint'
/** `--yes`: what is there may be changed. */
const setup = (url: string, ...options: string[]) =>
  ['npm run stripe:setup -- --url', new URL(url).origin, ...options].join(' ')
const ANYWHERE = 'https://your-worker.example.com'

export interface Endpoints {
  findings: Finding[]
  /** Those that are ours. */
  found: Stripe.WebhookEndpoint[]
}

export async function checkEndpoints(
  patient: Patient,
  stripe: Stripe,
  accountVersion: string | undefined,
): Promise<Endpoints> {
  let all: Stripe.WebhookEndpoint[]
  try {
    all = (await stripe.webhookEndpoints.list({ limit: 100 }, ONCE)).data
  } catch (error) {
    return { findings: [unread(ITEM, 'Webhook Endpoints', error)], found: [] }
  }
  const ours = all.filter(({ url }) => URL.canParse(url) && new URL(url).pathname === PATH)
  const host = patient.workerUrl?.host
  const found = host ? ours.filter(({ url }) => new URL(url).host === host) : ours
  if (found.length === 0) return { findings: [absence(patient, ours)], found }
  const findings = found.flatMap((endpoint) => [
    status(endpoint),
    ...events(endpoint),
    version(endpoint, accountVersion),
  ])
  return { findings, found }
}

function absence({ values, workerUrl }: Patient, ours: Stripe.WebhookEndpoint[]): Finding {
  if (workerUrl) {
    const others = ours.map(({ url }) => new URL(url).host)
    const elsewhere = others.length > 0 ? `; there is one for ${others.join(', ')}` : ''
    const says = `none for ${workerUrl.host}${elsewhere}: no payment would be heard of there`
    return { level: 'fail', item: ITEM, says, todo: setup(workerUrl.href) }
  }
  if (isLive(values.STRIPE_SECRET_KEY)) {
    const says = `none with the path ${PATH}: no payment would be heard of`
    return { level: 'fail', item: ITEM, says, todo: setup(ANYWHERE) }
  }
  const todo = values.STRIPE_API_BASE
    ? '`npm run dev` makes one for its Worker'
    : `on this machine: ${LISTEN}, and its whsec_… into STRIPE_WEBHOOK_SECRET; for a deployed Worker: ${setup(ANYWHERE)}`
  return { level: 'warn', item: ITEM, says: `none with the path ${PATH}`, todo }
}

function status({ id, url, status }: Stripe.WebhookEndpoint): Finding {
  if (status === 'enabled')
    return { level: 'ok', item: ITEM, says: `${id} at ${new URL(url).host}, enabled` }
  const todo = `enable it: https://dashboard.stripe.com/webhooks, or ${setup(url, '--yes')}`
  return { level: 'fail', item: ITEM, says: `${id} at ${new URL(url).host} is ${status}`, todo }
}

function events({ id, url, enabled_events: asked }: Stripe.WebhookEndpoint): Finding[] {
  const todo = setup(url, '--yes')
  const item = 'Webhook events'
  const wanted: readonly string[] = EVENT_TYPES
  const takesAll = asked.includes('*')
  const missing = takesAll ? [] : wanted.filter((type) => !asked.includes(type))
  const superfluous = asked.filter((type) => !wanted.includes(type))
  const findings: Finding[] = []
  if (missing.length > 0) {
    findings.push({ level: 'fail', item, says: `${id} lacks ${missing.join(', ')}`, todo })
  }
  if (superfluous.length > 0) {
    const says = `${id} asks for more than is used: ${superfluous.join(', ')}`
    findings.push({ level: 'warn', item, says, todo })
  }
  if (findings.length > 0) return findings
  return [{ level: 'ok', item, says: `${id} asks for all ${wanted.length}, and no others` }]
}

function version(endpoint: Stripe.WebhookEndpoint, accountVersion: string | undefined): Finding {
  const item = 'Webhook API version'
  const own = endpoint.api_version
  const used = own ?? accountVersion
  const whose = own ? '' : " (the account's)"
  if (!used) {
    const todo = 'look at https://dashboard.stripe.com/workbench'
    return {
      level: 'warn',
      item,
      says: `${endpoint.id} has the account's, which is not known`,
      todo,
    }
  }
  if (used === Stripe.API_VERSION) return { level: 'ok', item, says: `${used}${whose}` }
  const age = used < Stripe.API_VERSION ? 'older' : 'newer'
  return {
    level: 'warn',
    item,
    says: `${used}${whose} is ${age} than the ${Stripe.API_VERSION} that this release is made for; the shapes before and since 2025-03-31.basil are both read`,
    todo: `${setup(endpoint.url, '--yes')} makes a new one and disables this: a version cannot be changed`,
  }
}
