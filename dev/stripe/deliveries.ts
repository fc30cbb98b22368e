// Webhook deliveries: every event to each endpoint that asked for it, signed, retried, recorded.
import type { Stripe } from 'stripe'
import { Courier } from './deliveries/courier.ts'
import type { Knobs, KnobsChange } from './deliveries/knobs.ts'
import { DEFAULT_KNOBS, knobsSchema } from './deliveries/knobs.ts'
import type { Delivery } from './deliveries/log.ts'
import { DeliveryLog } from './deliveries/log.ts'
import { arrange } from './deliveries/order.ts'
import type { Timers } from './deliveries/timers.ts'
import { TimerSet } from './deliveries/timers.ts'
import type { Simulator } from './simulator.ts'

/** What deliveries use of the simulator. */
export type DeliverySource = Pick<
  Simulator,
  'onEvent' | 'renderEvent' | 'endpointsFor' | 'signingSecret' | 'setPendingWebhooks' | 'data'
>

export interface DeliveriesOptions {
  source: DeliverySource
  knobs?: KnobsChange
  /** The wall clock: receivers compare the signature's time with their own. */
  now?: () => Date
  timers?: Timers
}

export type ResendResult =
  | { kind: 'sent'; deliveries: readonly Delivery[] }
  | { kind: 'unknown_event' }
  | { kind: 'unknown_endpoint' }
  | { kind: 'no_endpoint' }

/** How many deliveries stand where. `idle` when none is under way (held ones wait for a person). */
export interface DeliveriesState {
  held: number
  underWay: number
  idle: boolean
}

/** Listens to the simulator's events from now on and delivers them. `close()` it. */
export function createDeliveries(options: DeliveriesOptions): Deliveries {
  return new Deliveries(options)
}

/** Made by `createDeliveries`. */
export class Deliveries {
  private readonly source: DeliverySource
  private readonly now: () => Date
  private readonly timers: TimerSet
  private readonly courier: Courier
  private readonly log = new DeliveryLog()
  private readonly underWay = new Set<Delivery>()
  private knobs: Knobs
  private held: Delivery[] = []
  private gathered: Delivery[] = []
  private idleWaiters: (() => void)[] = []
  private closed = false

  constructor({ source, knobs, now, timers }: DeliveriesOptions) {
    this.source = source
    this.knobs = knobsSchema.parse({ ...DEFAULT_KNOBS, ...knobs })
    this.now = now ?? (() => new Date())
    this.timers = new TimerSet(timers)
    this.courier = new Courier(source, this.now, this.timers)
    source.onEvent((event) => this.accept(event))
  }

  /** The knobs as they stand. */
  settings(): Knobs {
    return structuredClone(this.knobs)
  }

  /** Turns knobs; they hold for attempts that begin later. Switching `hold` off sends what was held. */
  configure(change: KnobsChange): Knobs {
    this.knobs = knobsSchema.parse({ ...this.knobs, ...change })
    if (!this.knobs.hold) this.flush()
    return this.settings()
  }

  /** Sends what is held, one after another in the order of the knobs. @returns how many. */
  flush(): number {
    const batch = this.held
    this.held = []
    for (const delivery of batch) this.schedule(delivery)
    if (batch.length > 0) this.release(batch, true)
    return batch.length
  }

  /** Every delivery of an event, oldest first. */
  of(eventId: string): readonly Delivery[] {
    return this.log.of(eventId)
  }

  /**
   * Sends an event again, at once, whatever the knobs hold back. Without `endpointId`: to each
   * enabled endpoint that asks for its type. With it: to that endpoint, asked or not.
   */
  resend(eventId: string, endpointId?: string): ResendResult {
    const event = this.source.data.events.get(eventId)
    if (!event) return { kind: 'unknown_event' }
    const endpoints = endpointId
      ? [this.source.data.webhookEndpoints.get(endpointId)].filter((found) => found !== undefined)
      : this.source.endpointsFor(event)
    if (endpoints.length === 0) return { kind: endpointId ? 'unknown_endpoint' : 'no_endpoint' }
    const deliveries = endpoints.map((endpoint) => this.log.open(event, endpoint, 'resend'))
    for (const delivery of deliveries) {
      this.schedule(delivery)
      void this.attempt(delivery)
    }
    return { kind: 'sent', deliveries }
  }

