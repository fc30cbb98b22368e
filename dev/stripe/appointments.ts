// What is due when: the next appointment of each customer, and the work of getting there in order.
import type { Stripe } from 'stripe'
import { periodEnd } from './billing/cancellations.ts'
import { expireSession } from './billing/checkout.ts'
import {
  endTrial,
  finalizeAndCollect,
  renew,
  resumeCollection,
  sendTrialWillEnd,
} from './billing/renewals.ts'
import { giveUpResuming } from './billing/resume.ts'
import {
  collect,
  endSubscription,
  expireIncomplete,
  markOverdue,
  overdueAt,
} from './billing/subscription-state.ts'
import { isLive, type World } from './world.ts'

interface Appointment {
  /** Unix seconds on the owner's clock. */
  at: number
  run: () => void
}

const HOUR = 3600
const DAY = 86_400
/** More appointments in one step than years of daily billing: something renews without end. */
const TOO_MANY = 50_000

/** Does everything of one owner that is due until a moment of its clock, each as of its own time. */
export function runDueOf(world: World, owner: string, until: number): void {
  for (let done = 0; done < TOO_MANY; done += 1) {
    const next = nextAppointment(world, [owner])
    if (!next || next.at > until) return
    world.asOf(next.at, next.run)
  }
  throw new Error(`The appointments of ${owner} do not end`)
}

/** The same for the customers of one test clock: their appointments interleave. */
export function runDueTogether(world: World, owners: string[], until: number): void {
  for (let done = 0; done < TOO_MANY; done += 1) {
    const next = nextAppointment(world, owners)
    if (!next || next.at > until) return
    world.asOf(next.at, next.run)
  }
  throw new Error('The appointments of a test clock do not end')
}

/** Keeps for each owner when it is next due, so that a tick costs next to nothing. */
export class Agenda {
  readonly #world: World
  /** Wall seconds. */
  readonly #next = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
    for (const kind of ['subscriptions', 'invoices', 'checkoutSessions'] as const) {
      for (const owner of world.live[kind].keys()) world.touched.add(owner)
    }
  }

  /** Does what has become due as wall time passed. Test clocks stand still. */
  tick(): void {
    this.#refresh()
    const wall = this.#world.wallSeconds()
    for (const [owner, at] of this.#next) {
      if (at <= wall) runDueOf(this.#world, owner, this.#world.now(owner))
    }
    this.#refresh()
  }

  #refresh(): void {
    for (const owner of this.#world.touched) {
      const next = nextAppointment(this.#world, [owner])
      if (!next || this.#world.testClockOf(owner) !== null) this.#next.delete(owner)
      else this.#next.set(owner, next.at - (this.#world.now(owner) - this.#world.wallSeconds()))
    }
    this.#world.touched.clear()
  }
}

function nextAppointment(world: World, owners: string[]): Appointment | null {
  let next: Appointment | null = null
  for (const appointment of appointments(world, owners)) {
    // Of the same second, the first named comes first.
    if (!next || appointment.at < next.at) next = appointment
  }
  return next
}

function* appointments(world: World, owners: string[]): Generator<Appointment> {
  for (const owner of owners) {
    for (const session of liveOf(world, 'checkoutSessions', owner)) {
      yield { at: session.expires_at, run: () => expireSession(world, session) }
    }
    for (const subscription of liveOf(world, 'subscriptions', owner)) {
      yield* appointmentsOf(world, subscription)
    }
    for (const invoice of liveOf(world, 'invoices', owner)) yield* collections(world, invoice)
  }
}

function* appointmentsOf(world: World, subscription: Stripe.Subscription): Generator<Appointment> {
  const { status, trial_end: trialEnd } = subscription
  if (subscription.cancel_at !== null) {
    yield {
      at: subscription.cancel_at,
      run: () => endSubscription(world, subscription, 'cancellation_requested'),
    }
  }
  if (status === 'incomplete') {
    yield {
      at: subscription.created + 23 * HOUR,
      run: () => expireIncomplete(world, subscription),
    }
    return
  }
  if (status === 'paused') {
    const waiting = world.store.subscriptionNotes.get(subscription.id)?.resumption
    if (waiting) yield { at: waiting.voidsAt, run: () => giveUpResuming(world, subscription) }
    return
  }
  const resumesAt = subscription.pause_collection?.resumes_at
  if (resumesAt) yield { at: resumesAt, run: () => resumeCollection(world, subscription) }
  if (status === 'trialing' && trialEnd !== null) {
    if (world.store.subscriptionNotes.get(subscription.id)?.trialWillEndSentFor !== trialEnd) {
      yield {
        at: Math.max(trialEnd - 3 * DAY, subscription.created),
        run: () => sendTrialWillEnd(world, subscription),
      }
    }
    yield { at: trialEnd, run: () => endTrial(world, subscription) }
    return
  }
  yield { at: periodEnd(subscription), run: () => renew(world, subscription) }
}

function* collections(world: World, invoice: Stripe.Invoice): Generator<Appointment> {
  if (invoice.status === 'draft' && invoice.automatically_finalizes_at !== null) {
    yield {
      at: invoice.automatically_finalizes_at,
      run: () => finalizeAndCollect(world, invoice),
    }
  }
  const overdue = overdueAt(world, invoice)
  if (overdue !== null) yield { at: overdue, run: () => markOverdue(world, invoice) }
  if (invoice.status === 'open' && invoice.next_payment_attempt !== null) {
    yield {
      at: invoice.next_payment_attempt,
      run: () => collect(world, invoice, { automatic: true }),
    }
  }
}

/** The owner's open objects of a kind. Those that have ended are dropped from the index here. */
function liveOf<K extends keyof World['live']>(
  world: World,
  kind: K,
  owner: string,
): LiveObject<K>[] {
  const ids = world.live[kind].get(owner)
  if (!ids) return []
  // The map of a kind holds objects of that kind.
  const map = world.store[kind] as Map<string, LiveObject<K>>
  return [...ids].flatMap((id) => {
    const object = map.get(id)
    if (object && isLive(object)) return [object]
    ids.delete(id)
    return []
  })
}

type LiveObject<K extends keyof World['live']> =
  World['store'][K] extends Map<string, infer T> ? T : never
