// `npm run reconcile`: the cron's pass by hand, over all that is due, with its findings on the screen.
import { parseArgs } from 'node:util'
import { desc, isNotNull } from 'drizzle-orm'
import { REVERSAL_TYPES } from '../src/billing/event-types.ts'
import type { PassOptions, Progress, Report } from '../src/billing/reconcile/pass.ts'
import { reconcile } from '../src/billing/reconcile/reconcile.ts'
import type { Deps } from '../src/context.ts'
import { users } from '../src/data/schema.ts'
import { isMissing } from '../src/stripe-fault.ts'
import { explained, UsageError } from './command-errors.ts'
import { commandDeps, readCommandVars } from './command-vars.ts'
import { describeDatabase } from './migrate.ts'
import { endRequested } from './process.ts'

/** As the cron's. */
const TURN_MS = 60_000
const WAIT_MS = 90_000
const LOOK_AGAIN_MS = 3_000
const SOME_CUSTOMERS = 20

const USAGE = `npm run reconcile [-- OPTIONS]: compares accounts and events with Stripe, and repairs what differs.

  --dry-run    shows the differences and writes nothing; exit status 1 when there are some
  --all        every account, not those alone that were not compared for a day
  --vars FILE  variables from FILE instead of .dev.vars

Ctrl-C ends it in good order; the next run goes on where it ended.`

/** @returns the exit status */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      vars: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const isDry = values['dry-run']
  const { vars } = readCommandVars(values.vars)
  const deps = commandDeps(vars, (level, event, fields) => {
    if (level === 'error') console.error(`  ${event} ${JSON.stringify(fields)}`)
  })
  const { databaseUrl, stripe } = deps.config
  const mode = stripe.secretKey.includes('_live_') ? 'live' : 'test'
  console.log(
    `Comparing ${describeDatabase(databaseUrl)} with Stripe (${mode} mode${stripe.apiBase ? `, ${stripe.apiBase.host}` : ''})${isDry ? '; nothing is written' : ''}.`,
  )
  await demandKnownCustomers(deps)
  const signal = endRequested()
  const options: PassOptions = {
    isDry,
    budgetMs: isDry ? Number.POSITIVE_INFINITY : TURN_MS,
    ...(values.all && { comparedBefore: new Date() }),
    signal,
    onProgress: showProgress,
  }
  const report = await passes(deps, options, signal)
  clearProgress()
  return tell(report, isDry)
}

/** A turn at a time, so that the cron's passes come in between: events wait for nobody's thousands of accounts. */
async function passes(deps: Deps, options: PassOptions, signal: AbortSignal): Promise<Report> {
  let all: Report | undefined
  do {
    all = sum(all, await oneTurn(deps, options, signal))
  } while (!all.isComplete && !signal.aborted)
  return all
}

async function oneTurn(deps: Deps, options: PassOptions, signal: AbortSignal): Promise<Report> {
  for (let waitedMs = 0; waitedMs < WAIT_MS && !signal.aborted; waitedMs += LOOK_AGAIN_MS) {
    const report = await reconcile(deps, options)
    if (report) return report
    if (waitedMs === 0)
      console.error('  Another pass is under way, the cron’s or somebody’s; waiting …')
    await deps.pause(LOOK_AGAIN_MS)
  }
  throw new UsageError(
    'Another pass is still under way. The cron’s take a minute at most; one that died holds the place for ten minutes. Run this again then.',
  )
}

function sum(before: Report | undefined, now: Report): Report {
  if (!before) return now
  return {
    events: [...before.events, ...now.events],
    eventsFailed: before.eventsFailed + now.eventsFailed,
    accountsChecked: before.accountsChecked + now.accountsChecked,
    accountsFailed: before.accountsFailed + now.accountsFailed,
    differences: [...before.differences, ...now.differences],
    eventsPruned: before.eventsPruned + now.eventsPruned,
    stepsFailed: before.stepsFailed + now.stepsFailed,
    isComplete: now.isComplete,
  }
}

/** The books of one Stripe account compared with another would all seem right, and count as compared. */
async function demandKnownCustomers({ db, stripe }: Deps): Promise<void> {
  const some = await db
    .select({ customer: users.stripeCustomerId })
    .from(users)
    .where(isNotNull(users.stripeCustomerId))
    .orderBy(desc(users.createdAt))
    .limit(SOME_CUSTOMERS)
  for (const { customer } of some) {
    try {
      await stripe.customers.retrieve(String(customer))
      return
    } catch (error) {
      if (!isMissing(error, 'id') && !isMissing(error, 'customer')) throw error
    }
  }
  if (some.length === 0) return
  throw new UsageError(
    `Stripe knows none of the ${some.length} newest customers of this database: DATABASE_URL and STRIPE_SECRET_KEY belong to different accounts, or to test and live mode of one.`,
  )
}

function tell(report: Report, isDry: boolean): number {
  for (const { id, type } of report.events) {
    const may = isDry && REVERSAL_TYPES.some((each) => each === type)
    const warning = may ? ', which may end a subscription at Stripe (PAYMENT_REVERSAL_POLICY)' : ''
    console.log(`  event ${id} (${type}) ${isDry ? `waits${warning}` : 'was dealt with'}`)
  }
  for (const { userId, subscription, changes, remains } of report.differences) {
    console.log(`  user ${userId}, ${subscription}${remains ? `: not repaired, ${remains}` : ''}`)
    for (const { field, ours, stripe } of changes) console.log(`    ${field}: ${ours} -> ${stripe}`)
  }
  const remaining = report.differences.filter(({ remains }) => remains).length
  const [found, events] = [report.differences.length, report.events.length]
  console.log(
    [
      `${report.accountsChecked} accounts compared, ${found - remaining} subscriptions ${isDry ? 'to repair' : 'repaired'}, ${remaining} that somebody must look at`,
      `${events} events ${isDry ? 'wait' : 'dealt with'}`,
      `${report.eventsPruned} ledger rows older than 90 days ${isDry ? 'to delete' : 'deleted'}.`,
    ].join('; '),
  )
  const failed = report.eventsFailed + report.accountsFailed + report.stepsFailed
  if (failed > 0) {
    console.log(
      `${report.eventsFailed} events and ${report.accountsFailed} accounts failed, ${report.stepsFailed} steps could not be made: why stands above.`,
    )
  }
  if (!report.isComplete) console.log('It was ended before it was through: run it again to go on.')
  if (!isDry || found + events === 0) return failed + remaining > 0 || !report.isComplete ? 1 : 0
  console.log('Run it without --dry-run to bring these to what Stripe shows.')
  return 1
}

const EACH = 50

function showProgress({ step, done, of }: Progress): void {
  const text = `  ${step} ${done}${of === undefined ? '' : ` of ${of}`}`
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  else if (done > 0 && done % EACH === 0) process.stderr.write(`${text}\n`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

try {
  process.exitCode = await main()
} catch (error) {
  clearProgress()
  console.error(explained(error))
  process.exitCode = 2
}