  /**
   * Delivers events of an earlier run that were never answered: a restart loses the timers, not the
   * events. @returns how many events.
   */
  deliverOutstanding(): number {
    const outstanding = [...this.source.data.events.values()].filter(
      (event) => event.pending_webhooks > 0 && this.log.of(event.id).length === 0,
    )
    for (const event of outstanding) this.accept(event)
    return outstanding.length
  }

  state(): DeliveriesState {
    const underWay = this.underWay.size
    return { held: this.held.length, underWay, idle: underWay === 0 }
  }

  /** Resolves when no delivery is under way: none scheduled, sending or waiting for its retry. */
  idle(): Promise<void> {
    if (this.underWay.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleWaiters.push(resolve))
  }

  /** Ends timers and requests. What was under way stays undelivered. */
  async close(): Promise<void> {
    this.closed = true
    this.timers.endAll()
    this.held = []
    this.gathered = []
    this.underWay.clear()
    this.wakeIdle()
    await this.courier.abortAll()
  }

  private accept(event: Stripe.Event): void {
    if (this.closed) return
    const endpoints = this.source.endpointsFor(event)
    this.source.setPendingWebhooks(event.id, endpoints.length)
    if (endpoints.length === 0) return
    const deliveries = endpoints.flatMap((endpoint) =>
      Array.from({ length: this.knobs.repeat }, () => this.log.open(event, endpoint, 'automatic')),
    )
    if (this.knobs.hold) {
      this.held.push(...deliveries)
      return
    }
    for (const delivery of deliveries) this.schedule(delivery)
    if (this.knobs.order === 'created') this.release(deliveries, false)
    else this.gather(deliveries)
  }

  private gather(deliveries: Delivery[]): void {
    const first = this.gathered.length === 0
    this.gathered.push(...deliveries)
    if (!first) return
    this.timers.after(this.knobs.windowMs, () => {
      const batch = this.gathered
      this.gathered = []
      this.release(batch, true)
    })
  }

  /** In turn: each first attempt has its answer before the next leaves, so the order is what is seen. */
  private release(batch: readonly Delivery[], inTurn: boolean): void {
    const ordered = inTurn ? arrange(batch, this.knobs.order, this.knobs.seed) : batch
    this.timers.after(this.knobs.delayMs, async () => {
      for (const delivery of ordered) {
        const attempted = this.attempt(delivery)
        if (inTurn) await attempted
      }
    })
  }

  private async attempt(delivery: Delivery): Promise<void> {
    if (this.closed) return
    const endpoint = this.source.data.webhookEndpoints.get(delivery.endpointId)
    if (endpoint?.status !== 'enabled') {
      this.settle(delivery, 'dropped')
      return
    }
    delivery.status = 'sending'
    delivery.nextAttemptAt = null
    delivery.url = endpoint.url
    const attempt = await this.courier.attempt(delivery.eventId, endpoint, this.knobs.timeoutMs)
    delivery.attempts.push(attempt)
    if (attempt.error === null) {
      this.settle(delivery, 'succeeded')
      this.source.setPendingWebhooks(delivery.eventId, this.log.unanswered(delivery.eventId))
      return
    }
    this.retryOrFail(delivery)
  }

  private retryOrFail(delivery: Delivery): void {
    const pauseMs = this.knobs.retryPausesMs[delivery.attempts.length - 1]
    if (pauseMs === undefined || this.closed) {
      this.settle(delivery, 'failed')
      return
    }
    delivery.status = 'retrying'
    delivery.nextAttemptAt = this.now().getTime() + pauseMs
    this.timers.after(pauseMs, () => this.attempt(delivery))
  }

  private schedule(delivery: Delivery): void {
    delivery.status = 'scheduled'
    this.underWay.add(delivery)
  }

  private settle(delivery: Delivery, status: 'succeeded' | 'failed' | 'dropped'): void {
    delivery.status = status
    this.underWay.delete(delivery)
    if (this.underWay.size === 0) this.wakeIdle()
  }

  private wakeIdle(): void {
    const waiters = this.idleWaiters
    this.idleWaiters = []
    for (const wake of waiters) wake()
  }
}
