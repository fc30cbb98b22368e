// Records as the text of a format: sections are opened and closed as the kinds of records come and go.
import type { Piece, Writing } from '../dataset-type.ts'
import type { Entry, Kind } from './records.ts'

/** How a format writes records. */
export interface GraphText {
  readonly head: string
  /** In the order in which they are written. */
  readonly sections: readonly Section[]
  readonly closing: Writing['closing']
}

export interface Section {
  readonly kinds: readonly Kind[]
  readonly open: string
  readonly row: (entry: Entry) => string
  /** Between rows, without the line break. */
  readonly separator: string
  readonly close: string
}

const PIECE_CHARACTERS = 4096

/** A reaction costs what it costs with the line of its node: what is never sent is never paid. */
export function* pieces(
  from: Iterable<Entry | null>,
  { head, sections }: GraphText,
): Generator<Piece> {
  if (head !== '') yield { text: head, rows: 0, reactions: 0 }
  let [text, rows, reactions] = ['', 0, 0]
  let section = -1
  let isFirst = true

  /** Closes and opens sections, empty ones too, up to this one. */
  function turnTo(wanted: number): void {
    while (section < wanted) {
      if (section >= 0) text += (isFirst ? '' : '\n') + (sections[section]?.close ?? '')
      section += 1
      text += sections[section]?.open ?? ''
      isFirst = true
    }
  }

  for (const entry of from) {
    if (entry === null) {
      if (text !== '') yield { text, rows, reactions }
      yield { text: '', rows: 0, reactions: 0 }
      text = ''
      rows = 0
      reactions = 0
      continue
    }
    turnTo(sections.findIndex(({ kinds }) => kinds.includes(entry.kind)))
    const { row, separator } = sections[section] as Section
    text += (isFirst ? '' : `${separator}\n`) + row(entry)
    isFirst = false
    rows += 1
    if (entry.kind === 'reaction') reactions += 1
    if (text.length < PIECE_CHARACTERS) continue
    yield { text, rows, reactions }
    text = ''
    rows = 0
    reactions = 0
  }
  turnTo(sections.length)
  yield { text, rows, reactions }
}
