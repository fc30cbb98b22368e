// The isolates of one account's Worker: each with its own memory, all over the same stack, on the account's clock. One
// that dies is followed by another in its place.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import type { Hono } from 'hono'
import { createApp } from '../../../src/app.ts'
import type { AppEnv, Deps } from '../../../src/context.ts'
import { createMemory } from '../../../src/data/memory.ts'
import { freshAddress, type Json } from '../app.ts'
import { type EventJson, signature } from '../stripe.ts'
import { Errand, type Fate } from './edge.ts'

export interface IsolateSettings {
  trialDays: number
  paymentReversal: 'cancel' | 'keep'
}

/** What Stripe's delivery log would show; null: no answer came. */
export type Answered = { status: number; json: Json } | null

/** A delivery: under way until the Worker answers or dies. */
export interface Dispatch {
  event: EventJson
  errand: Errand
  done: Promise<Answered>
}

export class LifeIsolate {
  readonly #deps: Deps
  readonly #app: Hono<AppEnv>
  readonly #errands = new Set<Errand>()
  isAlive = true

  constructor(base: Deps, { trialDays, paymentReversal }: IsolateSettings, now: () => Date) {
    this.#deps = {
      ...base,
      config: { ...base.config, trialDays, paymentReversal },
      memory: createMemory(),
      now,
      log: () => {},
    }
    this.#app = createApp(() => this.#deps)
  }

  /** Delivers an event as Stripe does. */
  dispatch(event: EventJson, fate: Fate): Dispatch {
    const errand = new Errand(fate, () => this.crash())
    this.#errands.add(errand)
    const payload = JSON.stringify(event)
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'Stripe-Signature': signature(payload, undefined, this.#deps.now().getTime()),
    }
    const path = '/billing/webhooks/stripe'
    const answer = errand.run(() => this.call('POST', path, headers, payload))
    const done = Promise.race([answer, errand.died.then(() => null)])
    void done.finally(() => this.#errands.delete(errand))
    return { event, errand, done }
  }

  /** Whatever it was at is never heard of again. */
  crash(): void {
    this.isAlive = false
    for (const errand of this.#errands) errand.die()
  }

  async call(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<{ status: number; json: Json; text: string }> {
    const ctx = createExecutionContext()
    const response = await this.#app.request(
      `/api/v1${path}`,
      {
        method,
        headers: { 'CF-Connecting-IP': freshAddress(), ...headers },
        ...(body !== undefined && { body }),
      },
      env,
      ctx,
    )
    const text = new TextDecoder().decode(await response.arrayBuffer())
    await waitOnExecutionContext(ctx)
    return { status: response.status, text, json: text.startsWith('{') ? parsed(text) : {} }
  }
}

/** Data sets come as lines of JSON: those are not looked into. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** As many as there are places, whoever dies. */
export class LifeIsolates {
  readonly #all: LifeIsolate[] = []
  readonly #make: (now?: () => Date) => LifeIsolate

  constructor(make: (now?: () => Date) => LifeIsolate) {
    this.#make = make
  }

  at(place: number): LifeIsolate {
    const present = this.#all[place]
    if (present?.isAlive) return present
    const next = this.#make()
    this.#all[place] = next
    return next
  }

  /** One more, that remembers nothing. */
  fresh(now?: () => Date): LifeIsolate {
    return this.#make(now)
  }
}
