// One statement: run through the extended protocol, its result written as Neon writes it.
import type { ClientBase, FieldDef, QueryArrayConfig, QueryArrayResult } from 'pg'
import { copiesIn } from '../postgres-copy.ts'
import { Refusal } from './refusal.ts'
import { jsonText } from './values.ts'

export interface Statement {
  query: string
  params: (string | null)[]
  arrayMode: boolean
  /** Values as Postgres's text (what the driver asks for) instead of as JSON. */
  rawText: boolean
}

/** How much an answer may hold; a batch shares one budget. */
export interface Budget {
  maxBytes: number
  usedBytes: number
}

const MAX_PARAMETERS = 65_535

/**
 * Runs a statement and returns its result as JSON text: `{rowAsArray, fields, rows, command, rowCount}`.
 * @throws pg.DatabaseError, Refusal 507 when the rows exceed the budget
 */
export async function run(
  client: ClientBase,
  statement: Statement,
  budget: Budget,
): Promise<string> {
  const { query: text, params: values, arrayMode, rawText } = statement
  if (text.includes('\0')) throw new Refusal(400, 'error encoding message to server')
  if (copiesIn(text)) throw new Refusal(400, 'COPY FROM STDIN is not supported', '0A000', 'ERROR')
  if (values.length > MAX_PARAMETERS) throw new Refusal(400, 'value too large to transmit')

  // pg stores no row after a parser has thrown, so that a huge result is not kept in memory.
  const count = (value: string): string => {
    budget.usedBytes += value.length
    if (budget.usedBytes > budget.maxBytes) {
      throw new Refusal(507, `response is too large (max is ${budget.maxBytes} bytes)`)
    }
    return value
  }
  const config: QueryArrayConfig & { queryMode: 'extended' } = {
    text,
    values,
    rowMode: 'array',
    types: { getTypeParser: () => count },
    // Also without parameters, so that several statements in one query are refused (42601).
    queryMode: 'extended',
  }
  const result: QueryArrayResult<(string | null)[]> = await client.query(config)
  const elements = rawText ? new Map<number, number>() : await elementTypes(client, result.fields)
  const rows = result.rows.map((row) => {
    const items = row.map((value, index) => {
      const field = result.fields[index]
      if (value === null || field === undefined) return 'null'
      if (rawText) return JSON.stringify(value)
      return jsonText(value, field.dataTypeID, elements.get(field.dataTypeID))
    })
    return arrayMode ? `[${items.join(',')}]` : objectJson(result.fields, items)
  })
  const head = JSON.stringify({
    command: result.command ?? '',
    rowCount: result.rowCount,
    rowAsArray: arrayMode,
    fields: result.fields.map((field) => ({
      name: field.name,
      dataTypeID: field.dataTypeID,
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: 'text',
    })),
  })
  return `${head.slice(0, -1)},"rows":[${rows.join(',')}]}`
}

function objectJson(fields: FieldDef[], items: string[]): string {
  return `{${items.map((item, index) => `${JSON.stringify(fields[index]?.name)}:${item}`).join(',')}}`
}

/** For those columns that are arrays: type id -> element type id. */
async function elementTypes(client: ClientBase, fields: FieldDef[]): Promise<Map<number, number>> {
  if (fields.length === 0) return new Map()
  const found = await client.query<{ oid: string; typelem: string }>(
    `SELECT oid::text, typelem::text FROM pg_catalog.pg_type
     WHERE oid = ANY ($1::oid[]) AND typinput = 'pg_catalog.array_in'::regproc`,
    [fields.map((field) => field.dataTypeID)],
  )
  return new Map(found.rows.map((row) => [Number(row.oid), Number(row.typelem)]))
}
