// What each type of data set tells of itself: how it is asked for, what it may cost, how it is written, what it is.
import * as z from 'zod/mini'
import type { Tier } from '../plans.ts'
import type { Network } from './reaction-network.ts'

export const FORMATS = ['ndjson', 'json', 'csv', 'graphml'] as const
export type Format = (typeof FORMATS)[number]

/** Text of a data set, in the order in which it is written. */
export interface Piece {
  readonly text: string
  /** In place of a text: its UTF-8, nobody else's from then on. It becomes a chunk of the answer as it is. */
  readonly utf8?: Uint8Array
  /** Rows (records, nodes and edges, ...) that end in it. */
  readonly rows: number
  /**
   * Reactions that were fired for it since the piece before: what it costs. A piece without text is a moment in which
   * work that takes long lets others go on, and can be ended.
   */
  readonly reactions: number
}

/** What the last line of an answer says. */
export interface End {
  readonly rows: number
  readonly reactions: number
  readonly seed: number
  readonly algorithm: string
  /** Of all bytes before the last line: hex. */
  readonly sha256: string
  /** Present in what a test key is answered with. */
  readonly sample?: true
}

/** A data set as it is written: nothing is computed before the piece that needs it is asked for. */
export interface Writing {
  /** All lines but the last; the last of these ends in a line break. */
  readonly pieces: Iterable<Piece>
  /** The last line: written when all has been paid for, so that a cut-off file is recognised. */
  readonly closing: (end: End) => string
}

/** A field of a row. JSON's types; `unit` where it has one. */
export interface Column {
  readonly name: string
  readonly type: 'integer' | 'number' | 'string' | 'boolean' | 'array'
  readonly unit?: string
  readonly description: string
}

/** What a reader must know before they use it (a data card). Plain text. */
export interface DataCard {
  readonly title: string
  readonly summary: string
  /** How it is made, step by step. */
  readonly method: readonly string[]
  /** What it must not be taken for. */
  readonly limitations: readonly string[]
  readonly citations: readonly string[]
}

/** A parameter's least and most value. */
export type Range = readonly [least: number, most: number]

/** The range as checks of a schema. */
export const between = ([least, most]: Range) => [z.minimum(least), z.maximum(most)] as const

export interface DatasetType<Params extends object = object> {
  /** Names generator, draws and constants: whoever changes a byte that a seed stands for gives it a new number. */
  readonly algorithm: string
  /** The first is the default. */
  readonly formats: readonly [Format, ...Format[]]
  /** Unknown keys are errors; every one may be left out. */
  readonly params: z.ZodMiniType<Params>
  /** What each parameter means, with its unit. */
  readonly parameters: Readonly<Record<string, string>>
  /** By tier and parameter. The schema itself allows what the largest tier may ask for. */
  readonly limits: Readonly<Record<Tier, Readonly<Record<string, Range>>>>
  /** What a test key is answered with, whatever it asks for: the same few rows each time. */
  readonly sample: Params & { seed: number }
  /** By kind of record; a table has one kind. */
  readonly records: Readonly<Record<string, readonly Column[]>>
  readonly card: DataCard
  /** The reaction networks that it is made of, with their rates. */
  readonly networks?: Readonly<Record<string, Network>>
  /** The most reactions that it may fire, and so the most units that it may cost. */
  reserved(params: Params): number
  /** A name for the file, without seed and ending. */
  fileName(params: Params): string
  write(params: Params & { seed: number }, format: Format, sample?: boolean): Writing
}
