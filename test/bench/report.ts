// The figures for people: a table of the rows, the experiments in a line each, and the targets.
import { cpus, loadavg } from 'node:os'
import type { Row } from './measure.ts'
import type { Results } from './results.ts'
import { targets } from './targets.ts'
import { RATE_LIMIT } from './workerd-config.ts'

const COLUMNS: readonly { title: string; of(row: Row): string }[] = [
  { title: 'requests/s', of: (row) => row.requestsPerSecond.toFixed(0) },
  { title: 'to bare', of: (row) => row.ratioToBare.toFixed(row.ratioToBare < 0.1 ? 3 : 2) },
  { title: 'p50 ms', of: (row) => row.p50Ms.toFixed(2) },
  { title: 'p99 ms', of: (row) => row.p99Ms.toFixed(2) },
  { title: 'awaited trips', of: (row) => figure(row.roundTrips, 2) },
  { title: 'all trips', of: (row) => figure(row.requests, 2) },
  { title: 'Redis cmds', of: (row) => figure(row.redisCommands, 2) },
  { title: 'CPU µs', of: (row) => row.cpuMicros.toFixed(0) },
  { title: '+p99 at 20 ms', of: (row) => figure(row.addedP99Ms, 2) },
]

export interface Took {
  seconds: number
  quick: boolean
  /** Whether it was confined to some parts: then targets of the others are not spoken of. */
  isPart: boolean
}

/** What the run was made on, and what it measured. */
export function report(results: Results, took: Took): string {
  return [
    machine(results, took),
    '',
    ...table(results.rows),
    '',
    ...experiments(results),
    '',
    ...targetLines(results, took),
  ].join('\n')
}

function machine({ engines }: Results, { seconds, quick }: Took) {
  const [cpu] = cpus()
  return [
    `${quick ? 'Quick run: too short for more than a first look. ' : ''}${seconds.toFixed(0)} s on`,
    `${cpus().length} x ${cpu?.model.trim()}, shared by workerd, the stack (${engines}) and the callers.`,
    `Load average at its end: ${loadavg()[0]?.toFixed(1)}; the bare route against itself shows the noise.`,
    `Rate limiters count as the platform's do, up to ${RATE_LIMIT} calls a period.`,
  ].join(' ')
}

function table(rows: Row[]): string[] {
  const cells = [
    ['', ...COLUMNS.map(({ title }) => title)],
    ...rows.map((row) => [row.name, ...COLUMNS.map(({ of }) => of(row))]),
  ]
  const widths =
    cells[0]?.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0))) ?? []
  return cells.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  '),
  )
}

function experiments(results: Results): string[] {
  const { bundle, overshoot, hangingRedis: redis, cancellation, datasets } = results
  return [
    bundle &&
      `Bundle: ${bundle.gzipBytes} bytes gzipped; first answer ${bundle.startupMs.toFixed(0)} ms after the start of workerd, bare Hono's after ${bundle.bareStartupMs.toFixed(0)} ms, with the app's libraries beside it after ${bundle.librariesStartupMs.toFixed(0)} ms.`,
    ...(overshoot ? overshootLines(overshoot) : []),
    redis &&
      `Redis hangs: the first call takes ${ms(redis.firstAddedMs)} more (limit ${redis.limitMs} ms), then a known account's ${ms(redis.knownAddedP50Ms)} (p99 ${ms(redis.knownAddedP99Ms)}), a stranger's ${ms(redis.strangerAddedP50Ms)} (p99 ${ms(redis.strangerAddedP99Ms)}); ${redis.calls} calls, ${redis.counted} counted.`,
    cancellation &&
      `Cancellation: refused ${cancellation.secondsToRefusal.toFixed(2)} s later at another isolate, ${cancellation.secondsToRefusalThere.toFixed(2)} s at the one that was told (PAYWALL_MEMORY_SECONDS=${cancellation.memorySeconds}).`,
    datasets && datasetsLine(datasets),
  ].filter((line) => line !== undefined)
}

function overshootLines(overshoot: NonNullable<Results['overshoot']>): string[] {
  const { killed } = overshoot
  const back =
    killed.secondsUntilBack === null
      ? 'the run did not wait for its lease to run out'
      : `all units were there again ${killed.secondsUntilBack.toFixed(1)} s after the kill`
  return [
    `Overshoot: ${overshoot.left} units left, ${overshoot.callers} callers at once at four isolates: ${overshoot.admitted} let in at once, ${overshoot.failed} failed, ${overshoot.above} above, ${overshoot.missing} units missing afterwards.`,
    `The same with one isolate killed: ${killed.admitted} let in at once, ${killed.unanswered} unanswered, ${killed.failed} failed, ${killed.above} above, ${killed.missing} units missing; ${back}.`,
  ]
}

function datasetsLine(datasets: NonNullable<Results['datasets']>): string {
  const perSecond = (rate: number) => (Math.round(rate / 1000) * 1000).toLocaleString('en-GB')
  const { peakAboveIdleBytes: peak } = datasets
  const memory = peak === null ? 'memory not told' : `${(peak / 1e6).toFixed(1)} MB above idle`
  return `Data sets: ${perSecond(datasets.workerPerSecond)} reactions a second through the Worker, ${perSecond(datasets.nodePerSecond)} in plain Node (${datasets.workerCpuMicros.toFixed(2)} and ${datasets.nodeCpuMicros.toFixed(2)} µs of CPU each); first byte after ${ms(datasets.firstByteMs)}, the bare route's after ${ms(datasets.bareFirstByteMs)} (${(datasets.firstByteMs / datasets.bareFirstByteMs).toFixed(0)} times); ${datasets.rows} rows, ${(datasets.bytes / 1e6).toFixed(0)} MB: ${memory}.`
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

function targetLines(results: Results, { isPart }: Took): string[] {
  const shown = targets(results).filter(({ measured }) => measured !== null || !isPart)
  return shown.map(({ what, wanted, measured, held }) => {
    const verdict = measured === null ? '  -   ' : held ? '  ok  ' : 'MISSED'
    return `${verdict}  ${what}: ${measured ?? 'not measured in this run'} (${wanted})`
  })
}

function figure(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits)
}
