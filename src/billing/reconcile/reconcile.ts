// The reconciliation: what deliveries have missed is found by asking Stripe, and repaired. Webhooks are quick, this is
// sure: events left unfinished, events that never came, accounts not compared for a day, and the ledger's old rows.
import { sql } from 'drizzle-orm'
import type { Deps } from '../../context.ts'
import { checkAccounts } from './accounts.ts'
import { findEvents, finishEvents } from './events.ts'
import {
  endTurn,
  lastRead,
  noteEventsRead,
  type Pass,
  type PassOptions,
  type Report,
  startPass,
  takeTurn,
} from './pass.ts'

export const DAY_MS = 86_400_000
const LEDGER_DAYS = 90
const PRUNED_AT_ONCE = 1000

/** What the cron does: within its five minutes, and what is left is the next one's. */
export const CRON_PASS: PassOptions = { isDry: false, olderThanMs: DAY_MS, budgetMs: 60_000 }

/**
 * One pass. Whatever ends it, what it has done stays done, and the next pass goes on from there.
 * @returns what it did or, dry, found; null while another pass is under way
 * @throws Stripe's and the database's errors
 */
export async function reconcile(deps: Deps, options: PassOptions): Promise<Report | null> {
  if (options.isDry) return run(deps, startPass(deps, options, null), await lastRead(deps), null)
  const holder = Buffer.from(deps.randomBytes(9)).toString('base64url')
  const turn = await takeTurn(deps, holder)
  if (!turn) return null
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
  await finishEvents(deps, pass)
  const readUntil = await findEvents(deps, pass, eventsReadUntil)
  if (holder) await noteEventsRead(deps, holder, readUntil)
  await checkAccounts(deps, pass)
  await pruneLedger(deps, pass)
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
