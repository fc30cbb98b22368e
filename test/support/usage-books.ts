// The plain model of one account's count: what was let in, answered and told to Redis, and which units nobody can
// account for. Knows nothing of pools, renewals or scripts but what goes over the line.

import { LEASE_SCRIPT } from '../../src/data/lease-lua.ts'
import { NO_UNITS, plus, type Units } from '../../src/data/units.ts'
import type { Isolate, PaidTestCall } from './isolates.ts'
import type { Request } from './unreliable-redis.ts'

export const KINDS = ['apiCalls', 'reactions'] as const

/** Units by window. */
export type Tally = Map<number, Units>

export function add(tally: Tally, window: number, units: Units): void {
  tally.set(window, plus(tally.get(window) ?? NO_UNITS, units))
}

export const of = (tally: Tally, window: number): Units => tally.get(window) ?? NO_UNITS

export const least = (a: Units, b: Units): Units => ({
  apiCalls: Math.min(a.apiCalls, b.apiCalls),
  reactions: Math.min(a.reactions, b.reactions),
})

export const minus = (a: Units, b: Units): Units => ({
  apiCalls: Math.max(0, a.apiCalls - b.apiCalls),
  reactions: Math.max(0, a.reactions - b.reactions),
})

interface Lease {
  isolate: string
  window: number
  units: Units
  expiresAt: number
}

export class UsageBooks {
  /** Answered below 500: what they cost, and what of that their leases held. */
  readonly cost: Tally = new Map()
  readonly leased: Tally = new Map()
  /** Units whose loss is allowed for: they died with an isolate, outlived their lease, or went with Redis. */
  readonly lost: Tally = new Map()
  /** Booked before Redis was lost: what nobody had heard of may be booked once more. */
  readonly doubtful: Tally = new Map()
  /** By isolate: answered, and not told to Redis. */
  readonly owed = new Map<string, Tally>()
  readonly leases = new Map<string, Lease>()
  /** Broken promises that only the line shows. */
  readonly faults: string[] = []
  /** Loans and costs above a lease that Redis has heard of. */
  readonly #bookedAlone: Tally = new Map()
  readonly #told = new Set<string>()
  readonly #account: string
  readonly #open: (isolate: string) => Tally
  readonly #present: () => number

  /** `open`: the units of an isolate's calls that are under way; `present`: the window of now. */
  constructor(userId: string, open: (isolate: string) => Tally, present: () => number) {
    this.#account = userId
    this.#open = open
    this.#present = present
  }

  answered(call: PaidTestCall, window: number, cost: Units): void {
    const held = call.isPlain ? { apiCalls: Math.min(1, cost.apiCalls), reactions: 0 } : cost
    add(this.cost, window, cost)
    add(this.leased, window, held)
    add(this.#owedBy(call.isolate.name), window, held)
  }

  crashed(isolate: Isolate): void {
    for (const [window, units] of this.#owedBy(isolate.name)) add(this.lost, window, units)
    this.owed.delete(isolate.name)
  }

  /** Redis has lost its memory: `uncounted` is what nobody had written down elsewhere. */
  wiped(uncounted: Tally): void {
    for (const [window, units] of uncounted) add(this.lost, window, units)
    for (const lease of this.leases.values()) this.#loses(lease, lease.units)
    for (const [window, units] of this.#bookedAlone) add(this.doubtful, window, units)
    this.leases.clear()
  }

  /** Units that somebody holds, by window; under 0 those whose window nobody knew. */
  get held(): Tally {
    const held: Tally = new Map()
    for (const { window, units } of this.leases.values()) add(held, window, units)
    return held
  }

  /** What Redis was asked, and what it answered. */
  heard({ from, script, args }: Request, reply: unknown): void {
    if (script !== LEASE_SCRIPT || args[1] !== this.#account) return
    const [now = 0, , mode = '', id = '', , , , expires = ''] = [Number(args[0]), ...args.slice(1)]
    const settlements = settlementsIn(args)
    // A Redis that lost its memory may hold again what a late request asked for.
    const isOver = (id: string) => this.#told.has(id) && !this.leases.has(id)
    const isStale = settlements.length > 0 && settlements.every(({ id }) => isOver(id))
    for (const { how, id, units, window } of settlements) {
      if (how === 'settle' || how === 'void') this.leases.delete(id)
      if (this.#told.has(id)) continue
      this.#told.add(id)
      if (how === 'book' || how === 'charge') add(this.#bookedAlone, window, units)
      const owed = this.#owedBy(from)
      owed.set(window, minus(of(owed, window), units))
    }
    for (const [id, lease] of this.leases) {
      if (lease.expiresAt > now) continue
      this.leases.delete(id)
      const owed = this.owed.get(lease.isolate) ?? new Map()
      const open = this.#open(lease.isolate)
      for (const window of new Set([...owed.keys(), ...open.keys()])) {
        const inUse = plus(of(owed, window), of(open, window))
        add(this.lost, window, least(lease.units, inUse))
      }
    }
    const [status, , window, calls, reactions] = reply as string[]
    const units = { apiCalls: Number(calls), reactions: Number(reactions) }
    if (mode === 'read' || (units.apiCalls === 0 && units.reactions === 0)) return
    if (mode === 'renew' && isStale && !this.leases.has(id)) {
      this.faults.push(`${status}: a renewal of leases that had ended took ${calls}`)
    }
    const known = this.leases.get(id)
    const expiresAt = known?.expiresAt ?? Number(expires)
    this.leases.set(id, known ?? { isolate: from, window: Number(window), units, expiresAt })
  }

  #owedBy(isolate: string): Tally {
    const owed = this.owed.get(isolate) ?? new Map()
    this.owed.set(isolate, owed)
    return owed
  }

  #loses({ isolate, window }: Lease, units: Units): void {
    // Taken before anybody knew the window: it may be of any in which something is used.
    const unseen = [...this.cost.keys(), ...this.#open(isolate).keys(), this.#present()]
    const windows = window === 0 ? new Set(unseen) : [window]
    for (const each of windows) add(this.lost, each, units)
  }
}

interface Told {
  how: string
  id: string
  units: Units
  window: number
}

/** The settlements among a request's arguments: see exchangeArguments. */
function settlementsIn(args: readonly string[]): Told[] {
  const found: Told[] = []
  for (let i = 10; i + 4 < args.length; i += 5) {
    const [how = '', id = '', calls, reactions, window] = args.slice(i, i + 5)
    const units = { apiCalls: Number(calls), reactions: Number(reactions) }
    found.push({ how, id, units, window: Number(window) })
  }
  return found
}
