// `expand`: ids in an answer replaced by the objects they name, up to four levels deep (`data` is one).
import { refundList } from './billing/refunds.ts'
import { invalid } from './errors.ts'
import { EXPANDABLE, type ExpandableField, type Kind } from './expand-fields.ts'
import { wholeList as list } from './pagination.ts'
import { render } from './render.ts'
import type { Version } from './versions.ts'
import type { World } from './world.ts'

const MAX_DEPTH = 4

interface Step {
  /** The property's path inside its object. */
  property: string
  field: ExpandableField
}

type Json = Record<string, unknown>

/** What a route answers with: an object of a kind, or a list of them. */
export interface Answered {
  kind: Kind
  list: boolean
}

/**
 * Reads the paths before anything is done, so that a wrong one changes nothing.
 * @throws StripeError 400 when a property cannot be expanded, or the path is too deep
 */
export function parseExpand(paths: string[], answered: Answered, version: Version): Step[][] {
  return paths.map((path, index) => {
    const segments = path.split('.')
    if (segments.length > MAX_DEPTH) {
      throw invalid(
        `You cannot expand more than ${MAX_DEPTH} levels of a property. Property: ${path}`,
        { param: `expand[${index}]` },
      )
    }
    if (answered.list && segments.shift() !== 'data') throw notExpandable(path, index, answered)
    const steps = stepsOf(segments, answered.kind, version)
    if (!steps || steps.at(-1)?.field.as === 'inline') throw notExpandable(path, index, answered)
    return steps
  })
}

function stepsOf(segments: string[], kind: Kind, version: Version): Step[] | null {
  if (segments.length === 0) return []
  const fields = EXPANDABLE[kind]
  for (let length = 1; length <= segments.length; length += 1) {
    const property = segments.slice(0, length).join('.')
    const field = Object.hasOwn(fields, property) ? fields[property] : undefined
    if (!field || (field.legacy && !version.beforeBasil)) continue
    const rest = segments.slice(length)
    if (field.list && rest.length > 0 && rest.shift() !== 'data') return null
    const following = stepsOf(rest, field.to, version)
    return following && [{ property, field }, ...following]
  }
  return null
}

function notExpandable(path: string, index: number, answered: Answered): Error {
  const hint =
    answered.list && !path.startsWith('data')
      ? ` You may want to try expanding 'data.${path}' instead.`
      : ''
  return invalid(`This property cannot be expanded (${path}).${hint}`, {
    param: `expand[${index}]`,
  })
}

/** Expands a rendered answer in place. */
export function applyExpand(
  world: World,
  answer: object,
  answered: Answered,
  paths: Step[][],
  version: Version,
): void {
  const roots = answered.list && 'data' in answer ? (answer.data as Json[]) : [answer as Json]
  for (const steps of paths) for (const root of roots) walk(world, root, steps, version)
}

function walk(world: World, object: Json, steps: Step[], version: Version): void {
  const [step, ...rest] = steps
  if (!step) return
  const segments = step.property.split('.')
  const last = segments.pop() ?? ''
  let holder: Json | undefined = object
  for (const segment of segments) holder = asObject(holder?.[segment])
  if (!holder) return
  const { field } = step
  if (field.as === 'on_request') holder[last] ??= onRequest(world, field.to, object, version)
  const value = holder[last]
  if (field.as === 'id' && typeof value === 'string') {
    const found = lookUp(world, field.to, value)
    if (found) holder[last] = render(world, found, version)
  }
  const next = asObject(holder[last])
  if (!next) return
  const targets = field.list ? (next.data as Json[]) : [next]
  for (const target of targets) walk(world, target, rest, version)
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null ? (value as Json) : undefined
}

/** What an object shows only when asked to. */
function onRequest(world: World, kind: Kind, owner: Json, version: Version): object | null {
  if (kind === 'portal_products') return portalProducts(world, String(owner.id))
  if (kind === 'confirmation_secret') return confirmationSecret(world, String(owner.id))
  return render(world, listFor(world, kind, owner), version)
}

/** The plans that a portal lets people change to. */
function portalProducts({ store }: World, configuration: string): object | null {
  const { features } = store.portalConfigurations.get(configuration) ?? {}
  return structuredClone(features?.subscription_update.products ?? null)
}

/** The secret by which a browser confirms an invoice's payment; an invoice that needs none has none. */
function confirmationSecret({ store }: World, invoice: string): object | null {
  const payment = [...store.invoicePayments.values()].find((each) => each.invoice === invoice)
  const intent = payment?.payment.payment_intent
  const secret = typeof intent === 'string' ? store.paymentIntents.get(intent)?.client_secret : null
  return secret ? { client_secret: secret, type: 'payment_intent' } : null
}

function listFor(world: World, kind: Kind, owner: Json): object {
  const id = String(owner.id)
  if (kind === 'item') {
    return list(
      world.store.checkoutPlans.get(id)?.lineItems ?? [],
      `/v1/checkout/sessions/${id}/line_items`,
    )
  }
  if (kind === 'invoice_payment') {
    const payments = [...world.store.invoicePayments.values()].filter((p) => p.invoice === id)
    return list(payments, `/v1/invoice_payments?invoice=${id}`)
  }
  if (kind === 'refund') return refundList(world, id)
  const subscriptions = [...world.store.subscriptions.values()].filter(
    ({ customer, status }) =>
      customer === id && status !== 'canceled' && status !== 'incomplete_expired',
  )
  return list(subscriptions.reverse(), `/v1/customers/${id}/subscriptions`)
}

function lookUp({ store }: World, kind: Kind, id: string): object | undefined {
  switch (kind) {
    case 'customer':
      return store.customers.get(id) ?? store.deletedCustomers.get(id)
    case 'subscription':
      return store.subscriptions.get(id)
    case 'invoice':
      return store.invoices.get(id)
    case 'payment_intent':
      return store.paymentIntents.get(id)
    case 'payment_method':
      return store.paymentMethods.get(id)
    case 'charge':
      return store.charges.get(id)
    case 'product':
      return store.products.get(id)
    case 'price':
      return store.prices.get(id)
    case 'billing_portal.configuration':
      return store.portalConfigurations.get(id)
    case 'test_helpers.test_clock':
      return store.testClocks.get(id)
    default:
      return undefined
  }
}
