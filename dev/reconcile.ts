// `npm run reconcile`: the cron's pass by hand, over all that is due, with its findings on the screen.
import { parseArgs } from 'node:util'
import type { PassOptions, Progress, Report } from '../src/billing/reconcile/pass.ts'
import { DAY_MS, reconcile } from '../src/billing/reconcile/reconcile.ts'
import { explained, UsageError } from './command-errors.ts'
import { commandDeps, readCommandVars } from './command-vars.ts'
import { describeDatabase } from './migrate.ts'
import { endRequested } from './process.ts'

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
  const options: PassOptions = {
    isDry,
    olderThanMs: values.all ? 0 : DAY_MS,
    budgetMs: Number.POSITIVE_INFINITY,
    signal: endRequested(),
    onProgress: showProgress,
  }
  const report = await reconcile(deps, options)
  clearProgress()
  if (!report) {
    throw new UsageError(
      'Another pass is under way (the cron has one every five minutes, of a minute at most). Try again then; one that died holds the place for ten minutes.',
    )
  }
  return tell(report, isDry)
}

function tell(report: Report, isDry: boolean): number {
  const { events, eventsFailed, accountsChecked, differences, eventsPruned, isComplete } = report
  for (const id of events) console.log(`  event ${id} ${isDry ? 'waits' : 'was dealt with'}`)
  for (const { userId, subscription, changes } of differences) {
    console.log(`  user ${userId}, ${subscription}`)
    for (const { field, ours, stripe } of changes) console.log(`    ${field}: ${ours} -> ${stripe}`)
  }
  const verb = isDry ? 'to repair' : 'repaired'
  console.log(
    `${accountsChecked} accounts compared, ${differences.length} subscriptions ${verb}; ${events.length} events ${isDry ? 'wait' : 'dealt with'}, ${eventsFailed} failed; ${eventsPruned} ledger rows older than 90 days ${isDry ? 'to delete' : 'deleted'}.`,
  )
  if (!isComplete) console.log('It was ended before it was through: run it again to go on.')
  if (eventsFailed > 0) console.log('Why they failed stands above and in stripe_events.last_error.')
  const found = differences.length + events.length
  if (!isDry || found === 0) return eventsFailed > 0 ? 1 : 0
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
