// drizzle over Neon's HTTP protocol: the client, its time limit, and what its errors mean.
import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'

export type Database = NeonHttpDatabase

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1', '[::1]'])

// The driver's setting is global, so it is decided by the host that it is asked for: a loopback one is the local stack's.
const hostedEndpoint = neonConfig.fetchEndpoint
neonConfig.fetchEndpoint = (host, port, options) => {
  if (LOOPBACK.has(host)) return `http://${host}:${port}/sql`
  return typeof hostedEndpoint === 'function' ? hostedEndpoint(host, port, options) : hostedEndpoint
}

/** A client of `url`. Every request ends after `timeoutMs`; the driver makes one attempt. */
export function connectDatabase(url: string, timeoutMs: number): Database {
  const client: NeonQueryFunction<false, false> = neon(url, {
    disableWarningInBrowsers: true,
    fetchOptions: {
      // The driver spreads these options into each request: the getter gives each its own time limit.
      get signal() {
        return AbortSignal.timeout(timeoutMs)
      },
    },
  })
  return drizzle({ client })
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
  const error = thrown instanceof Error && thrown.name !== 'NeonDbError' ? thrown.cause : thrown
  if (!(error instanceof Error) || error.name !== 'NeonDbError') return null
  const { code, constraint } = error as { code?: string; constraint?: string }
  const unavailable = code === undefined || PASSING.test(code)
  return { unavailable, code, constraint }
}

/** Whether `thrown` is the database refusing a second row under the unique index `constraint`. */
export function isDuplicate(thrown: unknown, constraint: string): boolean {
  const fault = databaseFault(thrown)
  return fault?.code === '23505' && fault.constraint === constraint
}
