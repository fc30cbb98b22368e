// Tables as NDJSON, JSON or CSV (RFC 4180), row by row.
import type { End, Format, Piece, Writing } from './dataset-type.ts'

export interface Table<Row> {
  /** What JSON says before the rows. */
  readonly head: Readonly<Record<string, unknown>>
  readonly columns: readonly string[]
  readonly rows: Iterable<Row>
  /** The row as a JSON object, and as CSV's fields; empty for reactions that have made no row. */
  readonly json: (row: Row) => string
  readonly csv: (row: Row) => string
  /** Fired for it since the row before; one where this is left out. */
  readonly reactions?: (row: Row) => number
}

const CRLF = '\r\n'

export function writeTable<Row>(format: Format, table: Table<Row>): Writing {
  if (format === 'csv') {
    const head = table.columns.map(csvField).join(',') + CRLF
    const text = { head, row: table.csv, ending: CRLF }
    return { pieces: piecesOf(table, text), closing: csvClosing(table.columns) }
  }
  if (format === 'ndjson') {
    // Each row ends its own line, so a reader of a line at a time never waits for the next row.
    const text = { head: '', row: table.json, ending: '\n' }
    return { pieces: piecesOf(table, text), closing: ndjsonClosing }
  }
  const head = `${JSON.stringify(table.head).slice(0, -1)},"rows":[\n`
  const text = { head, row: table.json, separator: ',\n', tail: '\n' }
  return {
    pieces: piecesOf(table, text),
    closing: (end) => `],"end":${JSON.stringify(end)}}\n`,
  }
}

function* piecesOf<Row>(
  { rows, reactions = () => 1 }: Table<Row>,
  text: {
    head: string
    row: (row: Row) => string
    separator?: string
    ending?: string
    tail?: string
  },
): Generator<Piece> {
  const { separator = '', ending = '', tail = '' } = text
  if (text.head !== '') yield { text: text.head, rows: 0, reactions: 0 }
  let before = ''
  for (const row of rows) {
    const line = text.row(row)
    if (line === '') {
      yield { text: '', rows: 0, reactions: reactions(row) }
      continue
    }
    yield { text: before + line + ending, rows: 1, reactions: reactions(row) }
    before = separator
  }
  if (tail !== '') yield { text: tail, rows: 0, reactions: 0 }
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

/** RFC 4180, 2: fields with a comma, a quote or a line break are quoted, quotes doubled. */
export function csvField(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
