// The reconciliation: what deliveries have missed is found by asking Stripe, and repaired. Webhooks are quick, this is
// sure: events left unfinished, events that never came, accounts not compared for a day, and the ledger's old rows.
import { sql } from 'drizzle-orm'
import type { Deps } from '../../context.ts'
import { errorFields } from '../../log.ts'
import { checkAccounts } from './accounts.ts'
import { findEvents, finishEvents } from './events.ts'
import {
  endsPass,
  endTurn,
  lastRead,
  noteEventsRead,
  type Pass,
  type PassOptions,
  type Report,
  startPass,
  takeTurn,
} from './pass.ts'

const LEDGER_DAYS = 90
const DAY_MS = 86_400_000
const PRUNED_AT_ONCE = 1000

/** What the cron does: within its five minutes, and what is left is the next one's. */
export const CRON_PASS: PassOptions = { isDry: false, budgetMs: 60_000 }

/**
 * One pass. Whatever ends it, what it has done stays done, and the next pass goes on from there.
 * @returns what it did or, dry, found; null while another pass is under way
 * @throws when Stripe or the database is away, or the turn is lost
 */
export async function reconcile(deps: Deps, options: PassOptions): Promise<Report | null> {
  if (options.isDry) return run(deps, startPass(deps, options, null), await lastRead(deps), null)
  const holder = Buffer.from(deps.randomBytes(9)).toString('base64url')
  const turn = await takeTurn(deps, holder)
  if (!turn) {
    deps.log('info', 'reconciliation_under_way')
    return null
  }
  try {
    return await run(deps, startPass(deps, options, holder), turn.eventsReadUntil, holder)
  } finally {
    await endTurn(deps, holder)
  }
}

async function run(
  deps: Deps,
  pass: Pass,
  eventsReadUntil: Date | null,
  holder: string | null,
): Promise<Report> {
  const onRead = async (until: Date) => {
    if (holder) await noteEventsRead(deps, holder, until)
  }
  for (const step of [
    () => finishEvents(deps, pass),
    () => findEvents(deps, pass, eventsReadUntil, onRead),
    () => checkAccounts(deps, pass),
    () => pruneLedger(deps, pass),
  ]) {
    try {
      await step()
    } catch (error) {
      // Such as a restricted key that may not read events: the accounts can be compared all the same.
      if (endsPass(error)) throw error
      pass.report.stepsFailed += 1
      deps.log('error', 'reconciliation_step_failed', errorFields(error))
    }
  }
  const { events, differences, ...rest } = pass.report
  deps.log('info', 'reconciled', {
    ...rest,
    events: events.length,
    differences: differences.length,
  })
  return pass.report
}

async function pruneLedger({ db }: Deps, pass: Pass): Promise<void> {
  const before = new Date(pass.startedAt.getTime() - LEDGER_DAYS * DAY_MS).toISOString()
  const old = sql`select id from stripe_events where received_at < ${before} limit ${PRUNED_AT_ONCE}`
  for (;;) {
    if (pass.isOver()) {
      pass.report.isComplete = false
      return
    }
    const { rows } = await db.execute<{ count: number }>(
      pass.options.isDry
        ? sql`select count(*)::integer from stripe_events where received_at < ${before}`
        : sql`with gone as (delete from stripe_events where id in (${old}) returning id)
            select count(*)::integer from gone`,
    )
    const count = rows[0]?.count ?? 0
    pass.report.eventsPruned += count
    pass.options.onProgress?.({ step: 'ledger', done: pass.report.eventsPruned })
    if (pass.options.isDry || count < PRUNED_AT_ONCE) return
  }
}
