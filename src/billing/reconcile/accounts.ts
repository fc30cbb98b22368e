// Each account's subscriptions compared with Stripe's, and brought to what Stripe shows where they differ.
import { and, eq, gt, inArray, isNotNull, or, type SQL, sql } from 'drizzle-orm'
import type Stripe from 'stripe'
import type { Deps } from '../../context.ts'
import { subscriptions, users } from '../../data/schema.ts'
import { errorFields } from '../../log.ts'
import { isMissing, isStripeAway } from '../../stripe-fault.ts'
import { needsInvoices, readLive } from '../live-subscription.ts'
import type { Reading } from '../store-reading.ts'
import { completeReading, syncSubscription } from '../sync.ts'
import { type Difference, endsPass, type Pass } from './pass.ts'

type Row = typeof subscriptions.$inferSelect

const DAY_MS = 86_400_000
const BATCH = 50
/** Stripe never changes these again. */
const FINAL: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired'])

interface Due {
  id: string
  customer: string | null
}

/** So many in a row, and Stripe is taken to be away; fewer, and it fails at those accounts alone. */
const MOST_FAILURES = 3

/** Compares the accounts that were not compared for a day, those first that have waited longest. */
export async function checkAccounts(deps: Deps, pass: Pass): Promise<void> {
  const { report, options } = pass
  const isDue = dueBefore(options.comparedBefore ?? new Date(pass.startedAt.getTime() - DAY_MS))
  const of = options.onProgress ? await deps.db.$count(users, isDue) : 0
  let batch = await nextBatch(deps, isDue, options.isDry ? NOBODY : undefined)
  let failing: string[] = []
  while (batch.length > 0) {
    for (const account of batch) {
      if (pass.isOver()) {
        report.isComplete = false
        return
      }
      options.onProgress?.({ step: 'accounts', done: report.accountsChecked, of })
      try {
        await checkOne(deps, pass, account.id, String(account.customer))
      } catch (error) {
        failing.push(account.id)
        if (!isStripeAway(error) || failing.length === MOST_FAILURES) throw error
        noteFailure(deps, pass, account.id, error)
        continue
      }
      report.accountsChecked += 1
      // Stripe answers: those at which it failed would only come up again at once.
      if (!options.isDry) await markChecked(deps, [...failing, account.id])
      failing = []
    }
    // In a dry run nothing is marked: it goes on behind the last one that it saw.
    batch = await nextBatch(deps, isDue, options.isDry ? batch.at(-1)?.id : undefined)
  }
}

function dueBefore(moment: Date) {
  return and(
    isNotNull(users.stripeCustomerId),
    sql`(${users.reconciledAt} is null or ${users.reconciledAt} <= ${moment.toISOString()})`,
  )
}

