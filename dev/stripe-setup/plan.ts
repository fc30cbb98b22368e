// What a Stripe account lacks for Tollgate, and doing it.
import type { Stripe } from 'stripe'
import { type Offer, planCatalog } from './catalog.ts'
import { type EndpointResult, planEndpoint } from './endpoint.ts'
import { type Item, isStep, type Step } from './item.ts'
import { type PortalResult, planPortal } from './portal.ts'

export interface Plan {
  /** In the order in which steps must run. */
  items: Item[]
  offers: Offer[]
  portal: PortalResult
  endpoint: EndpointResult
}

/**
 * Compares the account with what Tollgate needs. Reads only.
 * @param webhookUrl of the Worker; no endpoint is looked for when absent
 */
export async function planSetUp(
  stripe: Stripe,
  { webhookUrl }: { webhookUrl?: string | undefined } = {},
): Promise<Plan> {
  const { offers, items } = await planCatalog(stripe)
  const portal: PortalResult = {}
  const plansDiffer = items.some(({ kind }) => kind === 'change')
  items.push(await planPortal(stripe, offers, plansDiffer, portal))
  const endpoint: EndpointResult = {}
  if (webhookUrl !== undefined) items.push(...(await planEndpoint(stripe, webhookUrl, endpoint)))
  return { items, offers, portal, endpoint }
}

/** The steps of a plan that may run: creations always, changes of what is there when `changes` is set. */
export function stepsOf({ items }: Plan, { changes }: { changes: boolean }): Step[] {
  return items.filter(isStep).filter(({ kind }) => changes || kind === 'create')
}

export async function runSteps(
  steps: readonly Step[],
  onDone: (step: Step, id: string) => void = () => {},
): Promise<void> {
  for (const step of steps) onDone(step, await step.run())
}
