// The simulator's heart: its store, its clocks, and the events that every change writes.
import type { Stripe } from 'stripe'
import { newId } from './ids.ts'
import { previousAttributes } from './previous-attributes.ts'
import type { Store } from './store.ts'

/** The version that stripe-node 23.1.0 speaks, and that the simulated account is set to. */
export const API_VERSION = '2026-10-28.endive'

export interface WorldSettings {
  secretKey: string
  publishableKey: string
  /** Milliseconds. */
  wallClock: () => number
  baseUrl: () => string
  afterLastRetry: 'cancel' | 'mark_unpaid' | 'leave_past_due'
}

/** Who asked for what is going on: shown in each event. */
export interface Cause {
  id: string | null
  idempotency_key: string | null
}

export const EVENT_RETENTION_SECONDS = 30 * 86_400

const NOBODY: Cause = { id: null, idempotency_key: null }

/** The kinds that have appointments: what is still open is indexed by whose clock it follows. */
type LiveKind = 'subscriptions' | 'invoices' | 'checkoutSessions'

interface StripeObject {
  id: string
  object: string
}

export class World {
  readonly store: Store
  readonly settings: WorldSettings
  cause: Cause = NOBODY
  /** Events of the request in progress, not yet handed to the listeners. */
  outbox: Stripe.Event[] = []
  /** Owners whose next appointment may have changed. */
  readonly touched = new Set<string>()
  /** Ids of open objects by owner: what `appointments.ts` looks through. */
  readonly live: Record<LiveKind, Map<string, Set<string>>> = {
    subscriptions: new Map(),
    invoices: new Map(),
    checkoutSessions: new Map(),
  }
  #pinned: number | null = null
  #followUps: (() => void)[] = []
  #changes = 0

  constructor(store: Store, settings: WorldSettings) {
    this.store = store
    this.settings = settings
    for (const kind of ['subscriptions', 'invoices', 'checkoutSessions'] as const) {
      for (const object of store[kind].values()) this.#index(kind, object)
    }
  }

  /** Rises with every change: tells whether the state file is behind. */
  get changes(): number {
    return this.#changes
  }

  wallSeconds(): number {
    return Math.floor(this.settings.wallClock() / 1000)
  }

