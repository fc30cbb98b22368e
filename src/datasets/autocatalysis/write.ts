// The records as NDJSON and as JSON: node-link, the form that networkx and d3 read.
import type { Format, Writing } from '../dataset-type.ts'
import { ndjsonClosing } from '../table.ts'
import { type GraphText, pieces, type Section } from './graph-text.ts'
import { graphml } from './graphml.ts'
import type { SeededParams } from './params.ts'
import { entries, type Kind } from './records.ts'

export function writeGraph(params: SeededParams, format: Format, sample?: boolean): Writing {
  const head = { ...(sample && { sample }), dataset_type: 'autocatalysis_network', params }
  const text = format === 'graphml' ? graphml(head) : format === 'json' ? json(head) : NDJSON
  return { pieces: pieces(entries(params), text), closing: text.closing }
}

const NDJSON: GraphText = {
  head: '',
  sections: [
    {
      kinds: ['molecule', 'reaction', 'edge', 'irreducible_raf', 'cycle', 'summary'],
      open: '',
      row: ({ kind, fields }) => JSON.stringify({ record: kind, ...fields }),
      separator: '',
      close: '',
    },
  ],
  closing: ndjsonClosing,
}

function json(head: Readonly<Record<string, unknown>>): GraphText {
  const list = (kinds: readonly Kind[], name: string): Section => ({
    kinds,
    open: `"${name}":[\n`,
    row: ({ fields }) => JSON.stringify(fields),
    separator: ',',
    close: '],\n',
  })
  // One molecule may be reactant and catalyst of one reaction: parallel edges.
  const graph = { ...head, directed: true, multigraph: true, graph: {} }
  return {
    head: `${JSON.stringify(graph).slice(0, -1)},\n`,
    sections: [
      {
        ...list(['molecule', 'reaction'], 'nodes'),
        row: ({ kind, fields }) => JSON.stringify({ kind, ...fields }),
      },
      list(['edge'], 'edges'),
      list(['irreducible_raf'], 'irreducible_rafs'),
      list(['cycle'], 'cycles'),
      { ...list(['summary'], 'summary'), open: '"summary":\n', close: ',\n' },
    ],
    closing: (end) => `"end":${JSON.stringify(end)}}\n`,
  }
}
