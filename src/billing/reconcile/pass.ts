// One pass of the reconciliation: how long it may take, how fast it may read, and that no two run at once.
import { and, eq, sql } from 'drizzle-orm'
import type { Deps } from '../../context.ts'
import { databaseFault } from '../../data/db.ts'
import { reconciliation } from '../../data/schema.ts'
import { errorFields } from '../../log.ts'
import { isStripeAway } from '../../stripe-fault.ts'

/** What a pass did, or in a dry run found. */
export interface Report {
  /** Events that had been left unfinished, or of which nothing had been heard, and were dealt with. */
  events: FoundEvent[]
  /** How many failed: the log and the ledger say why. */
  eventsFailed: number
  accountsChecked: number
  /** How many could not be compared: the log says why. */
  accountsFailed: number
  differences: Difference[]
  eventsPruned: number
  /** Steps that could not be made at all: the log says why. */
  stepsFailed: number
  /** Whether there was time for all. The next pass goes on where this one ended. */
  isComplete: boolean
}

export interface FoundEvent {
  id: string
  type: string
}

/** A subscription that is not in our books as Stripe shows it; values as text. */
export interface Difference {
  userId: string
  subscription: string
  changes: { field: string; ours: string; stripe: string }[]
  /** Why it can't be, or was not, repaired. */
  remains?: string
}

export interface PassOptions {
  /** Finds differences and writes nothing. */
  isDry: boolean
  /** Compares accounts that were not compared since; a day ago where absent. */
  comparedBefore?: Date
  budgetMs: number
  /** Ends the pass early: what is under way is finished. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

export interface Progress {
  step: 'events' | 'accounts' | 'ledger'
  done: number
  /** Of how many, where that is known. */
  of?: number
}

export interface Pass {
  options: PassOptions
  report: Report
  startedAt: Date
  /** Whether `share` of its time is over, or somebody wants its end. */
  isOver(share?: number): boolean
  /** Before each read of Stripe. */
  pace(): Promise<void>
}

/** A tenth of the 100 reads a second that Stripe allows a live account, the Worker's own among them. */
const READ_EVERY_MS = 100
/** A pass that died holds the place for so long. */
const HELD_MS = 10 * 60_000
const RENEWED_MS = 60_000

/** @param holder who has the turn; null for a dry run, which needs none */
export function startPass(deps: Deps, options: PassOptions, holder: string | null): Pass {
  const startedAt = deps.now()
  let heldSince = startedAt.getTime()
  return {
    options,
    startedAt,
    report: {
      events: [],
      eventsFailed: 0,
      accountsChecked: 0,
      accountsFailed: 0,
      differences: [],
      eventsPruned: 0,
      stepsFailed: 0,
      isComplete: true,
    },
    isOver(share = 1) {
      const spent = deps.now().getTime() - startedAt.getTime()
      return spent >= options.budgetMs * share || options.signal?.aborted === true
    },
    async pace() {
      await deps.pause(READ_EVERY_MS)
      const now = deps.now().getTime()
      if (holder === null || now - heldSince < RENEWED_MS) return
      if (!(await takeTurn(deps, holder))) throw new TurnLost()
      heldSince = now
    },
  }
}

/** Another pass has taken this one for dead: it slept, or was held up for long. */
class TurnLost extends Error {
  override name = 'TurnLost'
  constructor() {
    super('TurnLost: another pass has taken this one for dead')
  }
}

/**
 * Whether an error ends the pass: a Stripe or a database that is away, a turn that is lost. One account or event that
 * cannot be read must not keep the others waiting.
 */
export function endsPass(error: unknown): boolean {
  return (
    error instanceof TurnLost || isStripeAway(error) || databaseFault(error)?.unavailable === true
  )
}

/** Takes the place of the one pass that may write. Null while another has it. */
export async function takeTurn(
  { db, now }: Deps,
  holder: string,
): Promise<{ eventsReadUntil: Date | null } | null> {
  const heldUntil = new Date(now().getTime() + HELD_MS)
  const [row] = await db
    .insert(reconciliation)
    .values({ id: 1, holder, heldUntil })
    .onConflictDoUpdate({
      target: reconciliation.id,
      set: { holder, heldUntil },
      setWhere: sql`${reconciliation.heldUntil} is null or ${reconciliation.heldUntil} <= ${now().toISOString()} or ${reconciliation.holder} = ${holder}`,
    })
    .returning({ eventsReadUntil: reconciliation.eventsReadUntil })
  return row ?? null
}

/** Where the last pass ended, without a turn. */
export async function lastRead({ db }: Deps): Promise<Date | null> {
  const [row] = await db.select().from(reconciliation)
  return row?.eventsReadUntil ?? null
}

export async function noteEventsRead({ db }: Deps, holder: string, until: Date): Promise<void> {
  await db
    .update(reconciliation)
    .set({ eventsReadUntil: until })
    .where(and(eq(reconciliation.id, 1), eq(reconciliation.holder, holder)))
}

/** Where that fails, the turn ends by itself. */
export async function endTurn({ db, log }: Deps, holder: string): Promise<void> {
  try {
    await db
      .update(reconciliation)
      .set({ holder: null, heldUntil: null })
      .where(and(eq(reconciliation.id, 1), eq(reconciliation.holder, holder)))
  } catch (error) {
    log('warn', 'reconciliation_turn_not_ended', errorFields(error))
  }
}
