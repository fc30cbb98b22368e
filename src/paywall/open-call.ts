// A call that has been let in, from there to its settlement.
import type { AppContext, Deps, PaidCall } from '../context.ts'
import { type Holding, LEASE_SECONDS, settle, tendHolding, type Units } from '../data/leases.ts'
import type { Allowed } from './decide.ts'

export const ONE_CALL: Units = { apiCalls: 1, reactions: 0 }
/** A stream ends this long before its lease does, so that it can still be booked. */
const MARGIN_SECONDS = 60

/** A call that has been let in, and how it settles. */
export class OpenCall implements PaidCall {
  readonly #c: AppContext
  readonly #deps: Deps
  readonly #holding: Holding
  readonly account: PaidCall['account']
  readonly tier: PaidCall['tier']
  readonly #ended = Promise.withResolvers<void>()
  settlesLater = false
  cost: Units

  constructor(c: AppContext, deps: Deps, { account, tier }: Allowed, holding: Holding) {
    this.#c = c
    this.#deps = deps
    this.#holding = holding
    this.account = account
    this.tier = tier
    this.cost = 'units' in holding ? holding.units : ONE_CALL
    // A caller may leave at any time, and its request with it: the settlement must outlive both.
    inBackground(c, this.#ended.promise)
  }

  get mode(): 'live' {
    return 'live'
  }

  get endsBy(): AbortSignal {
    return this.#deps.signalAfter((LEASE_SECONDS - MARGIN_SECONDS) * 1000)
  }

  get seedBytes(): Uint8Array | null {
    return this.#c.get('repetition')?.seedBytes ?? null
  }

  costs(units: Units): void {
    this.cost = units
  }

  settleLater(): (units: Units, isWhole?: boolean) => Promise<void> {
    this.settlesLater = true
    return async (units, isWhole = true) => {
      await this.end(units, isWhole)
    }
  }

  /** The settlement that is being sent, or null: a pool's goes with its next. */
  end(units: Units, isWhole: boolean): Promise<void> | null {
    const sent = settle(this.#deps, this.#holding, units, isWhole)
    inBackground(this.#c, sent)
    inBackground(this.#c, tendHolding(this.#deps, this.#holding))
    this.#ended.resolve()
    return sent
  }
}

/** Work that outlives the request. */
export function inBackground(c: AppContext, work: Promise<unknown> | null): void {
  if (work) c.executionCtx.waitUntil(work)
}