/** Those first that have waited longest; behind the user `after`, where one is given, in the order of ids. */
function nextBatch({ db }: Deps, isDue: SQL | undefined, after?: string): Promise<Due[]> {
  return db
    .select({ id: users.id, customer: users.stripeCustomerId })
    .from(users)
    .where(after === undefined ? isDue : and(isDue, gt(users.id, after)))
    .orderBy(after === undefined ? sql`${users.reconciledAt} nulls first` : users.id)
    .limit(BATCH)
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

async function markChecked({ db, now }: Deps, userIds: string[]): Promise<void> {
  await db.update(users).set({ reconciledAt: now() }).where(inArray(users.id, userIds))
}

function noteFailure(deps: Deps, { report }: Pass, userId: string, error: unknown): void {
  report.accountsFailed += 1
  deps.log('error', 'account_not_reconciled', { user_id: userId, ...errorFields(error) })
}

async function checkOne(deps: Deps, pass: Pass, userId: string, customer: string): Promise<void> {
  try {
    const found = await differences(deps, pass, userId, customer)
    // Of an account that was deleted meanwhile Stripe still lists what has ended: there is nothing to repair.
    if (found.length > 0 && (await deps.db.$count(users, eq(users.id, userId))) === 0) return
    for (const difference of found) {
      pass.report.differences.push(difference)
      if (!pass.options.isDry) await repair(deps, difference)
    }
  } catch (error) {
    if (endsPass(error)) throw error
    noteFailure(deps, pass, userId, error)
  }
}

/** One that can't be is an error in the log, each day anew: somebody must look. */
async function repair(deps: Deps, difference: Difference): Promise<void> {
  const { userId, subscription, changes } = difference
  if (!difference.remains) {
    const { outcome, reason } = await syncSubscription(deps, subscription, { by: 'reconciliation' })
    if (outcome !== 'applied') difference.remains = reason
  }
  const what = changes.map(({ field, ours, stripe }) => `${field}: ${ours} -> ${stripe}`).join('; ')
  const fields = { user_id: userId, subscription, what }
  if (!difference.remains) deps.log('warn', 'subscription_repaired', fields)
  else deps.log('error', 'subscription_not_repaired', { ...fields, why: difference.remains })
}

async function differences(
  deps: Deps,
  pass: Pass,
  userId: string,
  customer: string,
): Promise<Difference[]> {
  await pass.pace()
  const listed = await listSubscriptions(deps.stripe, customer)
  const ids = listed.map(({ id }) => id)
  const rows = await deps.db
    .select()
    .from(subscriptions)
    .where(or(eq(subscriptions.userId, userId), inArray(subscriptions.id, ids)))
  const rest = new Map(rows.map((row) => [row.id, row]))
  const found: Difference[] = []
  const add = (subscription: string, changes: Difference['changes'], remains?: string) => {
    if (changes.length > 0)
      found.push({ userId, subscription, changes, ...(remains && { remains }) })
  }
  for (const subscription of listed) {
    const row = rest.get(subscription.id)
    rest.delete(subscription.id)
    const reading = needsInvoices(subscription)
      ? await readOne(deps, pass, subscription.id)
      : completeReading(deps, { subscription, owesSince: null })
    // Another product's.
    if (!reading || (!row && reading.tier === null)) continue
    if (row && row.userId !== userId) {
      const owner = { field: 'user', ours: row.userId, stripe: userId }
      add(row.id, [owner], 'its row belongs to another account than its customer')
    } else add(reading.id, changesOf(row, reading))
  }
  // Those of a customer that was replaced since.
  for (const row of rest.values()) {
    if (FINAL.has(row.status)) continue
    const reading = await readOne(deps, pass, row.id)
    if (reading) add(row.id, changesOf(row, reading))
    else {
      const missing = { field: 'status', ours: row.status, stripe: 'none' }
      add(row.id, [missing], 'Stripe has no such subscription: see the README')
    }
  }
  return found
}

async function readOne(deps: Deps, pass: Pass, id: string): Promise<Reading | null> {
  await pass.pace()
  const live = await readLive(deps, id, true)
  return live && completeReading(deps, live)
}

/** With their latest invoices. None where Stripe has no such customer (any more). */
async function listSubscriptions(stripe: Stripe, customer: string): Promise<Stripe.Subscription[]> {
  const found: Stripe.Subscription[] = []
  try {
    const expand = ['data.latest_invoice']
    const list = stripe.subscriptions.list({ customer, status: 'all', limit: 100, expand })
    for await (const subscription of list) found.push(subscription)
    return found
  } catch (error) {
    if (isMissing(error, 'customer')) return found
    throw error
  }
}

/** What a sync would change; a price that is not ours leaves the tier as it is. */
function changesOf(row: Row | undefined, reading: Reading): Difference['changes'] {
  const { customerId: _, ...rest } = reading
  const shown = { ...rest, tier: rest.tier ?? row?.tier }
  return (Object.keys(shown) as (keyof typeof shown)[]).flatMap((field) => {
    const [ours, stripe] = [text(row?.[field]), text(shown[field])]
    return ours === stripe ? [] : [{ field, ours, stripe }]
  })
}

function text(value: string | boolean | Date | null | undefined): string {
  return value instanceof Date ? value.toISOString() : String(value ?? 'none')
}
