// The records as GraphML 1.0: a directed graph with typed attributes; what was found in it is the graph's own data.
// http://graphml.graphdrawing.org/specification.html
import { COLUMNS } from './columns.ts'
import type { GraphText, Section } from './graph-text.ts'
import type { Entry, Fields, Kind } from './records.ts'

const NAMESPACE = 'http://graphml.graphdrawing.org/xmlns'
const TYPES = {
  string: 'string',
  integer: 'int',
  number: 'double',
  boolean: 'boolean',
  array: 'string',
}

export function graphml(head: Readonly<Record<string, unknown>>): GraphText {
  const told = Object.entries(head).map(([name, value]) => ({
    name,
    type: typeof value === 'boolean' ? ('boolean' as const) : ('string' as const),
    text: typeof value === 'object' ? JSON.stringify(value) : String(value),
  }))
  const nodeKeys = [
    { name: 'kind', type: 'string' as const },
    ...COLUMNS.molecule,
    ...COLUMNS.reaction,
  ].filter(
    ({ name }, index, all) =>
      name !== 'id' && all.findIndex((each) => each.name === name) === index,
  )
  const lists = [
    { name: 'irreducible_raf_list', type: 'array' as const },
    { name: 'cycle_list', type: 'array' as const },
  ]
  const keys = [
    ...nodeKeys.map((each) => key('node', each)),
    ...COLUMNS.edge.slice(2).map((each) => key('edge', each)),
    ...[...told, ...lists, ...COLUMNS.summary].map((each) => key('graph', each)),
  ]
  return {
    head: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<graphml xmlns="${NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="${NAMESPACE} ${NAMESPACE}/1.0/graphml.xsd">`,
      ...keys,
      '<graph id="autocatalysis_network" edgedefault="directed">',
      ...told.map(({ name, text }) => data('graph', name, text)),
      '',
    ].join('\n'),
    sections: [
      rows(['molecule', 'reaction'], nodeXml),
      rows(['edge'], edgeXml),
      list('irreducible_raf'),
      list('cycle'),
      rows(['summary'], ({ fields }) => dataOf('graph', fields).join('\n')),
      { kinds: [], open: '</graph>\n', row: () => '', separator: '', close: '' },
    ],
    closing: (end) => `<!-- end ${JSON.stringify(end)} --></graphml>\n`,
  }
}

function rows(kinds: readonly Kind[], row: Section['row']): Section {
  return { kinds, open: '', row, separator: '', close: '' }
}

/** GraphML has no lists: their text is JSON. */
function list(kind: Kind): Section {
  return {
    kinds: [kind],
    open: `<data key="graph_${kind}_list">[\n`,
    row: ({ fields }) => escaped(JSON.stringify(fields)),
    separator: ',',
    close: ']</data>\n',
  }
}

function nodeXml({ kind, fields: { id, ...rest } }: Entry): string {
  return `<node id="${escaped(id)}">${dataOf('node', { kind, ...rest }).join('')}</node>`
}

function edgeXml({ fields: { source, target, ...rest } }: Entry): string {
  const ends = `source="${escaped(source)}" target="${escaped(target)}"`
  return `<edge ${ends}>${dataOf('edge', rest).join('')}</edge>`
}

function key(domain: string, { name, type }: { name: string; type: keyof typeof TYPES }): string {
  return `<key id="${domain}_${name}" for="${domain}" attr.name="${name}" attr.type="${TYPES[type]}"/>`
}

function dataOf(domain: string, fields: Fields): string[] {
  return Object.entries(fields).map(([name, value]) => data(domain, name, value))
}

function data(domain: string, name: string, value: unknown): string {
  return `<data key="${domain}_${name}">${escaped(value)}</data>`
}

/** Ids have no quotes, so this is enough in attributes too. */
function escaped(value: unknown): string {
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
