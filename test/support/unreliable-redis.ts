// The line between isolates and Redis, in the test's hands: each request arrives, or not, or late, or twice, and its
// answer comes back, or not. What arrives is the real Redis's to answer, one request at a time.
import type { RedisClient } from '../../src/data/redis.ts'

/** What becomes of a request. `late` and `twice`: it, or a copy of it, may still arrive when all is over. */
export const FATES = [
  'arrives',
  'is lost',
  'loses its answer',
  'is late',
  'arrives twice',
  'waits before',
  'waits after',
] as const
export type Fate = (typeof FATES)[number]

export interface Request {
  /** Who sent it. */
  from: string
  script: string
  keys: readonly string[]
  args: readonly string[]
}

/** No network keeps a request for longer. */
const LATE_AT_MOST_MS = 60_000

/** A request that somebody waits for. */
interface Waiting {
  request: Request
  /** Its answer, once it has arrived. */
  reply: { value: unknown } | null
  resolve(value: unknown): void
  reject(error: Error): void
}

export class UnreliableRedis {
  /** Of the requests to come, in order; those without one arrive. */
  fates: Fate[] = []
  /** Nothing arrives. */
  isDown = false
  readonly waiting: Waiting[] = []
  readonly late: (Request & { sentAt: number })[] = []
  /** Requests at Redis. */
  busy = 0
  readonly #redis: RedisClient
  readonly #heard: (request: Request, reply: unknown) => void
  readonly #dead = new Set<string>()
  readonly #now: () => number
  #last: Promise<unknown> = Promise.resolve()

  /** `heard` is told of all that Redis has done. */
  constructor(
    redis: RedisClient,
    heard: (request: Request, reply: unknown) => void,
    now: () => number,
  ) {
    this.#redis = redis
    this.#heard = heard
    this.#now = now
  }

  /** The client of one isolate. */
  client(from: string): RedisClient {
    return { evaluate: (script, keys, args) => this.#send({ from, script, keys, args }) }
  }

  /** Nobody there waits for an answer any more, nor asks again; what it has sent may still arrive. */
  crash(from: string): void {
    this.#dead.add(from)
    for (const { request, reply } of this.#waitingOf(({ request }) => request.from === from)) {
      if (!reply) this.#isLate(request)
    }
  }

  /** All time limits end: who waits hears nothing, and what has not arrived may still do so. */
  timeOut(): void {
    for (const each of this.#waitingOf(() => true)) this.#fail(each)
  }

  /** Ends the wait of the request at `index` (modulo their number), one way or the other. */
  async letGo(index: number, how: 'answered' | 'failed'): Promise<void> {
    if (this.waiting.length === 0) return
    const [each] = this.waiting.splice(index % this.waiting.length, 1)
    if (!each) return
    if (how === 'failed') return this.#fail(each)
    const reply = each.reply ? each.reply.value : await this.#arrive(each.request)
    each.resolve(reply)
  }

  /** A late one arrives, or never does. */
  async endLate(index: number, how: 'arrives' | 'is lost'): Promise<void> {
    if (this.late.length === 0) return
    const [request] = this.late.splice(index % this.late.length, 1)
    if (!request || how === 'is lost') return
    if (this.#now() - request.sentAt < LATE_AT_MOST_MS) await this.#arrive(request)
  }

  #isLate(request: Request): void {
    this.late.push({ ...request, sentAt: this.#now() })
  }

  async #send(request: Request): Promise<unknown> {
    if (this.#dead.has(request.from)) return new Promise(() => {})
    if (this.isDown) throw lost()
    const fate = this.fates.shift() ?? 'arrives'
    if (fate === 'is late') this.#isLate(request)
    if (fate === 'is late' || fate === 'is lost') throw lost()
    if (fate === 'waits before') return this.#wait(request, null)
    const value = await this.#arrive(request)
    if (fate === 'loses its answer') throw lost()
    if (fate === 'arrives twice') this.#isLate(request)
    return fate === 'waits after' ? this.#wait(request, { value }) : value
  }

  #arrive(request: Request): Promise<unknown> {
    const { script, keys, args } = request
    this.busy += 1
    const answer = this.#last.then(async () => {
      const reply = await this.#redis.evaluate(script, keys, args)
      this.#heard(request, reply)
      return reply
    })
    this.#last = answer.catch(() => {}).finally(() => (this.busy -= 1))
    return answer
  }

  #wait(request: Request, reply: Waiting['reply']): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.waiting.push({ request, reply, resolve, reject })
    return promise
  }

  #fail({ request, reply, reject }: Waiting): void {
    if (!reply) this.#isLate(request)
    reject(lost())
  }

  #waitingOf(matches: (each: Waiting) => boolean): Waiting[] {
    const found = this.waiting.filter(matches)
    for (const each of found) this.waiting.splice(this.waiting.indexOf(each), 1)
    return found
  }
}

const lost = () => new Error('The connection was lost')
