// An object as a version of the API prints it.
import type { Stripe } from 'stripe'
import type { Version } from './versions.ts'

/** A copy of the object in that version's shape; what is nested in it too. */
export function render(object: object, version: Version): object {
  const copy: object = structuredClone(object)
  if (!version.beforeBasil) return copy
  return copy
}

/** An event whose object may be of an older shape. */
export type RenderedEvent = Omit<Stripe.Event, 'data'> & { data: { object: object } }

/** An event with its object in that version's shape, and the version named. */
export function renderEvent(event: Stripe.Event, version: Version): RenderedEvent {
  return {
    ...event,
    api_version: version.name,
    data: { ...event.data, object: render(event.data.object, version) },
  }
}
