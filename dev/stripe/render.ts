// An object as a version of the API prints it.
import type { Stripe } from 'stripe'
import { previousBeforeBasil, toBeforeBasil } from './before-basil.ts'
import type { Version } from './versions.ts'
import type { World } from './world.ts'

/** A copy of the object in that version's shape; what is nested in it too. */
export function render(world: World, object: object, version: Version): object {
  const copy: object = structuredClone(object)
  const shown = 'data' in copy && Array.isArray(copy.data) ? copy.data : [copy]
  for (const each of shown.filter(isPortalConfiguration)) {
    delete each.features.subscription_update.products
  }
  return version.beforeBasil ? Object(toBeforeBasil(world, copy, version)) : copy
}

/** Its products are shown only when `expand` asks for them. */
function isPortalConfiguration(object: object): object is Stripe.BillingPortal.Configuration {
  return 'object' in object && object.object === 'billing_portal.configuration'
}

/** An event whose object may be of an older shape. */
export type RenderedEvent = Omit<Stripe.Event, 'data'> & { data: { object: object } }

/** An event with its object in that version's shape, and the version named. */
export function renderEvent(world: World, event: Stripe.Event, version: Version): RenderedEvent {
  const previous = version.beforeBasil
    ? previousBeforeBasil(world, event, version)
    : event.data.previous_attributes
  return {
    ...event,
    api_version: version.name,
    data: {
      object: render(world, event.data.object, version),
      ...(previous && { previous_attributes: previous }),
    },
  }
}
