// Isolates of one Worker over one Redis, in the test's hands: their clock, the line to Redis, when their calls end, and
// when they die. Each has a memory of its own; all run the real paywall over the stack.
import { env } from 'cloudflare:test'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppContext, AppEnv, Deps } from '../../src/context.ts'
import type { Units } from '../../src/data/leases.ts'
import { createMemory } from '../../src/data/memory.ts'
import { NO_UNITS } from '../../src/data/units.ts'
import { upkeep } from '../../src/data/upkeep.ts'
import { answerError } from '../../src/http/errors.ts'
import { openRequest } from '../../src/http/middleware.ts'
import type { LogFields } from '../../src/log.ts'
import { paywall } from '../../src/paywall/middleware.ts'
import { type Request, UnreliableRedis } from './unreliable-redis.ts'

/** A call as its caller and its handler see it. */
export interface PaidTestCall {
  readonly isolate: Isolate
  readonly units: Units
  /** Whether it asks for its units one by one (`paywall()`), or for all of them. */
  readonly isPlain: boolean
  readonly begunAt: number
  /** Handled: let in, and not answered yet. */
  state: 'asks' | 'handled' | 'answered' | 'dead'
  handledAt: number
  status: number
  text: string
  end(status: number, cost: Units): void
}

export interface Isolate {
  readonly name: string
  readonly deps: Deps
  readonly shop: Hono<AppEnv>
  alive: boolean
  /** Lent while Redis was away, by account and window, ever. */
  readonly lent: Map<string, Units>
}

interface Pause {
  isolate: string
  due: number
  resume(): void
}

export class Isolates {
  now: number
  readonly line: UnreliableRedis
  readonly calls: PaidTestCall[] = []
  readonly all: Isolate[] = []
  /** Is told of each settlement that an isolate gives up: the log's fields. */
  lost: ((fields: LogFields) => void) | undefined
  readonly #base: Deps
  readonly #count: number
  #pauses: Pause[] = []
  #queries = 0
  #bytes = 0

