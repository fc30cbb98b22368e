// drizzle over Neon's HTTP protocol: the client, and what its errors mean.
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch'
import {
  type NeonHttpClient,
  type NeonHttpQueryResultHKT,
  NeonHttpSession,
} from 'drizzle-orm/neon-http/session'
import { PgDatabase, PgDialect } from 'drizzle-orm/pg-core'
import { NeonDbError, neonHttp } from './neon-http.ts'

/** Put together here, because drizzle's own of this kind brings the official driver into the bundle. */
export class Database extends PgDatabase<NeonHttpQueryResultHKT> {
  readonly #session: NeonHttpSession<Record<string, never>, Record<string, never>>

  constructor(client: NeonHttpClient) {
    const dialect = new PgDialect()
    const session = new NeonHttpSession<Record<string, never>, Record<string, never>>(
      client,
      dialect,
      undefined,
    )
    super(dialect, session, undefined)
    this.#session = session
  }

  /** All in one transaction, in one request. */
  batch<U extends BatchItem<'pg'>, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<BatchResponse<T>> {
    return this.#session.batch(queries)
  }
}

/** A client of `url`. Every request ends after `timeoutMs`; there is one attempt. */
export function connectDatabase(url: string, timeoutMs: number): Database {
  // drizzle types the whole official driver, and calls these two members of it.
  return new Database(neonHttp(url, timeoutMs) as unknown as NeonHttpClient)
}

/** What a database error says, taken out of drizzle's wrapper. */
export interface DatabaseFault {
  /** No answer, or one that is not the database's: the same statement may work later. */
  unavailable: boolean
  /** SQLSTATE, where the database answered. */
  code: string | undefined
  constraint: string | undefined
}

// SQLSTATE classes in which a working statement fails for a reason outside of it: connection, resources, and an
// operator's hand (shutdown, a statement cancelled by its time limit).
const PASSING = /^(08|53|57)/

/** Null for anything that does not come from the database. */
export function databaseFault(thrown: unknown): DatabaseFault | null {
  const error = thrown instanceof Error && !(thrown instanceof NeonDbError) ? thrown.cause : thrown
  if (!(error instanceof NeonDbError)) return null
  const { code, constraint } = error
  const unavailable = code === undefined || PASSING.test(code)
  return { unavailable, code, constraint }
}

/** Whether `thrown` is the database refusing a second row under the unique index `constraint`. */
export function isDuplicate(thrown: unknown, constraint: string): boolean {
  const fault = databaseFault(thrown)
  return fault?.code === '23505' && fault.constraint === constraint
}
