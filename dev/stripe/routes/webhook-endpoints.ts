// /v1/webhook_endpoints
import { invalid } from '../errors.ts'
import { EVENT_TYPES } from '../event-types.ts'
import { base62 } from '../ids.ts'
import { find } from '../lookup.ts'
import { assignGiven, mergeMetadata } from '../metadata.ts'
import { buildWebhookEndpoint } from '../objects/webhook-endpoint.ts'
import { listParams, paginate } from '../pagination.ts'
import {
  array,
  boolean,
  emptyable,
  metadata,
  oneOf,
  type Param,
  required,
  string,
} from '../params.ts'
import { type Route, route } from '../route.ts'
import { parseVersion } from '../versions.ts'
import { url } from './fields.ts'

const KIND = 'webhook_endpoint'

const enabledEvents = array(oneOf(['*', ...EVENT_TYPES]))

const apiVersion: Param<string> = {
  read: (value, path) => parseVersion(string().read(value, path)).name,
}

export const webhookEndpointRoutes: Route[] = [
  route(
    'POST /v1/webhook_endpoints',
    KIND,
    {
      api_version: apiVersion,
      connect: boolean(),
      description: emptyable(string({ max: 5000 })),
      enabled_events: required(enabledEvents),
      metadata: metadata(),
      url: required(url),
    },
    ({ world, params }) => {
      if (params.enabled_events.length === 0) throw noEvents()
      const endpoint = buildWebhookEndpoint({
        api_version: params.api_version ?? null,
        created: world.wallSeconds(),
        description: params.description ?? null,
        enabled_events: params.enabled_events,
        metadata: mergeMetadata({}, params.metadata),
        url: params.url,
      })
      const secret = `whsec_${base62(32)}`
      world.store.webhookEndpoints.set(endpoint.id, endpoint)
      world.store.webhookSecrets.set(endpoint.id, secret)
      world.touch(null)
      // Shown this once: a later read of the endpoint has no secret.
      return { ...endpoint, secret }
    },
  ),
  route('GET /v1/webhook_endpoints/:id', KIND, {}, ({ world, id }) =>
    find(world.store.webhookEndpoints, KIND, id, 'id'),
  ),
  route(
    'POST /v1/webhook_endpoints/:id',
    KIND,
    {
      description: emptyable(string({ max: 5000 })),
      disabled: boolean(),
      enabled_events: enabledEvents,
      metadata: metadata(),
      url,
    },
    ({ world, id, params }) => {
      const endpoint = find(world.store.webhookEndpoints, KIND, id, 'id')
      if (params.enabled_events?.length === 0) throw noEvents()
      assignGiven(endpoint, params, ['description', 'enabled_events', 'url'])
      endpoint.metadata = mergeMetadata(endpoint.metadata, params.metadata)
      if (params.disabled !== undefined) endpoint.status = params.disabled ? 'disabled' : 'enabled'
      world.touch(null)
      return endpoint
    },
  ),
  route('DELETE /v1/webhook_endpoints/:id', KIND, {}, ({ world, id }) => {
    find(world.store.webhookEndpoints, KIND, id, 'id')
    world.store.webhookEndpoints.delete(id)
    world.store.webhookSecrets.delete(id)
    world.touch(null)
    return { id, object: KIND, deleted: true }
  }),
  route('GET /v1/webhook_endpoints', 'list of webhook_endpoint', listParams, ({ world, params }) =>
    paginate(world.store.webhookEndpoints.values(), params, '/v1/webhook_endpoints', KIND),
  ),
]

function noEvents(): Error {
  return invalid('You must enable at least one event for a webhook endpoint.', {
    param: 'enabled_events',
  })
}
