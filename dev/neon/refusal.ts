// How Neon's SQL over HTTP refuses: one JSON shape for database errors and for its own.
// Source: proxy/src/serverless/{sql_over_http,error}.rs of neondatabase/neon.
import pg from 'pg'

/** A refusal of Neon's proxy itself, before or beside Postgres. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly status: 400 | 413 | 500 | 507
  readonly code: string
  readonly severity: string

  constructor(status: 400 | 413 | 500 | 507, message: string, code = '', severity = '') {
    super(message)
    this.status = status
    this.code = code
    this.severity = severity
  }
}

/** Every member that an error's body has; those without a value are null. */
const MEMBERS = [
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** Status and body of the answer to a request that ended in `error`. */
export function refusalOf(error: unknown): { status: number; body: Record<string, string | null> } {
  const absent = Object.fromEntries(MEMBERS.map((member) => [member, null]))
  if (error instanceof pg.DatabaseError) {
    const present = MEMBERS.map((member) => [member, error[member] ?? null])
    return { status: 400, body: { message: error.message, ...Object.fromEntries(present) } }
  }
  if (error instanceof Refusal) {
    const { status, message, code, severity } = error
    return { status, body: { message, ...absent, code, severity } }
  }
  // The connection to Postgres broke under the query: Neon calls that a bad request too.
  const message = error instanceof Error ? error.message : String(error)
  return { status: 400, body: { message, ...absent, code: '', severity: '' } }
}