  constructor(
    base: Deps,
    { count, now }: { count: number; now: number },
    heard: (request: Request, reply: unknown) => void,
  ) {
    this.#base = base
    this.#count = count
    this.now = now
    this.line = new UnreliableRedis(base.redis, heard, () => this.now)
    for (let i = 0; i < count; i += 1) this.all.push(this.#start())
  }

  /** The living one in that place. */
  at(index: number): Isolate {
    const isolate = this.all.filter(({ alive }) => alive)[index % this.#count]
    if (!isolate) throw new Error('No isolate is alive')
    return isolate
  }

  /** Begins a call; it goes on until its handler is reached, or it is answered, or Redis lets it wait. */
  begin(
    isolate: Isolate,
    key: string,
    { units, isPlain, idempotencyKey }: { units: Units; isPlain: boolean; idempotencyKey?: string },
  ): PaidTestCall {
    const call: PaidTestCall = {
      isolate,
      units,
      isPlain,
      begunAt: this.now,
      state: 'asks',
      handledAt: 0,
      status: 0,
      text: '',
      end: () => {},
    }
    this.calls.push(call)
    void this.#ask(call, key, idempotencyKey)
    return call
  }

  crash(isolate: Isolate): void {
    isolate.alive = false
    this.line.crash(isolate.name)
    this.#pauses = this.#pauses.filter(({ isolate: of }) => of !== isolate.name)
    for (const call of this.calls) {
      if (call.isolate === isolate && call.state !== 'answered') call.state = 'dead'
    }
    this.all.push(this.#start())
  }

  /** Time passes: nobody waits any longer for Redis, and whoever pauses goes on when it is time. */
  async pass(milliseconds: number): Promise<void> {
    this.line.timeOut()
    await this.rest()
    const end = this.now + milliseconds
    for (;;) {
      const [next] = this.#pauses.sort((a, b) => a.due - b.due)
      if (!next || next.due > end) break
      this.#pauses.shift()
      this.now = Math.max(this.now, next.due)
      next.resume()
      await this.rest()
      this.line.timeOut()
      await this.rest()
    }
    this.now = end
  }

  /** What requests do in the background of their calls, without a call. */
  async upkeep(): Promise<void> {
    for (const { deps, alive } of this.all) if (alive) void upkeep(deps, this.now)
    await this.rest()
  }

  /** Resolves when nothing goes on any more without the test. */
  async rest(): Promise<void> {
    for (let quiet = 0; quiet < 1; ) {
      await new Promise((resolve) => setTimeout(resolve))
      quiet = this.line.busy > 0 || this.#queries > 0 ? 0 : quiet + 1
    }
  }

  #start(): Isolate {
    const name = `isolate ${this.all.length}`
    const memory = createMemory()
    const lent = new Map<string, Units>()
    memory.loans = new LoanBook(lent)
    const deps: Deps = {
      ...this.#base,
      db: this.#countingQueries(this.#base.db),
      redis: this.line.client(name),
      memory,
      stripe: new Proxy(this.#base.stripe, { get: away }),
      limiters: {
        ...this.#base.limiters,
        tier: { hobby: unlimited, research: unlimited, pro: unlimited },
      },
      now: () => new Date(this.now),
      pause: (milliseconds) =>
        new Promise((resume) =>
          this.#pauses.push({ isolate: name, due: this.now + milliseconds, resume }),
        ),
      randomBytes: (length) => this.#nextBytes(length),
      log: (_, event, fields) => {
        if (event === 'usage_settlement_lost') this.lost?.(fields ?? {})
      },
    }
    const isolate: Isolate = {
      name,
      deps,
      shop: shopOf(deps, this.calls, () => this.now),
      alive: true,
      lent,
    }
    return isolate
  }

  async #ask(call: PaidTestCall, key: string, idempotencyKey?: string): Promise<void> {
    const { isolate, units, isPlain } = call
    const query = `calls=${units.apiCalls}&reactions=${units.reactions}`
    const headers = {
      'X-API-Key': key,
      ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
      'X-Call': String(this.calls.indexOf(call)),
    }
    const path = isPlain ? '/plain' : `/costs?${query}`
    const response = await isolate.shop.request(path, { method: 'POST', headers }, env, {
      waitUntil: (work: Promise<unknown>) => void work.catch(() => {}),
      passThroughOnException: () => {},
      props: {},
    } as unknown as ExecutionContext)
    call.text = await response.text()
    call.status = response.status
    if (call.state !== 'dead') call.state = 'answered'
  }

  #countingQueries(db: Deps['db']): Deps['db'] {
    return new Proxy(db, {
      get: (target, name) => {
        if (name !== 'execute') return Reflect.get(target, name)
        return async (query: Parameters<Deps['db']['execute']>[0]) => {
          this.#queries += 1
          try {
            return await target.execute(query)
          } finally {
            this.#queries -= 1
          }
        }
      },
    })
  }

  /** Never twice the same, and in every run of the same steps the same. */
  #nextBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.#bytes += 1
    new DataView(bytes.buffer).setUint32(0, this.#bytes)
    return bytes
  }
}

/** Remembers how much was lent in all. */
class LoanBook extends Map<string, Units> {
  readonly #lent: Map<string, Units>

  constructor(lent: Map<string, Units>) {
    super()
    this.#lent = lent
  }

  override set(account: string, units: Units): this {
    const before = this.get(account) ?? NO_UNITS
    const ever = this.#lent.get(account) ?? NO_UNITS
    this.#lent.set(account, {
      apiCalls: ever.apiCalls + Math.max(0, units.apiCalls - before.apiCalls),
      reactions: ever.reactions + Math.max(0, units.reactions - before.reactions),
    })
    return super.set(account, units)
  }
}

const unlimited = { allows: async () => true }

function away(): never {
  throw new Error('Stripe is away')
}

/** Two paid routes whose handlers answer when the test says so, with what it says. */
function shopOf(deps: Deps, calls: PaidTestCall[], now: () => number): Hono<AppEnv> {
  const shop = new Hono<AppEnv>()
  shop.onError(answerError)
  shop.use(openRequest(() => deps))
  const number = (text: string | undefined) => Number(text ?? 0)
  const handle = async (c: AppContext) => {
    const call = calls[number(c.req.header('X-Call'))]
    if (!call) throw new Error('Nobody made this call')
    call.state = 'handled'
    call.handledAt = now()
    const ended = Promise.withResolvers<{ status: number; cost: Units }>()
    call.end = (status, cost) => ended.resolve({ status, cost })
    const { status, cost } = await ended.promise
    c.var.paid.costs(cost)
    return c.body(null, status as ContentfulStatusCode)
  }
  shop.post('/plain', paywall(), handle)
  shop.post(
    '/costs',
    paywall(async (c) => ({
      apiCalls: number(c.req.query('calls')),
      reactions: number(c.req.query('reactions')),
    })),
    handle,
  )
  return shop
}
