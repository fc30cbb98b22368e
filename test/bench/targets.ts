// What the paywall and the product must reach, each figure beside what the run measured.
import type { Row } from './measure.ts'
import type { Results } from './results.ts'
import { ROW } from './row-names.ts'

export interface Target {
  what: string
  /** What must hold. */
  wanted: string
  /** What was measured; null where this run could not. */
  measured: string | null
  held: boolean
}

const GZIP_LIMIT_BYTES = 200_000
const CANCELLATION_GRACE_SECONDS = 1
const FIRST_BYTE_MS = 25

export function targets(results: Results): Target[] {
  const row = (name: string): Row | undefined => results.rows.find((one) => one.name === name)
  const [hot, warm, cold, forged] = [row(ROW.hot), row(ROW.warm), row(ROW.cold), row(ROW.forged)]
  const webhook = row(ROW.webhook)?.requestsTo
  const times = (peer: string) => {
    const other = row(peer)
    return hot && other ? hot.ratioToBare / other.ratioToBare : null
  }
  const { bundle, overshoot, hangingRedis: redis, cancellation, datasets } = results
  const startUp = bundle && bundle.startupMs - bundle.bareStartupMs
  const refusal = (cancellation?.memorySeconds ?? 0) + CANCELLATION_GRACE_SECONDS
  const peak = datasets?.peakAboveIdleBytes
  const overcounted = redis && redis.counted - redis.calls
  return [
    atMost('awaited round trips, hot', 0, hot?.roundTrips, 2),
    atMost('awaited round trips, warm', 1, warm?.roundTrips, 2),
    atMost('awaited round trips, cold', 2, cold?.roundTrips, 2),
    atMost('awaited round trips, forged key', 0, forged?.roundTrips, 2),
    atMost('reads of Stripe per webhook', 1, webhook?.stripe, 2),
    // The ticket must be drawn before the read, so that it can't be part of the batch after it.
    atMost(
      "requests to Postgres per webhook (the ledger's statement, a batch)",
      2,
      webhook?.postgres,
      2,
    ),
    atMost('requests to Redis per webhook', 1, webhook?.redis, 2),
    atMost('Redis commands per hot call', 0.1, hot?.redisCommands, 3),
    atLeast('hot against the bare route', 0.8, hot?.ratioToBare, 2),
    atLeast('hot against the usual recipe, times', 4, times(ROW.recipe), 1),
    atLeast("hot against better-auth's plugin, times", 10, times(ROW.betterAuth), 1),
    atMost('added p99 at 20 ms, hot, ms', 1, hot?.addedP99Ms, 2),
    atMost('added p99 at 20 ms, warm, ms', 25, warm?.addedP99Ms, 1),
    atMost('added p99 at 20 ms, cold, ms', 50, cold?.addedP99Ms, 1),
    atMost('calls above the quota, four isolates', 0, overshoot?.above, 0),
    atMost('units missing afterwards', 0, overshoot?.missing, 0),
    atMost('units missing after a kill and the expiry', 0, missingAfterKill(results), 0),
    atMost(
      'calls above the quota with a kill',
      overshoot?.killed.lease ?? 0,
      overshoot?.killed.above,
      0,
    ),
    atMost('Redis hangs: added once known, p99, ms', 5, redis?.knownAddedP99Ms, 1),
    atMost('Redis hangs: added once known, stranger, p50, ms', 5, redis?.strangerAddedP50Ms, 1),
    atMost('Redis hangs: added to the first call, ms', redis?.limitMs ?? 0, redis?.firstAddedMs, 0),
    atMost('Redis hangs: counted above the calls made', 0, overcounted, 0),
    atMost('cancellation to refusal elsewhere, s', refusal, cancellation?.secondsToRefusal, 1),
    atMost('bundle, gzipped, bytes', GZIP_LIMIT_BYTES, bundle?.gzipBytes, 0),
    atMost('start-up above bare Hono, ms', 50, startUp, 0),
    atLeast('reactions a second, in workerd to in Node', 0.9, datasets?.ratio, 2),
    atMost('first byte of a large data set, ms', FIRST_BYTE_MS, datasets?.firstByteMs, 1),
    atMost('memory of 1,000,000 rows above idle, MB', 32, peak && peak / 1e6, 1),
  ]
}

/** Null where the run did not wait for the dead isolate's lease to run out. */
function missingAfterKill({ overshoot }: Results): number | null {
  if (overshoot === undefined) return null
  const { killed } = overshoot
  return killed.missing > 0 && !killed.waited ? null : killed.missing
}

function atMost(what: string, most: number, value: number | null | undefined, digits: number) {
  return target(what, `at most ${most}`, value, digits, (number) => number <= most)
}

function atLeast(what: string, least: number, value: number | null | undefined, digits: number) {
  return target(what, `at least ${least}`, value, digits, (number) => number >= least)
}

/** What is shown is what is judged: a figure is rounded first. */
function target(
  what: string,
  wanted: string,
  value: number | null | undefined,
  digits: number,
  holds: (value: number) => boolean,
): Target {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return { what, wanted, measured: null, held: false }
  }
  const measured = value.toFixed(digits)
  return { what, wanted, measured, held: holds(Number(measured)) }
}
