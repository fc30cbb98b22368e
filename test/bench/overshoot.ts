// More callers at once than one account has units left, spread over four isolates: how many get in, also when one of
// the isolates dies amid it, and whether every unit is there in the end.
import { type Caller, NoAnswer } from './caller.ts'
import { callOnce, openCallers, sleep } from './load.ts'
import { benchCall } from './request.ts'
import { type Setting, withWorkerds } from './setting.ts'
import { sum } from './statistics.ts'
import type { Workerd } from './workerd.ts'

const ISOLATES = 4
const CALLERS = 400
const LEFT = 300
const EXPECTED: ReadonlySet<number | null> = new Set([200, 429, null])
const VICTIM = 1
/** The answer that the killed process dies after. */
const KILL_AFTER = 100
/** Until unspent units are back, and until a dead isolate's are. */
const GIVEN_BACK_MS = 3_000
const POLL_MS = 250

export interface OvershootResult {
  left: number
  callers: number
  /** Calls let in at once, of `callers`. */
  admitted: number
  /** Answered neither 200 nor 429. */
  failed: number
  /** Let in above what was left. */
  above: number
  /** Units that nobody could use although they were left. */
  missing: number
}

export interface KilledResult extends OvershootResult {
  /** Calls that died with the process: whether they had been let in nobody knows. */
  unanswered: number
  /** Most units that the dead isolate can have held unsettled: what it had let in when it died. */
  lease: number
  /** Whether the run waited until its lease had run out. */
  waited: boolean
  /** How long after the kill the last unit was there again; null where the run did not wait. */
  secondsUntilBack: number | null
}

export async function overshoot(setting: Setting): Promise<OvershootResult> {
  return atOnce(setting, async ({ key, workers, callers }) => {
    const shot = await burst(callers, key)
    const first = workers[0] as Workerd
    const later = await drain(first, key, LEFT - shot.admitted, GIVEN_BACK_MS)
    return result(shot, later + (await drain(first, key, LEFT, 0)))
  })
}

/** `leaseMs`: how long a lease outlives the isolate that took it. */
export async function overshootWithKill(setting: Setting, leaseMs: number): Promise<KilledResult> {
  return atOnce(setting, async ({ key, workers, callers }) => {
    const survivor = workers[0] as Workerd
    const victim = workers[VICTIM] as Workerd
    let killedAt = 0
    const shot = await burst(callers, key, (answered) => {
      if (answered !== KILL_AFTER) return
      killedAt = performance.now()
      victim.kill()
    })
    const missing = LEFT - shot.admitted - shot.unanswered
    const waited = setting.effort.waitsForLeases
    const waitMs = waited ? leaseMs + GIVEN_BACK_MS : GIVEN_BACK_MS
    const later = await drain(survivor, key, missing, waitMs)
    const secondsUntilBack = later >= missing ? (performance.now() - killedAt) / 1000 : null
    // And whether there are more than there should be.
    const surplus = await drain(survivor, key, LEFT, 0)
    const lease = shot.byIsolate[VICTIM] ?? 0
    const { unanswered } = shot
    return { ...result(shot, later + surplus), unanswered, lease, waited, secondsUntilBack }
  })
}

interface Scene {
  key: string
  workers: Workerd[]
  callers: Caller[]
}

function atOnce<T>(setting: Setting, play: (scene: Scene) => Promise<T>): Promise<T> {
  const { bundles, vars, accounts } = setting
  return withWorkerds(ISOLATES, bundles.paid, vars, async (workers) => {
    const [account, other] = await accounts.create(2, { left: LEFT })
    // Each isolate has started, though it has never seen the account.
    for (const { port } of workers) await callOnce(port, benchCall(other?.key), 200)
    const groups = await Promise.all(
      workers.map(({ port }) => openCallers(port, CALLERS / ISOLATES)),
    )
    // The first of each isolate, then the second of each: all isolates are busy from the start.
    const callers = Array.from({ length: CALLERS }, (_, i) => {
      return groups[i % ISOLATES]?.[Math.floor(i / ISOLATES)] as Caller
    })
    try {
      return await play({ key: account?.key ?? '', workers, callers })
    } finally {
      for (const caller of callers) caller.close()
    }
  })
}

async function burst(callers: Caller[], key: string, answered?: (count: number) => void) {
  const call = benchCall(key)
  let count = 0
  const statuses = await Promise.all(
    callers.map(async (caller) => {
      try {
        const { status } = await caller.send(call)
        count += 1
        answered?.(count)
        return status
      } catch (error) {
        if (error instanceof NoAnswer) return null
        throw error
      }
    }),
  )
  const admitted = (of: (isolate: number) => boolean) =>
    sum(statuses.map((status, i) => Number(status === 200 && of(i % ISOLATES))))
  return {
    admitted: admitted(() => true),
    byIsolate: Array.from({ length: ISOLATES }, (_, isolate) => admitted((one) => one === isolate)),
    unanswered: sum(statuses.map((status) => Number(status === null))),
    failed: sum(statuses.map((status) => Number(!EXPECTED.has(status)))),
  }
}

/** Calls one by one until `wanted` were let in, or none is any more after `waitMs`. Gives how many were. */
async function drain(
  { port }: Workerd,
  key: string,
  wanted: number,
  waitMs: number,
): Promise<number> {
  const end = performance.now() + waitMs
  let admitted = 0
  while (admitted < wanted) {
    const { status } = await callOnce(port, benchCall(key))
    if (status === 200) admitted += 1
    else if (performance.now() > end) break
    else await sleep(POLL_MS)
  }
  return admitted
}

type Shot = Awaited<ReturnType<typeof burst>>

function result({ admitted, unanswered, failed }: Shot, later: number): OvershootResult {
  const all = admitted + later
  return {
    left: LEFT,
    callers: CALLERS,
    admitted,
    failed,
    above: Math.max(0, all - LEFT),
    missing: Math.max(0, LEFT - all - unanswered),
  }
}
