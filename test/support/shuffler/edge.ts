// The network edge of one isolate: each delivery's requests counted, and the one among them at which the Worker dies,
// is refused, or waits. Nothing of our own code is replaced: the requests of an errand are known by its async context.
import { AsyncLocalStorage } from 'node:async_hooks'

/** What becomes of a delivery at its `at`-th request, before that leaves or once it has taken effect. */
export type Fate =
  | { kind: 'arrives' }
  /** The isolate dies. Nothing of it runs afterwards, and Stripe has no answer. `alone`: it had nothing else to do. */
  | { kind: 'dies'; at: number; when: 'before' | 'after'; alone: boolean }
  /** Stripe or Postgres answers 503 in its place. */
  | { kind: 'is refused'; at: number }
  /** It takes as long as `steps` more steps of the script. */
  | { kind: 'waits'; at: number; when: 'before' | 'after'; steps: number }

const errands = new AsyncLocalStorage<Errand>()

/** One delivery on its way through the Worker. */
export class Errand {
  readonly fate: Fate
  /** Resolves when the isolate has died under it. */
  readonly died: Promise<void>
  /** Resolves when it waits at the edge. */
  readonly waits: Promise<void>
  /** Where its fate met it, for the report. */
  met = ''
  readonly #died = Promise.withResolvers<void>()
  readonly #waits = Promise.withResolvers<void>()
  readonly #released = Promise.withResolvers<void>()
  readonly #crash: () => void
  #requests = 0
  #isDead = false

  /** @param crash ends the isolate: it calls `die` of all its errands */
  constructor(fate: Fate, crash: () => void) {
    this.fate = fate
    this.#crash = crash
    this.died = this.#died.promise
    this.waits = this.#waits.promise
  }

  /** Runs the Worker's part of it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return errands.run(this, work)
  }

  die(): void {
    this.#isDead = true
    this.#died.resolve()
  }

  release(): void {
    this.#released.resolve()
  }

  async request(url: URL, send: () => Promise<Response>): Promise<Response> {
    if (this.#isDead) return never()
    this.#requests += 1
    const { fate } = this
    const answer = await (fate.kind === 'arrives' || fate.at !== this.#requests
      ? send()
      : this.#meet(fate, url, send))
    return this.#isDead ? never() : answer
  }

  async #meet(
    fate: Exclude<Fate, { kind: 'arrives' }>,
    url: URL,
    send: () => Promise<Response>,
  ): Promise<Response> {
    this.met = `${url.port}${url.pathname}`
    // A Redis that refuses is no failure of the event: its expiry repairs the snapshot, not Stripe's next try.
    if (fate.kind === 'is refused') return isRedis(url) ? send() : refusal()
    const answer = fate.when === 'after' ? await buffered(await send()) : undefined
    if (fate.kind === 'dies') this.#crash()
    else {
      this.#waits.resolve()
      await this.#released.promise
    }
    return answer ?? (this.#isDead ? never() : send())
  }
}

const isRedis = ({ pathname }: URL) => pathname === '/'

/** Stripe's client would try again by itself, after a pause. */
const refusal = () =>
  new Response('{"error":{"type":"api_error","message":"away"}}', {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'Stripe-Should-Retry': 'false' },
  })

async function buffered(answer: Response): Promise<Response> {
  return new Response(await answer.arrayBuffer(), answer)
}

function never<T>(): Promise<T> {
  return new Promise(() => {})
}

/** Stands at the edge until the function that it gives back is called. Clients that keep `fetch` are made after it. */
export function standAtTheEdge(): () => void {
  const send = globalThis.fetch
  globalThis.fetch = ((input: RequestInfo | URL, init?: RequestInit) => {
    const errand = errands.getStore()
    if (!errand) return send(input, init)
    const url = new URL(input instanceof Request ? input.url : String(input))
    // What waits here takes longer than any time limit, and is to go on all the same.
    const { signal: _, ...rest } = init ?? {}
    return errand.request(url, () => send(input, rest))
  }) as typeof fetch
  return () => {
    globalThis.fetch = send
  }
}
