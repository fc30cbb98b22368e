// The map: what is checked, what waits for what, and in which order it is told.
import { checkDeliveries, checkLedger } from './deliveries.ts'
import type { Finding } from './finding.ts'
import { LIMIT_MS, type Patient } from './patient.ts'
import { checkPortal } from './portal.ts'
import { checkPostgres } from './postgres.ts'
import { checkPrices } from './prices.ts'
import { checkRedis } from './redis.ts'
import { visitStripe } from './stripe-account.ts'
import { checkNode, checkOrigin } from './surroundings.ts'
import { checkVariables } from './variables.ts'
import { checkWebhookSecret } from './webhook-secret.ts'
import { checkEndpoints } from './webhooks.ts'

/** A service takes a few requests, one after another, each with its own time limit. */
const SERVICE_LIMIT_MS = 5 * LIMIT_MS

/** The services are asked at the same time; the order of what they say is always the same. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const services = await Promise.all([
    within('Postgres', checkPostgres(patient)),
    within('Redis', checkRedis(patient)),
    within('Stripe', checkStripe(patient)),
    within('Ledger of events', checkLedger(patient)),
    within('Origin', checkOrigin(patient)),
  ])
  return [checkNode(), ...checkVariables(patient), ...services.flat()]
}

async function checkStripe(patient: Patient): Promise<Finding[]> {
  const { findings, clock, accepted, accountVersion } = await visitStripe(patient)
  const { stripe } = patient
  if (!stripe || !accepted) return [...findings, ...clock]
  const [prices, endpoints, portal, deliveries] = await Promise.all([
    checkPrices(patient, stripe),
    checkEndpoints(patient, stripe, accountVersion),
    checkPortal(patient, stripe),
    checkDeliveries(patient, stripe),
  ])
  const enabled = endpoints.found.filter(({ status }) => status === 'enabled')
  const secrets = await Promise.all(
    enabled.map((endpoint) => checkWebhookSecret(patient, stripe, endpoint)),
  )
  return [
    ...findings,
    ...clock,
    ...prices,
    ...portal,
    ...endpoints.findings,
    ...secrets,
    deliveries,
  ]
}

/** Whatever becomes of one service, the others are told of. */
async function within(item: string, findings: Promise<Finding[]>): Promise<Finding[]> {
  const { promise: limit, resolve } = Promise.withResolvers<Finding[]>()
  const gaveUp = (says: string): Finding[] => [{ level: 'fail', item, says, todo: 'try again' }]
  const timer = setTimeout(
    () => resolve(gaveUp(`not checked within ${SERVICE_LIMIT_MS / 1000} s`)),
    SERVICE_LIMIT_MS,
  )
  try {
    return await Promise.race([findings, limit])
  } catch (error) {
    return gaveUp(`the check itself failed: ${error instanceof Error ? error.message : error}`)
  } finally {
    clearTimeout(timer)
  }
}
