// Tables as NDJSON, JSON or CSV (RFC 4180), row by row.
import type { End, Format, Piece, Writing } from './dataset-type.ts'
import { CHUNK_BYTES, FIRST_CHUNK_BYTES, type RowBytes, rowBytes } from './row-bytes.ts'

export interface Table<Row> {
  /** What JSON says before the rows. */
  readonly head: Readonly<Record<string, unknown>>
  readonly columns: readonly string[]
  readonly rows: Iterable<Row>
  /** Write the row as a JSON object, and as CSV's fields. */
  readonly json: (row: Row, to: RowBytes) => void
  readonly csv: (row: Row, to: RowBytes) => void
  /** Where it is given: what was fired for a row since the one before, and whether there is one or only that. */
  readonly step?: (row: Row) => { reactions: number; isRow: boolean }
}

const CRLF = '\r\n'
const MOMENT: Piece = { text: '', rows: 0, reactions: 0 }
const ONE_ROW = { reactions: 1, isRow: true } as const

export function writeTable<Row>(format: Format, table: Table<Row>): Writing {
  if (format === 'csv') {
    const head = table.columns.map(csvField).join(',') + CRLF
    const pieces = piecesOf(table, { head, row: table.csv, ending: CRLF })
    return { pieces, closing: csvClosing(table.columns) }
  }
  if (format === 'ndjson') {
    // Each row ends its own line, so a reader of a line at a time never waits for the next row.
    const pieces = piecesOf(table, { row: table.json, ending: '\n' })
    return { pieces, closing: ndjsonClosing }
  }
  const head = `${JSON.stringify(table.head).slice(0, -1)},"rows":[\n`
  return {
    pieces: piecesOf(table, { head, row: table.json, separator: ',\n', tail: '\n' }),
    closing: (end) => `],"end":${JSON.stringify(end)}}\n`,
  }
}

interface TableText<Row> {
  readonly row: (row: Row, to: RowBytes) => void
  readonly head?: string
  /** After each row. */
  readonly ending?: string
  /** Between two rows. */
  readonly separator?: string
  readonly tail?: string
}

/** As many rows as are a chunk, and not one more: a row is a reaction that somebody pays for. */
function* piecesOf<Row>({ rows, step }: Table<Row>, text: TableText<Row>): Generator<Piece> {
  const [head, ending, separator, tail] = [text.head, text.ending, text.separator, text.tail].map(
    (each = '') => new TextEncoder().encode(each),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const gathered = rowBytes()
  let count = 0
  let reactions = 0
  /** Since the last row. */
  let fruitless = 0
  const piece = (): Piece => {
    const counts = { rows: count, reactions }
    count = 0
    reactions = 0
    return { text: '', utf8: gathered.take(), ...counts }
  }
  let limit = FIRST_CHUNK_BYTES
  let before = head
  for (const row of rows) {
    const { reactions: fired, isRow } = step?.(row) ?? ONE_ROW
    fruitless += fired
    if (!isRow) {
      // Rows do not wait for others that may not come, nor do they cost what was done in vain since.
      if (count > 0) yield piece()
      yield MOMENT
      continue
    }
    reactions += fruitless
    fruitless = 0
    gathered.utf8(before)
    text.row(row, gathered)
    gathered.utf8(ending)
    before = separator
    count += 1
    if (gathered.length < limit) continue
    yield piece()
    limit = CHUNK_BYTES
    // Rows that are found in steps take long.
    if (step) yield MOMENT
  }
  // Without any row its head has not been written.
  if (before === head) gathered.utf8(head)
  gathered.utf8(tail)
  reactions += fruitless
  if (gathered.length > 0 || reactions > 0) yield piece()
}

export function ndjsonClosing(end: End): string {
  return `${JSON.stringify({ end: true, ...end })}\n`
}

/**
 * CSV has no place for it, so it is a record like the others, with as many fields, whose first begins with `#`:
 * readers skip it when they are told that this begins a comment.
 */
function csvClosing(columns: readonly string[]): (end: End) => string {
  return (end) => {
    const told = Object.entries(end).map(([name, value]) => `${name}=${value}`)
    return `# end ${told.join(' ')}${','.repeat(columns.length - 1)}${CRLF}`
  }
}

/**
 * RFC 4180, 2: fields with a comma, a quote or a line break are quoted, quotes doubled. So are those with `#`, as in
 * `C#N`: to readers who are told that it begins a comment it does so anywhere but in quotes.
 */
export function csvField(value: string | number): string {
  const text = String(value)
  return /[",#\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
