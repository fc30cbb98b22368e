// From Stripe's subscription to our rows: read it live, store it under the ticket, refresh the account's snapshot.
import { eq } from 'drizzle-orm'
import type { Deps } from '../context.ts'
import { type SnapshotRow, toSnapshot, toUsed } from '../data/account-snapshot.ts'
import { refreshAccount, writeThrough } from '../data/accounts.ts'
import { isLive } from '../data/entitlement.ts'
import { subscriptions } from '../data/schema.ts'
import { drawTicket, finishEntry } from './ledger.ts'
import { type LiveSubscription, readLive } from './live-subscription.ts'
import { ACCOUNT_DELETED, type Origin, type Reading, storeReading } from './store-reading.ts'
import { readingOf } from './stripe-subscription.ts'

export interface SyncResult {
  outcome: 'applied' | 'stale' | 'ignored'
  /** What was done, for a person who looks into Stripe's delivery log or the ledger. */
  reason: string
}

/**
 * Brings the row of one subscription to what Stripe shows now. The ticket was drawn before the read, so whoever
 * holds a later one has read a later state and wins: no clock decides, and any order of events ends the same.
 * @throws Stripe's and the database's errors: nothing is stored then, and Stripe should deliver again
 */
export async function syncSubscription(
  deps: Deps,
  subscriptionId: string,
  options: Origin & {
    /** Whether it is expected to be past due. */
    owes?: boolean
  } = {},
): Promise<SyncResult> {
  const { cause, finishes = true, owes = false } = options
  const ticket = cause?.ticket ?? (await drawTicket(deps.db))
  const live = await readLive(deps, subscriptionId, owes)
  if (!live) {
    const result = { outcome: 'ignored' as const, reason: 'Stripe has no such subscription' }
    if (cause && finishes) await finishEntry(deps.db, cause, result, deps.now())
    return result
  }
  const askedAt = deps.now().getTime()
  const { outcome, reason, account } = await storeReading(
    deps,
    completeReading(deps, live),
    ticket,
    options,
  )
  if (outcome === 'ignored') {
    const { id, status } = live.subscription
    // Stripe ends them with the customer: one that goes on takes money for nothing, and somebody must look.
    if (reason === ACCOUNT_DELETED && isLive(status)) {
      deps.log('error', 'subscription_of_deleted_account', { subscription: id, status })
    }
    return { outcome, reason }
  }
  if (!account) throw new Error('The account was deleted while its subscription was stored')
  await writeThrough(deps, account.user_id, toSnapshot(account), toUsed(account), { askedAt })
  return { outcome, reason: reason + reportDuplicates(deps, account) }
}

/** Writes the present snapshot of a subscription's account to Redis again. */
export async function refreshSnapshot(deps: Deps, subscriptionId: string): Promise<void> {
  const [row] = await deps.db
    .select({ userId: subscriptions.userId })
    .from(subscriptions)
    .where(eq(subscriptions.id, subscriptionId))
  if (row) await refreshAccount(deps, row.userId)
}

/** @throws UnknownShapeError */
export function completeReading(
  { config, log }: Pick<Deps, 'config' | 'log'>,
  { subscription, owesSince }: LiveSubscription,
): Reading {
  const reading = readingOf(subscription, config.prices)
  const { id, status, tier, priceId } = reading
  if (tier === null) log('error', 'unknown_price', { subscription: id, price: priceId })
  if (status !== 'past_due') return { ...reading, pastDueSince: null }
  if (!owesSince) log('error', 'past_due_without_open_invoice', { subscription: id })
  return { ...reading, pastDueSince: owesSince ?? reading.currentPeriodStart }
}

const PAYING: ReadonlySet<string> = new Set(['trialing', 'active', 'past_due'])

/** Two that are paid for are one entitlement and two payments: somebody must give one back. */
function reportDuplicates(deps: Deps, { user_id, subscriptions: all }: SnapshotRow): string {
  const paying = all.filter(({ status }) => PAYING.has(status))
  if (paying.length < 2) return ''
  const ids = paying.map(({ id }) => id).join(' ')
  deps.log('error', 'duplicate_subscription', { user_id, subscriptions: ids })
  return `; the account pays more than once, cancel and refund all but one of ${ids}`
}
