// /v1/checkout/sessions: reading, listing, expiring.
import { expireSession } from '../billing/checkout.ts'
import { invalid } from '../errors.ts'
import { find, idOrNull } from '../lookup.ts'
import { mergeMetadata } from '../metadata.ts'
import { createdParam, inRange, listParams, page, paginate } from '../pagination.ts'
import { metadata, oneOf, string } from '../params.ts'
import { type Route, route } from '../route.ts'
import { checkoutSessionCreate } from './checkout-session-create.ts'

const KIND = 'checkout.session'

export const checkoutSessionRoutes: Route[] = [
  checkoutSessionCreate,
  route('GET /v1/checkout/sessions/:id', KIND, {}, ({ world, id }) =>
    find(world.store.checkoutSessions, KIND, id, 'id'),
  ),
  route(
    'GET /v1/checkout/sessions',
    'list of checkout.session',
    {
      ...listParams,
      created: createdParam,
      customer: string(),
      payment_intent: string(),
      status: oneOf(['complete', 'expired', 'open']),
      subscription: string(),
    },
    ({ world, params }) => {
      const found = [...world.store.checkoutSessions.values()].filter(
        (session) =>
          (params.customer === undefined || idOrNull(session.customer) === params.customer) &&
          (params.status === undefined || session.status === params.status) &&
          (params.subscription === undefined ||
            idOrNull(session.subscription) === params.subscription) &&
          (params.payment_intent === undefined ||
            idOrNull(session.payment_intent) === params.payment_intent) &&
          inRange(session.created, params.created),
      )
      return paginate(
        found,
        params,
        '/v1/checkout/sessions',
        KIND,
        world.store.checkoutSessions.values(),
      )
    },
  ),
  route(
    'POST /v1/checkout/sessions/:id',
    KIND,
    { metadata: metadata() },
    ({ world, id, params }) => {
      const session = find(world.store.checkoutSessions, KIND, id, 'id')
      session.metadata = mergeMetadata(session.metadata ?? {}, params.metadata)
      world.touch(id)
      return session
    },
  ),
  route('POST /v1/checkout/sessions/:id/expire', KIND, {}, ({ world, id }) => {
    const session = find(world.store.checkoutSessions, KIND, id, { path: 'session' })
    if (session.status !== 'open') {
      throw invalid(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status}.`,
        { param: 'session' },
      )
    }
    expireSession(world, session)
    return session
  }),
  route(
    'GET /v1/checkout/sessions/:id/line_items',
    'list of item',
    listParams,
    ({ world, id, params }) => {
      const { lineItems } = find(world.store.checkoutPlans, KIND, id, { path: 'session' })
      return page(lineItems, params, `/v1/checkout/sessions/${id}/line_items`, 'item')
    },
  ),
]
