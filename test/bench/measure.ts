// How a row is measured: in turns with what it is compared to, so that a machine that is busy for a while slows both.
import { readdirSync, readFileSync } from 'node:fs'
import { NoAnswer } from './caller.ts'
import { type LoadResult, load, sleep, UnexpectedAnswer } from './load.ts'
import type { Effort } from './options.ts'
import { say } from './progress.ts'
import type { BenchStack, Meters } from './stack.ts'
import { median, percentile, sum } from './statistics.ts'

/** What answers a row's calls, and what they are. */
export interface Subject {
  name: string
  port: number
  pid: number
  /** The status that each call must have. */
  status: number
  /** The next call; undefined when what was prepared has been used. */
  next(): Buffer | undefined
  /** Whether calls may go on for ever; else `prepare` makes ready as many as are asked for. */
  endless: boolean
  /** How many call at once; sixteen when absent. */
  callers?: number
  /** How long it is called before it is measured; as the run does with all when absent. */
  warmUpSeconds?: number
  /** Done before each timed turn, outside of its time. */
  prepare?(calls: number): Promise<void>
}

/** One row of the table; null where the stack has no meters, or the row was not measured so. */
export interface Row {
  name: string
  /** As many as one isolate answers to sixteen callers who do not wait. */
  requestsPerSecond: number
  ratioToBare: number
  /** Of four callers that pause: nothing waits for anything else. */
  p50Ms: number
  p99Ms: number
  /** Those that an answer waits for, one after the other, per call. */
  roundTrips: number | null
  /** All requests to Postgres, Redis and Stripe, in the background too, per call. */
  requests: number | null
  /** The same by service. */
  requestsTo: { postgres: number; redis: number; stripe: number } | null
  redisCommands: number | null
  /** Of the Worker's process, per call: what the machine's other load does not change. */
  cpuMicros: number
  /** At 20 ms of injected round trip: what the 99th percentile is above the bare route's. */
  addedP99Ms: number | null
}

const CALLERS = 16
const PACED = { callers: 4, pauseMs: 2 }
/** Long enough that no database, however busy, takes half as long for its own work. */
const COUNTING_ROUND_TRIP_MS = 150
const INJECTED_ROUND_TRIP_MS = 20

export interface MeasureOptions {
  stack: BenchStack
  effort: Effort
  bare: Subject
  /** What the ratio is to, where that is not the bare route. */
  base?: Subject
  /** Whether the 99th percentile at 20 ms is wanted. */
  addedP99?: boolean
}

/** The row, or none where a call was answered as it must not be: the run goes on without it, and says so. */
export async function measure(subject: Subject, options: MeasureOptions): Promise<Row[]> {
  say(subject.name)
  try {
    return [await measured(subject, options)]
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer || error instanceof NoAnswer)) throw error
    say(`Not measured: ${subject.name}. ${error.message}`)
    return []
  }
}

async function measured(subject: Subject, options: MeasureOptions): Promise<Row> {
  const { stack, effort, bare, base = bare, addedP99 = false } = options
  const { rates, ratios, cpuMicros, requests, requestsTo, redisCommands } = await inTurns(
    subject,
    base,
    stack,
    effort,
  )
  const { latenciesMs } = await paced(subject, effort)
  const p50Ms = median(latenciesMs)
  const roundTrips = stack.metered ? await countRoundTrips(subject, p50Ms, stack, effort) : null
  return {
    name: subject.name,
    requestsPerSecond: median(rates),
    ratioToBare: median(ratios),
    p50Ms,
    p99Ms: percentile(latenciesMs, 0.99),
    roundTrips,
    requests,
    requestsTo,
    redisCommands,
    cpuMicros,
    addedP99Ms:
      addedP99 && stack.metered ? await addedAtDistance(subject, bare, stack, effort) : null,
  }
}

