// What was sent where, when, and what came of it: the last thousand events, in memory.

import { randomBytes } from 'node:crypto'
import type { Stripe } from 'stripe'

export const EVENTS_KEPT = 1000
const DELIVERIES_KEPT_PER_EVENT = 100

/** One attempt. `at` is unix milliseconds of the wall clock. */
export interface Attempt {
  at: number
  durationMs: number
  status: number | null
  responseBody: string
  error: string | null
}

/**
 * - `held`: waits for a flush. `scheduled`: waits for its first attempt. `sending`: on its way.
 * - `retrying`: the last attempt failed, another will follow at `nextAttemptAt`.
 * - `succeeded`; `failed`: no try is left; `dropped`: its endpoint is gone or disabled.
 */
export type DeliveryStatus =
  | 'held'
  | 'scheduled'
  | 'sending'
  | 'retrying'
  | 'succeeded'
  | 'failed'
  | 'dropped'

/** One event on its way to one endpoint; `trigger` says who asked. Times are unix milliseconds. */
export interface Delivery {
  id: string
  eventId: string
  endpointId: string
  url: string
  trigger: 'automatic' | 'resend'
  status: DeliveryStatus
  nextAttemptAt: number | null
  attempts: Attempt[]
}

const FINAL: readonly DeliveryStatus[] = ['succeeded', 'failed', 'dropped']

export function isFinal(delivery: Delivery): boolean {
  return FINAL.includes(delivery.status)
}

/** A bounded map from event to its deliveries. What is still under way is never forgotten. */
export class DeliveryLog {
  private readonly byEvent = new Map<string, Delivery[]>()

  /** A new delivery, `held` until its owner says otherwise. */
  open(
    event: Pick<Stripe.Event, 'id'>,
    endpoint: Pick<Stripe.WebhookEndpoint, 'id' | 'url'>,
    trigger: Delivery['trigger'],
  ): Delivery {
    const delivery: Delivery = {
      id: `dlv_${randomBytes(9).toString('hex')}`,
      eventId: event.id,
      endpointId: endpoint.id,
      url: endpoint.url,
      trigger,
      status: 'held',
      nextAttemptAt: null,
      attempts: [],
    }
    this.add(delivery)
    return delivery
  }

  of(eventId: string): readonly Delivery[] {
    return this.byEvent.get(eventId) ?? []
  }

  private add(delivery: Delivery): void {
    const known = this.byEvent.get(delivery.eventId)
    if (!known) {
      this.byEvent.set(delivery.eventId, [delivery])
      this.forgetOldest()
      return
    }
    known.push(delivery)
    const first = known[0]
    if (known.length > DELIVERIES_KEPT_PER_EVENT && first && isFinal(first)) known.shift()
  }

  /** How many of the endpoints that this event was meant for have not said 2xx. */
  unanswered(eventId: string): number {
    const deliveries = this.of(eventId)
    const answered = new Set(
      deliveries
        .filter((delivery) => delivery.status === 'succeeded')
        .map((delivery) => delivery.endpointId),
    )
    return new Set(
      deliveries.map((delivery) => delivery.endpointId).filter((id) => !answered.has(id)),
    ).size
  }

  private forgetOldest(): void {
    if (this.byEvent.size <= EVENTS_KEPT) return
    for (const [eventId, deliveries] of this.byEvent) {
      if (!deliveries.every(isFinal)) continue
      this.byEvent.delete(eventId)
      if (this.byEvent.size <= EVENTS_KEPT) return
    }
  }
}