  /**
   * A customer's time in Unix seconds: its test clock's, or the wall clock plus its own lead.
   * While something due is being done it is the moment at which that was due.
   */
  now(owner: string | null): number {
    if (this.#pinned !== null) return this.#pinned
    if (owner === null) return this.wallSeconds()
    const clockId = this.testClockOf(owner)
    const clock = clockId === null ? undefined : this.store.testClocks.get(clockId)
    if (clock) return clock.frozen_time
    return this.wallSeconds() + (this.store.customerClocks.get(owner)?.aheadSeconds ?? 0)
  }

  testClockOf(owner: string): string | null {
    const clock = this.store.customers.get(owner)?.test_clock
    return typeof clock === 'string' ? clock : null
  }

  /** Does something as of a moment: everything in it reads that time. */
  asOf(moment: number, work: () => void): void {
    const before = this.#pinned
    this.#pinned = moment
    try {
      work()
      this.followUp()
    } finally {
      this.#pinned = before
    }
  }

  /** Leaves something of somebody else's to be done once what is going on is done, at the same moment. */
  afterwards(work: () => void): void {
    this.#followUps.push(work)
  }

  /** Does what was left to be done afterwards. */
  followUp(): void {
    const due = this.#followUps
    if (due.length === 0) return
    this.#followUps = []
    const { cause } = this
    this.cause = NOBODY
    for (const work of due) work()
    this.cause = cause
  }

  /** Runs a request or a person's click: its events name the cause. */
  causedBy<T>(cause: Cause, work: () => T): T {
    this.cause = cause
    try {
      return work()
    } finally {
      this.cause = NOBODY
    }
  }

  /** Puts a new open object into the store and under its owner's appointments. */
  add(kind: 'subscriptions', object: Stripe.Subscription): void
  add(kind: 'invoices', object: Stripe.Invoice): void
  add(kind: 'checkoutSessions', object: Stripe.Checkout.Session): void
  add(
    kind: LiveKind,
    object: Stripe.Subscription | Stripe.Invoice | Stripe.Checkout.Session,
  ): void {
    const map: Map<string, StripeObject> = this.store[kind]
    map.set(object.id, object)
    this.#index(kind, object)
    this.touch(ownerOf(object) ?? object.id)
  }

  /** Something of this owner changed: its appointments are looked up anew, the file is written. */
  touch(owner: string | null): void {
    this.#changes += 1
    if (owner !== null) this.touched.add(owner)
  }

  /** Writes an event. The object is copied, so that later changes do not reach it. */
  emit(type: Stripe.Event.Type, object: StripeObject, previous?: Record<string, unknown>): void {
    const owner = ownerOf(object) ?? this.#payerOf(object)
    this.touch(owner)
    const event = {
      id: newId('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: this.now(owner),
      data: {
        object: structuredClone(object),
        ...(previous && { previous_attributes: previous }),
      },
      livemode: false,
      pending_webhooks: 0,
      request: { ...this.cause },
      type,
    }
    // Stripe.Event is a union over every type and its object: the pair is right by construction.
    const typed = event as unknown as Stripe.Event
    typed.pending_webhooks = endpointsFor(this.store, typed).length
    this.store.events.set(event.id, typed)
    this.store.eventsWrittenAt.set(event.id, this.wallSeconds())
    this.outbox.push(typed)
    this.#forgetOldEvents()
  }

  /** Changes an object and writes the event with what it was before; none when nothing changed. */
  update<T extends StripeObject>(
    object: T,
    type: Stripe.Event.Type,
    change: (object: T) => void,
  ): void {
    const before = structuredClone(object)
    change(object)
    this.announce(object, type, before)
  }

  /** Writes the event of a change that was made since `before` was copied. */
  announce<T extends StripeObject>(object: T, type: Stripe.Event.Type, before: T): void {
    const previous = previousAttributes(before, object)
    if (previous) this.emit(type, object, previous)
  }

  /** An invoice's payment names its invoice alone, a dispute its charge. */
  #payerOf(object: object): string | null {
    if ('charge' in object && typeof object.charge === 'string') {
      const charge = this.store.charges.get(object.charge)
      return charge ? ownerOf(charge) : null
    }
    const id = 'invoice' in object && typeof object.invoice === 'string' ? object.invoice : ''
    const invoice = this.store.invoices.get(id)
    return invoice ? ownerOf(invoice) : null
  }

  /** Events are kept for 30 days of the wall clock. */
  #forgetOldEvents(): void {
    const oldest = this.wallSeconds() - EVENT_RETENTION_SECONDS
    for (const [id, writtenAt] of this.store.eventsWrittenAt) {
      if (writtenAt > oldest) return
      this.store.eventsWrittenAt.delete(id)
      this.store.events.delete(id)
    }
  }

  #index(kind: LiveKind, object: StripeObject): void {
    if (!isLive(object)) return
    const owner = ownerOf(object) ?? object.id
    const ids = this.live[kind].get(owner) ?? new Set()
    this.live[kind].set(owner, ids.add(object.id))
  }
}

/** The enabled endpoints that asked for this kind of event. */
export function endpointsFor(store: Store, event: Stripe.Event): Stripe.WebhookEndpoint[] {
  return [...store.webhookEndpoints.values()].filter(
    ({ status, enabled_events }) =>
      status === 'enabled' &&
      (enabled_events.includes('*') || enabled_events.some((type) => type === event.type)),
  )
}

/** Whose clock an object follows: its customer, or nobody's. */
export function ownerOf(object: object): string | null {
  if ('object' in object && object.object === 'customer' && 'id' in object) return String(object.id)
  if ('customer' in object && typeof object.customer === 'string') return object.customer
  return null
}

/** Whether anything can still become due for it. */
export function isLive(object: object): boolean {
  if (!('status' in object)) return false
  return !['canceled', 'incomplete_expired', 'paid', 'void', 'complete', 'expired'].includes(
    String(object.status),
  )
}
