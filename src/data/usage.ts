// What an account used, this window and earlier ones: Postgres has the history, Redis the running count, this isolate
// what it has not settled yet. One truth of the three.
import { and, desc, eq, lte } from 'drizzle-orm'
import * as z from 'zod/mini'
import { errorFields } from '../log.ts'
import { PLANS } from '../plans.ts'
import type { AccountSnapshot } from './account-snapshot.ts'
import { accountKeys } from './accounts.ts'
import { failed, isOpen, succeeded } from './breaker.ts'
import type { SubscriptionState } from './entitlement.ts'
import { pairs } from './lease-script.ts'
import type { Stores } from './memory.ts'
import { quotaWindow } from './quota-window.ts'
import { usageWindows } from './schema.ts'
import { NO_UNITS, plus, type Units } from './units.ts'

/** One window on the wire. `percentage_used` is that of the quota that is nearer to its end, two decimals. */
export interface UsageView {
  /** YYYY-MM of the window's start. */
  month: string
  period_start: string
  period_end: string
  reactions: number
  reactions_quota: number
  api_calls: number
  api_calls_quota: number
  percentage_used: number
}

/** One window's counts. Instants in milliseconds since 1970. */
export interface CountedWindow {
  start: number
  end: number
  used: Units
  quotas: Units
  /** Whether the counts hold what Postgres had: only then are they the whole. */
  seeded: boolean
}

const HISTORY_WINDOWS = 6

/** This window, and the latest six before it in which anything was used, newest first. */
export async function readUsage(
  stores: Stores,
  account: AccountSnapshot,
  subscription: SubscriptionState | null,
  now: Date,
): Promise<{ current: UsageView; history: UsageView[] }> {
  const window = quotaWindow(account, subscription, now)
  const start = window.start.getTime()
  const [stored, counted] = await Promise.all([
    fromPostgres(stores, account.userId, window.start),
    countedByRedis(stores, account.userId),
  ])
  const windows = new Map(stored.map((each) => [each.start, each]))
  for (const each of counted ?? []) {
    if (each.start <= start) windows.set(each.start, merged(windows.get(each.start), each))
  }
  const { quotas } = PLANS[subscription?.tier ?? account.intendedTier]
  const used = plus(windows.get(start)?.used ?? NO_UNITS, unsettled(stores, account.userId, start))
  windows.delete(start)
  const history = [...windows.values()]
    .filter(({ used }) => used.apiCalls > 0 || used.reactions > 0)
    .sort((a, b) => b.start - a.start)
  return {
    current: view({ start, end: window.end.getTime(), used, quotas, seeded: true }),
    history: history.slice(0, HISTORY_WINDOWS).map(view),
  }
}

async function fromPostgres({ db }: Stores, userId: string, until: Date): Promise<CountedWindow[]> {
  const rows = await db
    .select()
    .from(usageWindows)
    .where(and(eq(usageWindows.userId, userId), lte(usageWindows.windowStart, until)))
    .orderBy(desc(usageWindows.windowStart))
    .limit(HISTORY_WINDOWS + 1)
  return rows.map((row) => ({
    start: row.windowStart.getTime(),
    end: row.windowEnd.getTime(),
    used: { apiCalls: row.apiCalls, reactions: row.reactions },
    quotas: { apiCalls: row.apiCallsQuota, reactions: row.reactionsQuota },
    seeded: true,
  }))
}

/** What Redis counts; null where it is away: then Postgres's figures are shown, as old as its last writing. */
export async function countedByRedis(
  stores: Stores,
  userId: string,
): Promise<CountedWindow[] | null> {
  const { redis, memory, now, log } = stores
  if (isOpen(memory.redis)) return null
  try {
    const fields = await redis.evaluate(COUNTS_SCRIPT, [accountKeys(userId).usage], [])
    succeeded(memory.redis)
    return countedWindows(fields)
  } catch (error) {
    failed(memory.redis, now().getTime())
    log('warn', 'usage_not_read', { user_id: userId, ...errorFields(error) })
    return null
  }
}

const COUNTS_SCRIPT = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
return redis.call('HGETALL', KEYS[1])`

const flat = z.array(z.string())

/** The windows in a hash of counts as Redis lists it, those whose end and quotas are known. */
export function countedWindows(hash: unknown): CountedWindow[] {
  const fields = pairs(flat.parse(hash))
  const windows: CountedWindow[] = []
  for (const [name, end] of fields) {
    const start = /^(\d+):end$/.exec(name)?.[1]
    if (start === undefined) continue
    const count = (field: string) => fields.get(`${start}:${field}`) ?? 0
    windows.push({
      start: Number(start),
      end,
      used: { apiCalls: count('calls'), reactions: count('reactions') },
      quotas: { apiCalls: count('quota_calls'), reactions: count('quota_reactions') },
      seeded: count('seeded') === 1,
    })
  }
  return windows.filter(isSane)
}

/** What is no count of ours is passed over: it must not stop everybody's history. */
function isSane({ start, end, used, quotas }: CountedWindow): boolean {
  const counts = [start, used.apiCalls, used.reactions, quotas.apiCalls, quotas.reactions]
  return counts.every((n) => Number.isSafeInteger(n) && n >= 0) && end > start && end < LATEST_MS
}

/** The end of the year 9999: what Postgres and ISO 8601 write with four digits. */
const LATEST_MS = 253_402_300_799_000

/** Counts that hold Postgres's are the newer; others come on top. Neither ever falls. */
function merged(stored: CountedWindow | undefined, counted: CountedWindow): CountedWindow {
  if (!stored) return counted
  if (!counted.seeded) return { ...counted, used: plus(stored.used, counted.used) }
  const used = {
    apiCalls: Math.max(stored.used.apiCalls, counted.used.apiCalls),
    reactions: Math.max(stored.used.reactions, counted.used.reactions),
  }
  return { ...counted, used }
}

/** What this isolate knows to be spent and Redis does not, or is not asked for. */
function unsettled({ memory }: Stores, userId: string, windowStart: number): Units {
  const pools = [...new Set([...memory.pools.values(), ...memory.waiting])].filter(
    (pool) => pool.userId === userId && pool.windowStart === windowStart,
  )
  const spent = pools.reduce((sum, pool) => sum + pool.spent, 0)
  // Of a renewal without an answer nobody knows whether Redis counted it: it is shown while Redis's counts are not.
  const unanswered = isOpen(memory.redis) ? pools : []
  const unsent = [
    ...unanswered.flatMap((pool) => pool.unanswered?.settlements ?? []),
    ...[...memory.outbox].flatMap((each) => (each.userId === userId ? each.settlements : [])),
  ]
  return unsent
    .filter((settlement) => settlement.windowStart === windowStart)
    .reduce((sum, { units }) => plus(sum, units), { apiCalls: spent, reactions: 0 })
}

function view({ start, end, used, quotas }: CountedWindow): UsageView {
  const share = Math.max(used.reactions / quotas.reactions, used.apiCalls / quotas.apiCalls)
  const startsAt = new Date(start).toISOString()
  return {
    month: startsAt.slice(0, 7),
    period_start: startsAt,
    period_end: new Date(end).toISOString(),
    reactions: used.reactions,
    reactions_quota: quotas.reactions,
    api_calls: used.apiCalls,
    api_calls_quota: quotas.apiCalls,
    percentage_used: Math.round(share * 10_000) / 100,
  }
}
