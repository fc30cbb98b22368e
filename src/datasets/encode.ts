// Rows as NDJSON, JSON or CSV (RFC 4180), in chunks of UTF-8.
import type { Format } from './params.ts'
import type { Firing, ReactionCells } from './trajectories.ts'

/** The text of a data set, in the order it is written: head, rows with separators between, tail. */
export interface TableText {
  readonly head: string
  readonly row: (firing: Firing) => string
  readonly separator: string
  /** Written once the rows are counted; empty for CSV, which has no place for it. */
  readonly tail: (rows: number) => string
}

/** What JSON says before the rows, and JSON and NDJSON after them. */
export interface TableFrame {
  readonly head: Readonly<Record<string, unknown>>
  readonly end: (rows: number) => Readonly<Record<string, unknown>>
}

export interface Chunk {
  readonly bytes: Uint8Array
  /** Rows in this chunk. */
  readonly rows: number
}

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  csv: 'text/csv; charset=utf-8; header=present',
}

const CHUNK_CHARACTERS = 32 * 1024
/** The first chunk is small, so that the reader soon sees the answer begin. */
const FIRST_CHUNK_CHARACTERS = 2 * 1024
const CRLF = '\r\n'

/** How to write a table whose rows' constant cells are those of `reactions`, by index. */
export function tableText(
  format: Format,
  reactions: readonly ReactionCells[],
  frame: TableFrame,
): TableText {
  if (format === 'csv') return csvText(reactions)
  if (format === 'ndjson') {
    // Each row ends its own line, so a reader of a line at a time never waits for the next row.
    return {
      head: '',
      row: jsonRow(reactions, '\n'),
      separator: '',
      tail: (rows) => `${JSON.stringify({ end: true, ...frame.end(rows) })}\n`,
    }
  }
  return {
    head: `${JSON.stringify(frame.head).slice(0, -1)},"rows":[\n`,
    row: jsonRow(reactions, ''),
    separator: ',\n',
    tail: (rows) => `\n],"end":${JSON.stringify(frame.end(rows))}}\n`,
  }
}

/** Encodes rows as they come, a chunk at a time: nothing is simulated before a chunk is asked for. */
export function* encodeRows(firings: Iterable<Firing>, text: TableText): Generator<Chunk> {
  const encoder = new TextEncoder()
  let pending = text.head
  let rows = 0
  let separator = ''
  let limit = FIRST_CHUNK_CHARACTERS
  for (const firing of firings) {
    pending += separator + text.row(firing)
    separator = text.separator
    rows += 1
    if (pending.length < limit) continue
    yield { bytes: encoder.encode(pending), rows }
    pending = ''
    rows = 0
    limit = CHUNK_CHARACTERS
  }
  if (pending !== '') yield { bytes: encoder.encode(pending), rows }
}

/** The constant cells are made into text once per reaction, not once per row. */
function jsonRow(reactions: readonly ReactionCells[], ending: string): TableText['row'] {
  const rests = reactions.map((cells) => JSON.stringify(cells).slice(1) + ending)
  return ({ runId, step, time, reaction }) =>
    `{"run_id":${runId},"step":${step},"time":${time},${rests[reaction]}`
}

function csvText(reactions: readonly ReactionCells[]): TableText {
  const names = Object.keys(reactions[0] ?? {})
  const rests = reactions.map((cells) => Object.values(cells).map(csvField).join(','))
  return {
    head: ['run_id', 'step', 'time', ...names].map(csvField).join(',') + CRLF,
    row: ({ runId, step, time, reaction }) => `${runId},${step},${time},${rests[reaction]}${CRLF}`,
    separator: '',
    tail: () => '',
  }
}

/** RFC 4180, 2: fields with a comma, a quote or a line break are quoted, quotes doubled. */
export function csvField(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
