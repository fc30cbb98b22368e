// /v1/events: what happened in the last 30 days.
import type { Stripe } from 'stripe'
import { invalid, missing } from '../errors.ts'
import { createdParam, inRange, listParams, paginate } from '../pagination.ts'
import { array, boolean, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import { EVENT_RETENTION_SECONDS, type World } from '../world.ts'

export const eventRoutes: Route[] = [
  route('GET /v1/events/:id', 'event', {}, ({ world, id }) => {
    const event = world.store.events.get(id)
    if (!event || !isKept(world, event)) throw missing('event', id, 'id')
    return event
  }),
  route(
    'GET /v1/events',
    'list of event',
    {
      ...listParams,
      created: createdParam,
      delivery_success: boolean(),
      type: string(),
      types: array(string(), { max: 20 }),
    },
    ({ world, params }) => {
      if (params.type !== undefined && params.types !== undefined) {
        throw invalid('You may only specify one of these parameters: type, types.', {
          code: 'parameters_exclusive',
          param: 'type',
        })
      }
      const patterns = params.types ?? (params.type === undefined ? ['*'] : [params.type])
      const found = [...world.store.events.values()].filter(
        (event) =>
          isKept(world, event) &&
          patterns.some((pattern) => matches(event.type, pattern)) &&
          (params.delivery_success === undefined ||
            params.delivery_success === (event.pending_webhooks === 0)) &&
          inRange(event.created, params.created),
      )
      return paginate(found, params, '/v1/events', 'event', world.store.events.values())
    },
  ),
]

/** `customer.*` names every kind below customer. */
function matches(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern
}

function isKept(world: World, event: Stripe.Event): boolean {
  return (
    (world.store.eventsWrittenAt.get(event.id) ?? 0) > world.wallSeconds() - EVENT_RETENTION_SECONDS
  )
}
