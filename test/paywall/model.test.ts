// The count under everything that can happen to it: several isolates over one Redis, against a plain model. A failing
// run prints its seed, its path and the shortest steps that fail: put seed and path into `fc.assert` to repeat it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refreshAccount } from '../../src/data/accounts.ts'
import { exchange, READ } from '../../src/data/exchange.ts'
import { NO_UNITS, plus, type Units } from '../../src/data/units.ts'
import type { LogFields } from '../../src/log.ts'
import { PLANS, type Tier } from '../../src/plans.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { windowAt } from '../../src/window.ts'
import { testApp } from '../support/app.ts'
import {
  type Counted,
  changePlan,
  counted,
  forget,
  type PayingAccount,
  type PlanState,
  payingAccount,
  written,
} from '../support/books-account.ts'
import { Isolates, type PaidTestCall } from '../support/isolates.ts'
import { forgetSnapshot } from '../support/snapshot.ts'
import { FATES, type Fate } from '../support/unreliable-redis.ts'
import { emptyRedis } from '../support/usage.ts'
import { add, KINDS, least, minus, of, type Tally, UsageBooks } from '../support/usage-books.ts'

const { deps: base } = testApp()
const ISOLATES = 3
const WINDOW = { start: new Date('2026-12-01T00:00:00Z'), end: new Date('2027-01-01T00:00:00Z') }
/** How long an isolate goes by what it remembers. */
const MEMORY_MS = base.config.memorySeconds * 1000

type Step = { fates?: Fate[] } & (
  | { do: 'call'; at: number; times: number }
  | { do: 'call at a cost'; at: number; calls: number; reactions: number }
  | {
      do: 'answer'
      call: number
      times: number
      status: 200 | 404 | 500
      part: number
      more: number
    }
  | { do: 'pass'; ms: number }
  | { do: 'end of window'; before: number }
  | { do: 'let go'; request: number; how: 'answered' | 'failed' }
  | { do: 'late'; request: number; how: 'arrives' | 'is lost' }
  | { do: 'crash'; at: number }
  | { do: 'outage' }
  | { do: 'recovery' }
  | { do: 'flush' }
  | { do: 'lose Redis' }
  | { do: 'snapshot expires' }
  | { do: 'plan'; to: PlanState }
  | { do: 'refresh'; at: number }
)

const at = fc.nat(ISOLATES - 1)
const whichever = fc.nat(20)
const fates = fc.array(
  fc.oneof({ weight: 2, arbitrary: fc.constant<Fate>('arrives') }, fc.constantFrom(...FATES)),
  { maxLength: 4 },
)
const is = <K extends Step['do']>(name: K) => fc.constant(name)
/** Half of the steps meet a line that works. */
const onTheLine = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.oneof(fc.record(shape), fc.record({ ...shape, fates }))

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: onTheLine({
      do: is('call'),
      at,
      times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 14 })),
    }),
  },
  {
    weight: 2,
    arbitrary: onTheLine({
      do: is('call at a cost'),
      at,
      calls: fc.integer({ min: 1, max: 5 }),
      reactions: fc.constantFrom(0, 1, 40),
    }),
  },
  {
    weight: 6,
    arbitrary: onTheLine({
      do: is('answer'),
      call: whichever,
      times: fc.constantFrom(1, 2, 20),
      status: fc.constantFrom(200, 200, 200, 404, 500),
      part: fc.constantFrom(1, 1, 0.5, 0),
      more: fc.constantFrom(0, 0, 0, 2),
    }),
  },
  {
    weight: 4,
    arbitrary: onTheLine({
      do: is('pass'),
      ms: fc.constantFrom(300, 1000, 1000, 2500, 6000, 31_000, 1_000_000),
    }),
  },
  {
    weight: 1,
    arbitrary: onTheLine({ do: is('end of window'), before: fc.constantFrom(0, 1, 500) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('let go'),
      request: whichever,
      how: fc.constantFrom('answered', 'failed'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('late'),
      request: whichever,
      how: fc.constantFrom('arrives', 'is lost'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('crash'), at }) },
  { weight: 1, arbitrary: fc.record({ do: is('outage') }) },
  { weight: 1, arbitrary: fc.record({ do: is('recovery') }) },
  { weight: 1, arbitrary: fc.record({ do: is('flush') }) },
  { weight: 1, arbitrary: fc.record({ do: is('lose Redis') }) },
  { weight: 1, arbitrary: fc.record({ do: is('snapshot expires') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: is('plan'), to: fc.constantFrom('hobby', 'research', 'canceled') }),
  },
  { weight: 1, arbitrary: onTheLine({ do: is('refresh'), at }) },
) as fc.Arbitrary<Step>

interface Start {
  /** Of the quota, in the window in which it begins. */
  left: Units
  /** Until that window's end. */
  ms: number
}

const start: fc.Arbitrary<Start> = fc.record({
  left: fc.record({
    apiCalls: fc.oneof(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 9, max: 40 }),
      fc.constantFrom(300, 1000),
    ),
    reactions: fc.constantFrom(0, 50, 100, 10_000),
  }),
  ms: fc.constantFrom(2_500, 20_000, 20 * 86_400_000, 20 * 86_400_000),
})

