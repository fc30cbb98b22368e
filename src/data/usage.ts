// What an account used: this window and earlier ones, as people are shown it.
import { and, desc, eq, lte } from 'drizzle-orm'
import { PLANS } from '../plans.ts'
import { type Window, windowAt } from '../window.ts'
import type { AccountSnapshot } from './accounts.ts'
import type { Database } from './db.ts'
import type { SubscriptionState } from './entitlement.ts'
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

/** The window of the quota at `now`: from the billing anchor, or from sign-up where nothing was bought. */
export function quotaWindow(
  account: AccountSnapshot,
  subscription: SubscriptionState | null,
  now: Date,
): Window {
  return windowAt(new Date(subscription?.billingCycleAnchor ?? account.createdAt), now)
}

/** This window, and the latest six before it in which anything was used, newest first. */
export async function readUsage(
  db: Database,
  account: AccountSnapshot,
  subscription: SubscriptionState | null,
  now: Date,
): Promise<{ current: UsageView; history: UsageView[] }> {
  const window = quotaWindow(account, subscription, now)
  const rows = await db
    .select()
    .from(usageWindows)
    .where(
      and(eq(usageWindows.userId, account.userId), lte(usageWindows.windowStart, window.start)),
    )
    .orderBy(desc(usageWindows.windowStart))
    .limit(HISTORY_WINDOWS + 1)
  const { quotas } = PLANS[subscription?.tier ?? account.intendedTier]
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
    history: rows
      .filter((row) => row !== used)
      .slice(0, HISTORY_WINDOWS)
      .map(view),
  }
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
