// The webhook endpoint of a deployed Worker.
//
// Its URL tells one from another: a second Worker (staging beside production) has an endpoint and a secret of its own.
// The API version is fixed when an endpoint is made (https://docs.stripe.com/webhooks/versioning): one of another
// version is replaced, and the old one switched off, not deleted. The signing secret is shown at creation, never again.
import Stripe from 'stripe'
import { EVENT_TYPES } from '../../src/billing/event-types.ts'
import { collect, type Item, MARK } from './item.ts'
import { makeOnce } from './make-once.ts'

/** The endpoint that the local stack makes for its own Worker: see dev/stripe/control/endpoint.ts. */
const LOCAL = 'local-worker'
const OURS = 'worker'

/** What a run learns of the endpoint. */
export interface EndpointResult {
  /** Only when this run made the endpoint. */
  secret?: string
  /** Of one that was found: its secret stands in the dashboard alone. */
  foundId?: string
}

/** Compares the endpoints at `url` with what the Worker hears. Reads only; `result` is filled in by the steps. */
export async function planEndpoint(
  stripe: Stripe,
  url: string,
  result: EndpointResult,
): Promise<Item[]> {
  const { webhookEndpoints } = stripe
  const all = await collect(webhookEndpoints.list({ limit: 100 }))
  const here = all.filter((endpoint) => endpoint.url === url)
  if (here.some(({ metadata }) => metadata[MARK] === LOCAL)) {
    return [
      { kind: 'ok', what: 'webhook endpoint: the local stack keeps the one of its own Worker' },
    ]
  }
  const items: Item[] = all
    .filter((one) => one.metadata[MARK] === OURS && one.url !== url && one.status === 'enabled')
    .map((other) => ({
      kind: 'skip',
      what: `webhook endpoint (${other.id}) of another Worker, ${other.url}: disable it in the dashboard when that is gone`,
    }))
  const [kept, ...others] = here
    .filter(({ api_version }) => api_version === Stripe.API_VERSION)
    .sort((a, b) => rank(b) - rank(a) || a.created - b.created)
  const outdated = here.filter(({ api_version }) => api_version !== Stripe.API_VERSION)
  const surplus = [...others, ...outdated].filter(({ status }) => status === 'enabled')
  if (kept) {
    result.foundId = kept.id
    items.push(planKept(stripe, kept))
  } else {
    const run = async () => {
      const made = await makeEndpoint(stripe, url)
      if (made.secret) result.secret = made.secret
      return made.id
    }
    const old = surplus.map(
      ({ id, api_version }) => `${id} has API ${api_version ?? 'of the account'}`,
    )
    items.push(
      old.length > 0
        ? {
            kind: 'change',
            what: `webhook endpoint ${url}: ${old.join(', ')}, fixed for good: a new one with API ${Stripe.API_VERSION}`,
            run,
          }
        : {
            kind: 'create',
            what: `webhook endpoint ${url}: ${EVENT_TYPES.length} event types, API ${Stripe.API_VERSION}`,
            run,
          },
    )
  }
  for (const { id } of surplus) {
    items.push({
      kind: 'change',
      what: `webhook endpoint (${id}): disabled, or each event would come twice`,
      run: async () => (await webhookEndpoints.update(id, { disabled: true })).id,
    })
  }
  return items
}

function rank({ status, metadata }: Stripe.WebhookEndpoint): number {
  return (status === 'enabled' ? 2 : 0) + (metadata[MARK] === OURS ? 1 : 0)
}

function planKept(stripe: Stripe, kept: Stripe.WebhookEndpoint): Item {
  const wanted: readonly string[] = EVENT_TYPES
  const found = kept.enabled_events
  const differing = [
    ...wanted.filter((type) => !found.includes(type)).map((type) => `+${type}`),
    ...found.filter((type) => !wanted.includes(type)).map((type) => `-${type}`),
    ...(kept.status === 'enabled' ? [] : [`${kept.status} -> enabled`]),
    ...(kept.metadata[MARK] === OURS ? [] : ['marked as ours']),
  ]
  const what = `webhook endpoint ${kept.url} (${kept.id})`
  if (differing.length === 0) return { kind: 'ok', what }
  const run = async () => {
    const { id } = await stripe.webhookEndpoints.update(kept.id, {
      disabled: false,
      enabled_events: [...EVENT_TYPES],
      metadata: { [MARK]: OURS },
    })
    return id
  }
  return { kind: 'change', what: `${what}: ${differing.join(', ')}`, run }
}

function makeEndpoint({ webhookEndpoints }: Stripe, url: string): Promise<Stripe.WebhookEndpoint> {
  const params: Stripe.WebhookEndpointCreateParams = {
    url,
    enabled_events: [...EVENT_TYPES],
    api_version: Stripe.API_VERSION,
    description: 'Tollgate',
    metadata: { [MARK]: OURS },
  }
  return makeOnce(
    'endpoint',
    params,
    (wanted, options) => webhookEndpoints.create(wanted, options),
    (id) => webhookEndpoints.retrieve(id),
  )
}
