// Redis hangs: what a call costs the one who first meets it, what the later ones, and whether each is counted once.
import { parseEnv } from '../../src/env.ts'
import type { BenchAccount } from './accounts.ts'
import { callOnce, load, sleep } from './load.ts'
import { touch } from './paid-rows.ts'
import { benchCall, request } from './request.ts'
import { type Setting, withWorkerd } from './setting.ts'
import { median, percentile } from './statistics.ts'

/** So many that during the fault each calls less often than an isolate lends (50). */
const CUSTOMERS = 40
const PACED = { callers: 4, pauseMs: 5, status: 200 }
/** Until the isolate tries Redis again. */
const BREAKER_MS = 1_200
/** Until what was used meanwhile is in the books, at most. */
const SETTLED_MS = 8_000
const POLL_MS = 300

export interface HangingRedisResult {
  /** Added to the first call that meets it, by a stranger to the isolate. */
  firstAddedMs: number
  limitMs: number
  /** Added, once it is known, to the calls of accounts that the isolate knows. */
  knownAddedP50Ms: number
  knownAddedP99Ms: number
  /** And to those of accounts that it does not know: Postgres answers. */
  strangerAddedP50Ms: number
  strangerAddedP99Ms: number
  /** Calls let in during it, and what the books hold of them once Redis is back. */
  calls: number
  counted: number
}

export async function hangingRedis(setting: Setting): Promise<HangingRedisResult> {
  const { bundles, vars, accounts, stack, effort } = setting
  const limitMs = parseEnv(vars).redis.timeoutMs
  const calls = effort.pacedCalls
  const strangers = async () => (await accounts.create(calls)).map(({ key }) => benchCall(key))
  return withWorkerd(bundles.paid, vars, async ({ port }) => {
    const customers = await accounts.create(CUSTOMERS)
    const hot = customers.map(({ key }) => benchCall(key))
    let index = 0
    let made = 0
    const asCustomer = () => {
      made += 1
      return hot[index++ % hot.length]
    }
    const customersCall = () =>
      load({ port, ...PACED, next: asCustomer, seconds: effort.pacedSeconds * 2 })
    const strangersCall = async () => {
      const queue = await strangers()
      return load({ port, ...PACED, next: () => queue.pop() })
    }
    await touch(port, customers, 200)
    made += customers.length
    await customersCall()
    const before = { known: await customersCall(), stranger: await strangersCall() }

    const [first] = await strangers()
    const release = await stack.faultRedis({ match: { method: 'POST' }, fault: { kind: 'hang' } })
    const { ms } = await callOnce(port, first as Buffer, 200)
    const during = { known: await customersCall(), stranger: await strangersCall() }
    await release()

    await sleep(BREAKER_MS)
    // What the isolate still holds goes with its next call.
    await touch(port, customers, 200)
    made += customers.length
    const counted = await countedCalls(port, customers, made)
    const added = (kind: 'known' | 'stranger', part: number) =>
      percentile(during[kind].latenciesMs, part) - percentile(before[kind].latenciesMs, part)
    return {
      firstAddedMs: ms - median(before.stranger.latenciesMs),
      limitMs,
      knownAddedP50Ms: added('known', 0.5),
      knownAddedP99Ms: added('known', 0.99),
      strangerAddedP50Ms: added('stranger', 0.5),
      strangerAddedP99Ms: added('stranger', 0.99),
      calls: made,
      counted,
    }
  })
}

/** What the books say of the accounts together, as soon as it is `made` or more, or does not become so. */
async function countedCalls(port: number, accounts: BenchAccount[], made: number): Promise<number> {
  const end = performance.now() + SETTLED_MS
  for (;;) {
    await sleep(POLL_MS)
    let counted = 0
    for (const { key } of accounts) {
      const usage = request('/api/v1/billing/usage', { headers: { 'X-API-Key': key } })
      counted += JSON.parse((await callOnce(port, usage, 200)).body).current_month.api_calls
    }
    if (counted > made || performance.now() > end) return counted
    if (counted === made && performance.now() > end - SETTLED_MS + BREAKER_MS) return counted
  }
}
