// The tables among what a schema exports: a test that walks them notices one that is added.
import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'

export function tablesOf(schema: object): PgTable[] {
  return Object.values(schema).filter((value: unknown): value is PgTable => is(value, PgTable))
}
