// Stripe's deliveries of one life: which events there are, which have been answered 200, what waits at the edge. Every
// event arrives in the end, as Stripe sees to by its retries.
import { EVENT_TYPES } from '../../../src/billing/event-types.ts'
import { type EventJson, eventsOf } from '../stripe.ts'
import type { Fate } from './edge.ts'
import type { Dispatch, LifeIsolates } from './isolates.ts'
import type { Life } from './life.ts'
import { type Aftermath, type Delivery, describeFate } from './script.ts'

const USED: ReadonlySet<string> = new Set(EVENT_TYPES)
/** The last version before basil (2025-03-31). */
const PINNED = '2025-02-24.acacia'
const ROUNDS = 12

interface Waiter extends Dispatch {
  /** Steps that it still waits for. */
  left: number
}

export class Courier {
  /** Ids of events that were answered 200. */
  readonly arrived = new Set<string>()
  /** How often each was sent. */
  readonly sent = new Map<string, number>()
  readonly #lines: string[]
  #events: EventJson[] = []
  #pinned = new Map<string, EventJson>()
  #waiters: Waiter[] = []
  readonly #life: Life
  readonly #isolates: LifeIsolates

  /** @param lines where it tells what it does */
  constructor(life: Life, isolates: LifeIsolates, lines: string[]) {
    this.#lines = lines
    this.#life = life
    this.#isolates = isolates
  }

  get events(): readonly EventJson[] {
    return this.#events
  }

  /** A step of the script: `all` at once. */
  async step(all: readonly Delivery[]): Promise<void> {
    await this.#refresh()
    const waiting = this.#outstanding()
    const choice = [...waiting, ...this.#events.filter((event) => !waiting.includes(event))]
    await this.#group(
      all.flatMap((delivery) => {
        const event = choice[delivery.event % choice.length]
        return event ? [{ ...delivery, what: event }] : []
      }),
    )
  }

  /** One step of the script is over: whoever has waited for long enough goes on. */
  async pass(): Promise<void> {
    for (const waiter of this.#waiters) waiter.left -= 1
    await this.#release(this.#waiters.filter(({ left }) => left <= 0))
  }

  /** Everything arrives. */
  async finish({ order, copies, groups, deliveries, waitersLast }: Aftermath): Promise<void> {
    await this.#refresh()
    const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T
    const queue = this.#outstanding()
      .flatMap((what, i) => Array.from({ length: at(copies, i) }, () => what))
      .map((what, i) => ({ ...at(deliveries, i), what, key: at(order, i) }))
      .sort((a, b) => a.key - b.key)
    for (let i = 0; queue.length > 0; i += 1) {
      await this.#group(queue.splice(0, at(groups, i)))
      await this.pass()
    }
    if (!waitersLast) await this.#release(this.#waiters)
    await this.#deliverRest()
    await this.#release(this.#waiters)
    await this.#deliverRest()
  }

  /** What has not arrived is delivered again, and what came of it, until Stripe has nothing to deliver. */
  async #deliverRest(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      await this.#refresh()
      const rest = this.#outstanding()
      if (rest.length === 0) return
      for (const what of rest) {
        const isPinned = false
        await this.#group([{ what, isolate: round % 3, isPinned, fate: { kind: 'arrives' } }])
      }
    }
    const names = this.#outstanding().map(({ id, type }) => `${type} ${id}`)
    throw new Error(`Never answered 200: ${names.join(', ')}`)
  }

  async #group(all: readonly (Omit<Delivery, 'event'> & { what: EventJson })[]): Promise<void> {
    if (all.some(({ isPinned }) => isPinned)) await this.#refreshPinned()
    const under = all.map(({ what, isolate, isPinned, fate: given }) => {
      const fate = isolate === 0 ? given : deeper(given, what)
      const event = (isPinned && this.#pinned.get(what.id)) || what
      this.sent.set(what.id, (this.sent.get(what.id) ?? 0) + 1)
      const isAlone = fate.kind === 'dies' && fate.alone
      const place = isAlone ? this.#isolates.fresh() : this.#isolates.at(isolate)
      const dispatch = place.dispatch(event, fate)
      return { ...dispatch, fate, isolate, isPinned }
    })
    await Promise.all(
      under.map(async ({ event, errand, done, fate, isolate, isPinned }) => {
        const answer = await Promise.race([done, errand.waits.then(() => 'waits' as const)])
        if (answer === 'waits') {
          const left = fate.kind === 'waits' ? fate.steps : 0
          this.#waiters.push({ event, errand, done, left })
        } else this.#note(event, answer?.status)
        const outcome =
          answer === 'waits'
            ? 'waits'
            : answer
              ? `${answer.status} ${answer.json.outcome ?? ''}`
              : 'no answer'
        const shape = isPinned ? ', pinned' : ''
        const met = errand.met ? ` (at ${errand.met})` : ''
        this.#lines.push(
          `  ${event.type} ${event.id} to isolate ${isolate}${shape}${describeFate(fate)}${met}: ${outcome}`,
        )
      }),
    )
    if (all.length > 1) this.#lines.push(`  (these ${all.length} at once)`)
  }

  async #release(waiters: readonly Waiter[]): Promise<void> {
    this.#waiters = this.#waiters.filter((waiter) => !waiters.includes(waiter))
    for (const { errand } of waiters) errand.release()
    await Promise.all(
      waiters.map(async ({ event, done }) => {
        const answer = await done
        this.#note(event, answer?.status)
        this.#lines.push(
          `  ${event.type} ${event.id} that waited goes on: ${answer ? `${answer.status} ${answer.json.outcome ?? ''}` : 'no answer'}`,
        )
      }),
    )
  }

  #note({ id }: EventJson, status: number | undefined): void {
    if (status === 200) this.arrived.add(id)
  }

  #outstanding(): EventJson[] {
    return this.#events.filter(({ id }) => !this.arrived.has(id))
  }

  async #refresh(): Promise<void> {
    this.#events = await this.#read()
  }

  async #refreshPinned(): Promise<void> {
    this.#pinned = new Map((await this.#read(PINNED)).map((event) => [event.id, event]))
  }

  async #read(apiVersion?: string): Promise<EventJson[]> {
    const { customers, strangers } = this.#life
    const all: EventJson[] = []
    for (const customer of [...customers, ...strangers]) {
      all.push(...(await eventsOf(customer, apiVersion)))
    }
    return all.filter(({ type }) => USED.has(type))
  }
}

/** A refund makes a dozen requests: what is to happen to its delivery happens where it ends the subscription. */
function deeper(fate: Fate, { type }: EventJson): Fate {
  if (type !== 'charge.refunded' || fate.kind === 'arrives' || fate.at > 4) return fate
  return { ...fate, at: 2 * fate.at + 5 }
}