/** Throughput against the base's, and what the rounds cost. */
async function inTurns(subject: Subject, base: Subject, stack: BenchStack, effort: Effort) {
  const rates: number[] = []
  const ratios: number[] = []
  let calls = 0
  let cpuMicros = 0
  const rounds = subject === base ? Math.ceil(effort.rounds / 2) : effort.rounds
  await warmUp(subject, effort)
  const meters = emptyMeters()
  for (let round = 0; round < rounds; round += 1) {
    const baseRate = rate(await hurried(base, effort))
    await subject.prepare?.(effort.roundCalls)
    await stack.readMeters()
    const before = cpuOf(subject.pid)
    const result = await hurried(subject, effort)
    cpuMicros += cpuOf(subject.pid) - before
    add(meters, await stack.readMeters())
    calls += result.latenciesMs.length
    rates.push(rate(result))
    ratios.push(rate(result) / baseRate)
  }
  await sleep(effort.settledMs)
  add(meters, await stack.readMeters())
  const perCall = (count: number) => (stack.metered ? count / calls : null)
  const { postgres, redis, stripe } = meters
  const requestsTo = { postgres: postgres / calls, redis: redis / calls, stripe: stripe / calls }
  return {
    rates,
    ratios,
    cpuMicros: cpuMicros / calls,
    requests: perCall(postgres + redis + stripe),
    requestsTo: stack.metered ? requestsTo : null,
    redisCommands: perCall(meters.redisCommands),
  }
}

/** How many injected round trips fit into the time that an answer takes longer than without: what it waited for. */
async function countRoundTrips(subject: Subject, ownMs: number, stack: BenchStack, effort: Effort) {
  await subject.prepare?.(effort.countedCalls)
  await stack.setRoundTrip(COUNTING_ROUND_TRIP_MS)
  try {
    const { port, status } = subject
    const callers = Math.min(PACED.callers, subject.callers ?? CALLERS)
    const calls = effort.countedCalls
    const { latenciesMs } = await load({ port, status, next: () => subject.next(), callers, calls })
    const waits = latenciesMs.map((ms) => Math.round((ms - ownMs) / COUNTING_ROUND_TRIP_MS))
    return sum(waits) / waits.length
  } finally {
    await stack.setRoundTrip(0)
  }
}

async function addedAtDistance(subject: Subject, bare: Subject, stack: BenchStack, effort: Effort) {
  await stack.setRoundTrip(INJECTED_ROUND_TRIP_MS)
  try {
    const added: number[] = []
    for (let round = 0; round < effort.pacedRounds; round += 1) {
      const without = await paced(bare, effort)
      const withIt = await paced(subject, effort)
      added.push(percentile(withIt.latenciesMs, 0.99) - percentile(without.latenciesMs, 0.99))
    }
    return median(added)
  } finally {
    await stack.setRoundTrip(0)
  }
}

const rate = ({ latenciesMs, seconds }: LoadResult) => latenciesMs.length / seconds

function hurried(subject: Subject, { roundSeconds }: Effort): Promise<LoadResult> {
  const { port, status } = subject
  const next = () => subject.next()
  // What was prepared for the round ends it; where nothing had to be, its time does.
  const seconds = subject.endless ? { seconds: roundSeconds } : {}
  return load({ port, status, next, callers: subject.callers ?? CALLERS, ...seconds })
}

async function paced(subject: Subject, effort: Effort): Promise<LoadResult> {
  const { port, status } = subject
  await subject.prepare?.(effort.pacedCalls)
  const seconds = subject.endless ? { seconds: effort.pacedSeconds } : {}
  const callers = Math.min(PACED.callers, subject.callers ?? CALLERS)
  return load({ port, status, next: () => subject.next(), ...PACED, callers, ...seconds })
}

/** The compiler's work is over, and connections are open, before anything is timed. */
async function warmUp(subject: Subject, { warmUpSeconds }: Effort): Promise<void> {
  await subject.prepare?.(CALLERS * 2)
  const { port, status, callers = CALLERS } = subject
  const next = () => subject.next()
  const much = subject.warmUpSeconds
    ? { seconds: subject.warmUpSeconds }
    : { calls: callers * 50, seconds: warmUpSeconds }
  await load({ port, status, next, callers, ...much })
}

const emptyMeters = (): Meters => ({ postgres: 0, redis: 0, stripe: 0, redisCommands: 0 })

function add(sums: Meters, more: Meters | null): void {
  for (const name of Object.keys(sums) as (keyof Meters)[]) sums[name] += more?.[name] ?? 0
}

/** CPU time of a process so far, all its threads, in microseconds; 0 where the system does not tell. */
export function cpuOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanoseconds = threads.map((thread) => {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    })
    return sum(nanoseconds) / 1_000
  } catch {
    return 0
  }
}
