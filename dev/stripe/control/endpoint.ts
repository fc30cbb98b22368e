// The webhook endpoint of the local Worker: one, made or moved over the API as a deploy script would.
import { z } from 'zod'
import { EVENT_TYPES } from '../../../src/billing/event-types.ts'
import { StripeError } from '../errors.ts'
import type { Simulator } from '../simulator.ts'

/** The mark by which the endpoint is found again. */
const MARK = { key: 'tollgate', value: 'local-worker' }

export interface LocalEndpointOptions {
  /** Calls the API as its owner. */
  secretKey: string
  /** `whsec_…`: the same at every start, so that the Worker's configuration stays. */
  webhookSecret: string
}

const created = z.object({ id: z.string() })
const refused = z.object({ error: z.object({ message: z.string(), code: z.string().optional() }) })

/** Creates or updates the local Worker's endpoint. @returns its id. @throws StripeError */
export async function putLocalEndpoint(
  sim: Simulator,
  { secretKey, webhookSecret }: LocalEndpointOptions,
  url: string,
  enabledEvents: readonly string[] = EVENT_TYPES,
): Promise<string> {
  const existing = [...sim.data.webhookEndpoints.values()].find(
    (endpoint) => endpoint.metadata[MARK.key] === MARK.value,
  )
  const form = new URLSearchParams({ url })
  for (const [index, type] of enabledEvents.entries()) form.set(`enabled_events[${index}]`, type)
  if (existing) form.set('disabled', 'false')
  else form.set(`metadata[${MARK.key}]`, MARK.value)

  const path = existing ? `/v1/webhook_endpoints/${existing.id}` : '/v1/webhook_endpoints'
  const response = await sim.api.request(path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secretKey}` },
    body: form,
  })
  const answer: unknown = await response.json()
  if (!response.ok) {
    const { message, code } = refused.parse(answer).error
    throw new StripeError(response.status, message, code ? { code } : {})
  }
  const { id } = created.parse(answer)
  // Stripe would invent a secret; a local stack is handed one, as nobody copies it by hand.
  sim.data.webhookSecrets.set(id, webhookSecret)
  return id
}
