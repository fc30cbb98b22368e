// Reading data sets back, the way their consumers do.
import type { End, Format, Piece } from '../../src/datasets/dataset-type.ts'
import { type Dataset, openDataset } from '../../src/datasets/open-dataset.ts'
import { type DatasetRequest, datasetRequest } from '../../src/datasets/request.ts'
import type { TrajectoryParams } from '../../src/datasets/trajectories/params.ts'

export interface Row {
  run_id: number
  step: number
  time: number
  reaction_id: string
  reactants: string
  products: string
  reaction_type: string
  temperature: number
  scenario: string
}

const utf8 = new TextDecoder()

/** A piece as the text that its reader gets. */
export const pieceText = ({ text, utf8: bytes }: Piece): string =>
  bytes ? utf8.decode(bytes) : text

type Input = Partial<TrajectoryParams>

export function request(params: Input = {}): DatasetRequest {
  return datasetRequest.parse({ dataset_type: 'reaction_trajectories', params })
}

export function open(params: Input = {}, format: Format = 'ndjson'): Dataset {
  return openDataset(request(params), { format, fallbackSeed: 42, settle: async () => undefined })
}

export async function text(params: Input = {}, format: Format = 'ndjson'): Promise<string> {
  return new Response(open(params, format).body).text()
}

export async function rows(params: Input = {}): Promise<Row[]> {
  return ndjson(await text(params)).rows
}

/** The rows and the last line. */
export function ndjson(body: string): { rows: Row[]; end: End & { end: true } } {
  const lines = body.trimEnd().split('\n')
  const end = JSON.parse(lines.pop() ?? '') as End & { end: true }
  return { rows: lines.map((line) => JSON.parse(line) as Row), end }
}

/** RFC 4180, strictly: every record ends in CRLF; quotes only around whole fields. */
export function csvRecords(body: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  while (field.lastIndex < body.length) {
    const at = field.lastIndex
    const match = field.exec(body)
    if (match === null) throw new Error(`Not RFC 4180 at ${at}: ${body.slice(at, at + 40)}`)
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === ',') continue
    records.push(record)
    record = []
  }
  if (record.length > 0) throw new Error('The last record does not end')
  return records
}

export function csvRows(body: string): Row[] {
  const [names = [], ...records] = csvRecords(body).filter(([first]) => !first?.startsWith('#'))
  const numeric = new Set(['run_id', 'step', 'time', 'temperature'])
  return records.map((record) => {
    const cells = record.map((cell, i) => {
      const name = names[i] ?? ''
      return [name, numeric.has(name) ? Number(cell) : cell]
    })
    return Object.fromEntries(cells) as Row
  })
}
