// What an account used: this window and earlier ones, as people are shown it.
import { and, eq, inArray, sql } from 'drizzle-orm'
import { PLANS } from '../plans.ts'
import { type Window, windowAt, windowsBefore } from '../window.ts'
import type { AccountSnapshot } from './accounts.ts'
import type { Database } from './db.ts'
import { usageWindows } from './schema.ts'

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

const HISTORY_WINDOWS = 6

/** The window of `account`'s quota at `now`: from the billing anchor, or from sign-up where nothing was bought. */
export function quotaWindow(account: AccountSnapshot, now: Date): Window {
  return windowAt(anchorOf(account), now)
}

/** This window and those of the six before it in which anything was used, newest first. */
export async function readUsage(
  db: Database,
  account: AccountSnapshot,
  now: Date,
): Promise<{ current: UsageView; history: UsageView[] }> {
  const window = quotaWindow(account, now)
  const earlier = windowsBefore(anchorOf(account), window, HISTORY_WINDOWS)
  const rows = await db
    .select()
    .from(usageWindows)
    .where(
      and(
        eq(usageWindows.userId, account.userId),
        inArray(
          usageWindows.windowStart,
          [window, ...earlier].map(({ start }) => start),
        ),
      ),
    )
    .orderBy(sql`${usageWindows.windowStart} desc`)
  const { quotas } = PLANS[account.subscription?.tier ?? account.intendedTier]
  const used = rows.find((row) => row.windowStart.getTime() === window.start.getTime())
  return {
    current: view({
      windowStart: window.start,
      windowEnd: window.end,
      apiCalls: used?.apiCalls ?? 0,
      reactions: used?.reactions ?? 0,
      apiCallsQuota: quotas.apiCalls,
      reactionsQuota: quotas.reactions,
    }),
    history: rows.filter((row) => row !== used).map(view),
  }
}

function anchorOf(account: AccountSnapshot): Date {
  return new Date(account.subscription?.billingCycleAnchor ?? account.createdAt)
}

type CountedWindow = Omit<typeof usageWindows.$inferSelect, 'userId' | 'updatedAt'>

function view(row: CountedWindow): UsageView {
  const share = Math.max(row.reactions / row.reactionsQuota, row.apiCalls / row.apiCallsQuota)
  return {
    month: row.windowStart.toISOString().slice(0, 7),
    period_start: row.windowStart.toISOString(),
    period_end: row.windowEnd.toISOString(),
    reactions: row.reactions,
    reactions_quota: row.reactionsQuota,
    api_calls: row.apiCalls,
    api_calls_quota: row.apiCallsQuota,
    percentage_used: Math.round(share * 10_000) / 100,
  }
}