/** One run: the real thing, and what the model knows of it. */
class Run {
  readonly #account: PayingAccount
  readonly #isolates: Isolates
  readonly #books: UsageBooks
  /** What Postgres had when it was last written. */
  #floor: Tally
  #plan: PlanState = 'hobby'
  #tier: Tier = 'hobby'
  #planSince = Number.NEGATIVE_INFINITY
  /** The largest quota that held in a window. */
  readonly #most: Tally = new Map()
  readonly #base: Tally
  /** As they stood after the last step. */
  #last: Counted

  constructor(account: PayingAccount, now: number, used: Units) {
    this.#account = account
    this.#base = new Map([[WINDOW.start.getTime(), used]])
    this.#floor = new Map(this.#base)
    this.#last = { used: this.#base, held: new Map(), leased: new Map(), seeded: new Set() }
    this.#books = new UsageBooks(
      account.id,
      (isolate) => this.#open(isolate),
      () => this.#window,
    )
    this.#isolates = new Isolates(base, { count: ISOLATES, now }, (request, reply) =>
      this.#books.heard(request, reply),
    )
    this.#isolates.lost = (fields) => this.#gaveUp(fields)
  }

  async take(step: Step): Promise<void> {
    const world = this.#isolates
    world.line.fates = [...(step.fates ?? [])]
    const before = this.#left()
    const first = world.calls.length
    const broken = world.all.filter(({ deps }) => deps.memory.redis.failures > 1)
    await this.#do(step)
    await world.rest()
    const isQuiet = world.line.fates.length === (step.fates ?? []).length
    world.line.fates = []
    await this.#check()
    const after = this.#left()
    for (const call of world.calls.slice(first))
      this.#checkRefusal(call, [before, after], isQuiet && !broken.includes(call.isolate))
  }

  async #do(step: Step): Promise<void> {
    const world = this.#isolates
    switch (step.do) {
      case 'call': {
        for (let i = 0; i < step.times; i += 1)
          this.#begin(step.at, { apiCalls: 1, reactions: 0 }, true)
        return
      }
      case 'call at a cost': {
        const { calls, reactions } = step
        this.#begin(step.at, { apiCalls: calls, reactions }, false)
        return
      }
      case 'answer': {
        const open = world.calls.filter(({ state }) => state === 'handled')
        for (let i = 0; i < Math.min(step.times, open.length); i += 1) {
          const call = open[(step.call + i) % open.length]
          if (call) this.#answer(call, step)
        }
        return
      }
      case 'pass':
        return world.pass(step.ms)
      case 'end of window': {
        const { end } = windowAt(WINDOW.start, new Date(world.now))
        const wait = end.getTime() - step.before - world.now
        return wait > 0 ? world.pass(wait) : undefined
      }
      case 'let go':
        return world.line.letGo(step.request, step.how)
      case 'late':
        return world.line.endLate(step.request, step.how)
      case 'crash': {
        const isolate = world.at(step.at)
        this.#books.crashed(isolate)
        return world.crash(isolate)
      }
      case 'outage':
      case 'recovery':
        world.line.isDown = step.do === 'outage'
        return
      case 'flush':
        return this.#flush()
      case 'lose Redis': {
        const { used } = await this.#counts()
        const uncounted: Tally = new Map()
        for (const [window, units] of used)
          uncounted.set(window, minus(units, of(this.#floor, window)))
        this.#books.wiped(uncounted)
        return emptyRedis(this.#account.id)
      }
      case 'snapshot expires':
        return forgetSnapshot(this.#account.id)
      case 'plan':
        this.#plan = step.to
        if (step.to !== 'canceled') this.#tier = step.to
        this.#planSince = world.now
        return changePlan(
          { ...base, memory: world.at(0).deps.memory, now: () => new Date(world.now) },
          this.#account.id,
          step.to,
        )
      case 'refresh':
        void refreshAccount(world.at(step.at).deps, this.#account.id)
    }
  }

  #begin(isolate: number, units: Units, isPlain: boolean): PaidTestCall {
    const world = this.#isolates
    return world.begin(world.at(isolate), this.#account.key, { units, isPlain })
  }

  #answer(
    call: PaidTestCall,
    { status, part, more }: Pick<Extract<Step, { do: 'answer' }>, 'status' | 'part' | 'more'>,
  ) {
    const { units, isPlain } = call
    const cost = isPlain
      ? { apiCalls: part === 0 ? 0 : 1 + more, reactions: 0 }
      : { apiCalls: Math.ceil(units.apiCalls * part), reactions: Math.ceil(units.reactions * part) }
    call.state = 'answered'
    call.end(status, cost)
    if (status < 500) this.#books.answered(call, this.#windowOf(call), cost)
  }

  async #flush(): Promise<void> {
    await flushUsage({ ...base, now: () => new Date(this.#isolates.now) })
    const rows = await written(base, this.#account.id)
    for (const [window, units] of this.#floor) {
      expectEach((kind) => [of(rows, window)[kind], '>=', units[kind], `${kind} in Postgres`])
    }
    this.#floor = rows
  }

  /** What an isolate cannot book any more is not charged, and logged. */
  #gaveUp(fields: LogFields): void {
    const units = { apiCalls: Number(fields.api_calls), reactions: Number(fields.reactions) }
    add(this.#books.lost, Date.parse(String(fields.window_start)), units)
  }

  /** The window that a call that was let in counts in. */
  #windowOf(call: PaidTestCall): number {
    const [asked, handled] = [call.begunAt, call.handledAt || call.begunAt].map((time) =>
      windowAt(WINDOW.start, new Date(time)).start.getTime(),
    )
    if (asked !== handled) {
      // It was asked for in one and let in in the next: either may count it.
      for (const window of [asked ?? 0, handled ?? 0]) {
        add(this.#books.lost, window, call.units)
        add(this.#books.doubtful, window, plus(call.units, { apiCalls: 2, reactions: 0 }))
      }
    }
    return handled ?? 0
  }

  #open(isolate?: string): Tally {
    const open: Tally = new Map()
    for (const call of this.#isolates.calls) {
      if (call.state !== 'handled' || (isolate !== undefined && call.isolate.name !== isolate))
        continue
      add(open, windowAt(WINDOW.start, new Date(call.handledAt)).start.getTime(), call.units)
    }
    return open
  }

  get #window(): number {
    return windowAt(WINDOW.start, new Date(this.#isolates.now)).start.getTime()
  }

  /** Redis's counts, with what Postgres has where they don't hold it. */
  async #counts(): Promise<Counted> {
    const counts = await counted(this.#account.id)
    for (const [window, units] of this.#floor) {
      if (!counts.seeded.has(window)) add(counts.used, window, units)
    }
    return counts
  }

  /** What is left of the present window for a call, as far as anybody can know. */
  #left(): Units {
    const { used, held } = this.#last
    const window = this.#window
    const taken = plus(of(used, window), plus(of(held, window), of(held, 0)))
    return minus(PLANS[this.#tier].quotas, taken)
  }

  #lent(window: number): Units {
    return this.#isolates.all.reduce(
      (sum, { lent }) => plus(sum, lent.get(`${this.#account.id}:${window}`) ?? NO_UNITS),
      NO_UNITS,
    )
  }

  async #check(): Promise<void> {
    const { quotas } = PLANS[this.#tier]
    const most = of(this.#most, this.#window)
    this.#most.set(this.#window, {
      apiCalls: Math.max(most.apiCalls, quotas.apiCalls),
      reactions: Math.max(most.reactions, quotas.reactions),
    })
    expect(this.#books.faults).toEqual([])
    this.#last = await this.#counts()
    const { used, held, leased, seeded } = this.#last
    const known = this.#books.held
    for (const window of new Set([...held.keys(), ...leased.keys(), ...known.keys()])) {
      expectEach((kind) => [
        of(held, window)[kind],
        '=',
        of(leased, window)[kind],
        `${kind} held, by the leases`,
      ])
      expectEach((kind) => [
        of(held, window)[kind],
        '=',
        of(known, window)[kind],
        `${kind} held, by the model`,
      ])
    }
    const { cost, leased: owned, lost, doubtful } = this.#books
    const open = this.#open()
    for (const window of new Set([...used.keys(), ...cost.keys(), ...open.keys()])) {
      const before = of(this.#base, window)
      const letIn = plus(before, plus(of(owned, window), of(open, window)))
      const allowed = plus(of(this.#most, window), plus(of(lost, window), this.#lent(window)))
      const charged = of(used, window)
      const answered = plus(before, plus(of(cost, window), of(doubtful, window)))
      expectEach((kind) => [
        letIn[kind],
        '<=',
        Math.max(allowed[kind], before[kind]),
        `${kind} let in`,
      ])
      expectEach((kind) => [
        charged[kind],
        '<=',
        answered[kind],
        `${kind} charged, of those answered`,
      ])
      if (seeded.has(window)) {
        expectEach((kind) => [
          charged[kind],
          '>=',
          of(this.#floor, window)[kind],
          `${kind} charged, of those flushed`,
        ])
      }
    }
    for (const { deps, alive } of this.#isolates.all) {
      if (!alive) continue
      for (const units of deps.memory.loans.values()) {
        expectEach((kind) => [
          units[kind],
          '<=',
          // It may have been lent under the larger plan.
          Math.min(50, Math.max(...[...this.#most.values()].map((each) => each[kind])) / 100),
          `${kind} lent`,
        ])
      }
    }
  }

  /** What a caller who was refused may expect. */
  #checkRefusal(call: PaidTestCall, left: Units[], isQuiet: boolean): void {
    const world = this.#isolates
    if (call.state !== 'answered' || call.status === 200 || call.status === 404) return
    const isSettled = world.now - this.#planSince > MEMORY_MS
    const fault = `${call.status}, left ${JSON.stringify(left)}: ${call.text}`
    const works = isQuiet && !world.line.isDown && call.isolate.deps.memory.redis.failures < 2
    switch (call.status) {
      case 402:
        expect(isSettled && this.#plan !== 'canceled', fault).toBe(false)
        return
      case 429: {
        if (!works || !isSettled) return
        const fits = left.every((each) => KINDS.every((kind) => call.units[kind] <= each[kind]))
        expect(fits, fault).toBe(false)
        return
      }
      case 500:
      case 503:
        expect(works, fault).toBe(false)
        return
      default:
        expect.fail(fault)
    }
  }

  /** All calls end, everything arrives or never will, and the leases of the dead expire. */
  async end(drop: boolean): Promise<void> {
    const world = this.#isolates
    world.line.isDown = false
    while (world.line.waiting.length > 0) {
      await world.line.letGo(0, 'answered')
      await world.rest()
    }
    for (const call of world.calls) {
      if (call.state === 'handled') this.#answer(call, { status: 200, part: 1, more: 0 })
    }
    await world.rest()
    while (world.line.late.length > 0) await world.line.endLate(0, drop ? 'is lost' : 'arrives')
    for (let i = 0; i < 4; i += 1) {
      await world.pass(1_100)
      await world.upkeep()
    }
    await this.#check()
    await world.pass(16 * 60_000)
    for (const { deps, alive } of world.all) {
      if (alive) await exchange(deps, this.#account.id, READ)
    }
    await this.#check()
    await this.#checkEnd()
  }

  async #checkEnd(): Promise<void> {
    const { used, held } = await this.#counts()
    for (const units of held.values()) expect(units).toEqual(NO_UNITS)
    const { cost, leased, lost, doubtful } = this.#books
    for (const window of new Set([...used.keys(), ...cost.keys()])) {
      const before = of(this.#base, window)
      const charged = of(used, window)
      const due = plus(before, of(leased, window))
      const all = plus(before, of(cost, window))
      expectEach((kind) => [
        charged[kind],
        '>=',
        due[kind] - of(lost, window)[kind],
        `${kind} charged in the end`,
      ])
      const roomy = of(this.#most, window).apiCalls - all.apiCalls > 200
      // What a call cost above a loan is given to it.
      const isLent = this.#lent(window).apiCalls > 0
      if (lost.has(window) || doubtful.has(window) || !roomy || isLent) continue
      expect(charged, 'charged in the end').toEqual(all)
    }
    await this.#drain()
  }

  /** The rest of the quota is to be had, to the last unit, and no more. */
  async #drain(): Promise<void> {
    const world = this.#isolates
    if (this.#plan === 'canceled') {
      await this.#do({ do: 'plan', to: this.#tier })
      await world.pass(MEMORY_MS + 1)
    }
    const { used } = await this.#counts()
    const { apiCalls } = minus(PLANS[this.#tier].quotas, of(used, this.#window))
    if (apiCalls > 0) {
      const last = this.#begin(0, { apiCalls, reactions: 0 }, false)
      await world.rest()
      expect([last.state, last.text], `the last ${apiCalls} calls`).toEqual(['handled', ''])
      this.#answer(last, { status: 200, part: 1, more: 0 })
      await world.rest()
    }
    const above = this.#begin(1, { apiCalls: 1, reactions: 0 }, true)
    await world.rest()
    expect([above.state, above.status], 'a call above the quota').toEqual(['answered', 429])
  }
}

type Comparison = [actual: number, operator: '<=' | '>=' | '=', wanted: number, what: string]

function expectEach(compare: (kind: (typeof KINDS)[number]) => Comparison): void {
  for (const kind of KINDS) {
    const [actual, operator, wanted, what] = compare(kind)
    const holds =
      operator === '=' ? actual === wanted : operator === '<=' ? actual <= wanted : actual >= wanted
    if (!holds) expect.fail(`${what}: ${actual}, not ${operator} ${wanted}`)
  }
}

test('no unit is lost or invented, whatever happens to calls, isolates, Redis and plans', async () => {
  const model = fc.asyncProperty(
    start,
    fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
    fc.boolean(),
    async ({ left, ms }, all, drop) => {
      const used = minus(PLANS.hobby.quotas, least(left, PLANS.hobby.quotas))
      const now = WINDOW.end.getTime() - ms
      const account = await payingAccount(base, { tier: 'hobby', window: WINDOW, used })
      try {
        const run = new Run(account, now, used)
        for (const each of all) await run.take(each)
        await run.end(drop)
      } finally {
        await forget(base, account.id)
      }
    },
  )
  await fc.assert(model, { numRuns: 300, interruptAfterTimeLimit: 20_000, endOnFailure: false })
}, 120_000)
