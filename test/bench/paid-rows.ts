// The paywall's rows: a call whose account the isolate knows, one that Redis knows, one that Postgres alone knows, and
// those that are refused.
import { randomBytes } from 'node:crypto'
import { type KeySecrets, mintApiKey } from '../../src/api-key.ts'
import type { BenchAccount } from './accounts.ts'
import { load, sleep } from './load.ts'
import { measure, type Row, type Subject } from './measure.ts'
import { benchCall, request } from './request.ts'
import { ROW } from './row-names.ts'
import { type Setting, withWorkerd, withWorkerds } from './setting.ts'
import type { Workerd } from './workerd.ts'

/** Enough that no account comes near its quota, and that each is called as often as a busy customer calls. */
const HOT_ACCOUNTS = 64
/** Units that a nearly used quota has left, so few that a lease is one; and the calls that are made of them. */
const LEFT = 16
const CALLS_NEAR_QUOTA = 8
const MADE_AT_ONCE = 80
const GIVEN_BACK_MS = 2_500

type Endpoint = Pick<Subject, 'port' | 'pid'>

export async function paidRows(setting: Setting): Promise<Row[]> {
  const { bundles, vars, accounts, stack, effort, bare } = setting
  const options = { stack, effort, bare }
  const rows: Row[] = []
  await withWorkerd(bundles.floor, vars, async (worker) => {
    rows.push(...(await measure(plain(ROW.floor, worker, '/api/v1/bench'), options)))
    const trips = plain(ROW.trips, worker, '/api/v1/bench-trips')
    rows.push(...(await measure(trips, { ...options, addedP99: true })))
  })
  await withWorkerd(bundles.paid, vars, async (worker) => {
    rows.push(...(await measure(plain(ROW.open, worker, '/api/v1/bench-open'), options)))
    const known = await accounts.create(HOT_ACCOUNTS)
    const subject = { ...hot(ROW.hot, worker, known, 200), warmUpSeconds: effort.hotWarmUpSeconds }
    rows.push(...(await measure(subject, { ...options, addedP99: true })))
  })
  await withWorkerds(2, bundles.paid, vars, async ([first, second]) => {
    const { cold, warm } = strangers(setting, first as Workerd, second as Workerd)
    // Warm is measured before cold: it leaves nothing in the isolate that cold uses.
    rows.push(...(await measure(warm, { ...options, addedP99: true })))
    rows.push(...(await measure(cold, { ...options, addedP99: true })))
  })
  await withWorkerd(bundles.paid, vars, async (worker) => {
    rows.push(...(await measure(nearQuota(setting, worker), options)))
    rows.push(...(await measure(forged(worker), options)))
    const revoked = await accounts.create(HOT_ACCOUNTS, { revoked: true })
    rows.push(...(await measure(hot(ROW.revoked, worker, revoked, 401), options)))
  })
  return rows
}

/** A route that asks for no key that anybody has. */
function plain(name: string, { port, pid }: Endpoint, path: string): Subject {
  const call = request(path, { headers: { 'X-API-Key': randomBytes(40).toString('hex') } })
  return { name, port, pid, status: 200, endless: true, next: () => call }
}

/** Accounts that the isolate knows; each call has the next one's key. */
function hot(
  name: string,
  { port, pid }: Endpoint,
  accounts: BenchAccount[],
  status: number,
): Subject {
  const next = inTurn(accounts.map(({ key }) => benchCall(key)))
  const prepare = () => touch(port, accounts, status)
  return { name, port, pid, status, endless: true, next, prepare }
}

/** Accounts that each call once: cold where nobody has seen them, warm where another isolate has. */
function strangers({ accounts }: Setting, first: Workerd, second: Workerd) {
  const queues = { cold: [] as Buffer[], warm: [] as Buffer[] }
  const cold: Subject = {
    name: ROW.cold,
    port: first.port,
    pid: first.pid,
    status: 200,
    endless: false,
    next: () => queues.cold.pop(),
    async prepare(calls) {
      queues.cold = (await accounts.create(calls)).map(({ key }) => benchCall(key))
    },
  }
  const warm: Subject = {
    name: ROW.warm,
    port: second.port,
    pid: second.pid,
    status: 200,
    endless: false,
    next: () => queues.warm.pop(),
    async prepare(calls) {
      const fresh = await accounts.create(calls)
      await touch(first.port, fresh, 200)
      queues.warm = fresh.map(({ key }) => benchCall(key))
    },
  }
  return { cold, warm }
}

/** Accounts that the isolate knows and whose quota is nearly used: it asks for each unit. */
function nearQuota({ accounts }: Setting, { port, pid }: Endpoint): Subject {
  let queue: Buffer[] = []
  const ready: BenchAccount[] = []
  return {
    name: ROW.nearQuota,
    port,
    pid,
    status: 200,
    endless: false,
    next: () => queue.pop(),
    async prepare(calls) {
      if (ready.length * CALLS_NEAR_QUOTA < calls) {
        const fresh = await accounts.create(MADE_AT_ONCE, { left: LEFT })
        await touch(port, fresh, 200)
        // A first lease is taken before anybody knows what is left: it must have gone back.
        await sleep(GIVEN_BACK_MS)
        ready.push(...fresh)
      }
      // Not one account's calls in a row, or they would wait for each other.
      const round = ready.splice(0, Math.ceil(calls / CALLS_NEAR_QUOTA))
      queue = Array.from({ length: CALLS_NEAR_QUOTA }, () => round.map(({ key }) => benchCall(key)))
        .flat()
        .slice(0, calls)
    },
  }
}

/** Keys of the right form, each another one, tagged with a secret that is not ours. */
function forged({ port, pid }: Endpoint): Subject {
  const secrets: KeySecrets = [randomBytes(32)]
  const keys = Array.from({ length: 1_000 }, () => {
    const userId = randomBytes(16).toString('hex')
    return mintApiKey(secrets, { userId, keyId: randomBytes(8).toString('hex') })
  })
  const next = inTurn(keys.map((key) => benchCall(key)))
  return { name: ROW.forged, port, pid, status: 401, endless: true, next }
}

/** One call for each account. */
export async function touch(port: number, accounts: BenchAccount[], status: number): Promise<void> {
  const queue = accounts.map(({ key }) => benchCall(key))
  await load({ port, status, callers: 8, next: () => queue.pop() })
}

function inTurn(calls: Buffer[]): () => Buffer {
  let index = 0
  return () => {
    index = (index + 1) % calls.length
    return calls[index] as Buffer
  }
}
