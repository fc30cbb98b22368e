// One pass of the reconciliation: how long it may take, how fast it may read, and that no two run at once.
import { and, eq, sql } from 'drizzle-orm'
import type { Deps } from '../../context.ts'
import { databaseFault } from '../../data/db.ts'
import { reconciliation } from '../../data/schema.ts'
import { isStripeAway } from '../../stripe-fault.ts'

/** What a pass did, or in a dry run found. */
export interface Report {
  /** Ids of events that had been left unfinished, or of which nothing had been heard, and were dealt with. */
  events: string[]
  /** How many failed again: the log and the ledger say why. */
  eventsFailed: number
  accountsChecked: number
  differences: Difference[]
  eventsPruned: number
  /** Whether there was time for all. The next pass goes on where this one ended. */
  isComplete: boolean
}

/** A subscription that is not in our books as Stripe shows it; values as text. */
export interface Difference {
  userId: string
  subscription: string
  changes: { field: string; ours: string; stripe: string }[]
}

export interface PassOptions {
  /** Finds differences and writes nothing. */
  isDry: boolean
  /** Compares accounts that were not compared for so long. */
  olderThanMs: number
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
  isOver(): boolean
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
      differences: [],
      eventsPruned: 0,
      isComplete: true,
    },
    isOver() {
      const spent = deps.now().getTime() - startedAt.getTime()
      return spent >= options.budgetMs || options.signal?.aborted === true
    },
    async pace() {
      await deps.pause(READ_EVERY_MS)
      const now = deps.now().getTime()
      if (holder === null || now - heldSince < RENEWED_MS) return
      if (!(await takeTurn(deps, holder)))
        throw new Error('Another pass has taken this one for dead')
      heldSince = now
    },
  }
}

/**
 * Whether an error ends the pass: a Stripe or a database that is away. One account or event that cannot be read must
 * not keep the others waiting.
 */
export function endsPass(error: unknown): boolean {
  return isStripeAway(error) || databaseFault(error)?.unavailable === true
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

export async function endTurn({ db }: Deps, holder: string): Promise<void> {
  await db
    .update(reconciliation)
    .set({ holder: null, heldUntil: null })
    .where(and(eq(reconciliation.id, 1), eq(reconciliation.holder, holder)))
}
