// The data set itself: the same bytes for a seed, the same graph in every format, and whole.
import { DOMParser, type Element, onErrorStopParsing } from '@xmldom/xmldom'
import { describe, expect, test } from 'vitest'
import { autocatalysisNetwork } from '../../../src/datasets/autocatalysis/autocatalysis-network.ts'
import { COLUMNS } from '../../../src/datasets/autocatalysis/columns.ts'
import type { AutocatalysisParams } from '../../../src/datasets/autocatalysis/params.ts'
import type { Format } from '../../../src/datasets/dataset-type.ts'
import { networkOf, SCENARIOS } from '../../../src/datasets/scenario.ts'

type Value = string | number | boolean | string[]
type Fields = Record<string, Value>
interface Document {
  dataset_type: string
  params: object
  sample?: boolean
  directed: boolean
  multigraph: boolean
  nodes: Fields[]
  edges: Fields[]
  irreducible_rafs: Fields[]
  cycles: Fields[]
  summary: Fields
  end: Fields
}
type Asked = Partial<AutocatalysisParams>

const FORMATS = autocatalysisNetwork.formats
const NETWORKS = ['random', ...SCENARIOS] as const
/** Any text stands for it: the stream computes it. */
const SHA256 = '0f'.repeat(32)

function write(asked: Asked, format: Format, sample?: boolean) {
  const params = { ...autocatalysisNetwork.params.parse(asked), seed: asked.seed ?? 5 }
  const { pieces, closing } = autocatalysisNetwork.write(params, format, sample)
  let [body, rows, reactions] = ['', 0, 0]
  for (const piece of pieces) {
    body += piece.text
    rows += piece.rows
    reactions += piece.reactions
  }
  const end = {
    rows,
    reactions,
    seed: params.seed,
    algorithm: 'raf-1',
    sha256: SHA256,
    ...(sample && { sample }),
  }
  return { body, last: closing(end), end, text: body + closing(end), params }
}

const document = (asked: Asked, sample?: boolean) =>
  JSON.parse(write(asked, 'json', sample).text) as Document

async function sha256(body: string): Promise<string> {
  return Buffer.from(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)),
  ).toString('hex')
}

describe('a seed', () => {
  test.each(FORMATS)('gives the same bytes each time as %s, and another others', (format) => {
    const body = write({ seed: 7 }, format).body
    expect(write({ seed: 7 }, format).body).toBe(body)
    expect(write({ seed: 8 }, format).body).not.toBe(body)
  })

  // A change of these bytes breaks what customers keep seeds for: give the algorithm a new number.
  test.each([
    ['random', '1c9bc5af1cbc9fb88b3b7dcb017ba092e039cafd6ff5b8aa24d68ce72894b7c8'],
    ['miller_urey', 'b6267f747175090868879fefc6f36fc4786d35b5b31883b70c510f8b979be453'],
    ['formamide', '01a81a2ee759aceb05180af5092878e7b34e0c9a3ea732adb1f85149b1af3fef'],
    ['alkaline_hydrothermal', '39b56f66bc52936ab7f441d518c403d8ad2d74be4b172081d27318b65bd40bee'],
  ] as const)('stands for these bytes of %s', async (network, expected) => {
    expect(autocatalysisNetwork.algorithm).toBe('raf-1')
    expect(await sha256(write({ network, seed: 1986 }, 'ndjson').body)).toBe(expected)
  })
})

describe.each(NETWORKS)('%s', (network) => {
  const asked = { network, catalysis_level: 2.5, seed: 11 }
  const json = document(asked)

  test('is a closed graph: edges end at nodes, from one kind to the other', () => {
    const kinds = new Map(json.nodes.map(({ id, kind }) => [id, kind]))
    expect(kinds.size).toBe(json.nodes.length)
    for (const { source = '', target = '', role } of json.edges) {
      const ends = role === 'product' ? ['reaction', 'molecule'] : ['molecule', 'reaction']
      expect([kinds.get(source), kinds.get(target)]).toEqual(ends)
    }
    expect(new Set(json.edges.map(({ role }) => role))).toEqual(
      new Set(['reactant', 'product', 'catalyst']),
    )
  })

  test('keeps every element, or monomer, in every reaction', () => {
    const formulas = new Map(json.nodes.map(({ id, formula }) => [id, formula]))
    const balance = new Map<string, number>()
    for (const { source, target, role, stoichiometry } of json.edges) {
      if (role === 'catalyst') {
        expect(stoichiometry).toBe(0)
        continue
      }
      const [molecule, reaction, sign] =
        role === 'reactant' ? [source, target, -1] : [target, source, 1]
      for (const [, element = '', count] of String(formulas.get(molecule ?? '')).matchAll(
        /([A-Z]|[a-d])(\d*)/g,
      )) {
        const at = `${reaction} ${element}`
        balance.set(at, (balance.get(at) ?? 0) + sign * Number(stoichiometry) * Number(count || 1))
      }
    }
    expect(balance.size).toBeGreaterThan(json.summary.reactions as number)
    expect(new Set(balance.values())).toEqual(new Set([0]))
  })

  test('is the same as NDJSON, record by record', () => {
    const lines = write(asked, 'ndjson')
      .text.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Fields)
    expect(lines.pop()).toEqual({ end: true, ...json.end })
    const of = (...kinds: string[]) =>
      lines
        .filter(({ record }) => kinds.includes(String(record)))
        .map(({ record, ...fields }) => ({ record, fields }))
    const fields = (kind: string) => of(kind).map((each) => each.fields)
    expect(
      of('molecule', 'reaction').map(({ record, fields }) => ({ kind: record, ...fields })),
    ).toEqual(json.nodes)
    expect(fields('edge')).toEqual(json.edges)
    expect(fields('irreducible_raf')).toEqual(json.irreducible_rafs)
    expect(fields('cycle')).toEqual(json.cycles)
    expect(fields('summary')).toEqual([json.summary])
    expect(lines.length).toBe(json.end.rows)
    for (const { record, ...rest } of lines) {
      expect(Object.keys(rest)).toEqual(
        COLUMNS[record as keyof typeof COLUMNS].map(({ name }) => name),
      )
    }
  })

  test('is the same as GraphML, parsed by its keys', () => {
    expect(parseGraphml(write(asked, 'graphml').text)).toEqual({
      dataset_type: json.dataset_type,
      params: json.params,
      nodes: json.nodes,
      edges: json.edges,
      irreducible_rafs: json.irreducible_rafs,
      cycles: json.cycles,
      summary: json.summary,
    })
  })

  test('tells of itself what it is', () => {
    const count = (flag: string, kind: string) =>
      json.nodes.filter((node) => node.kind === kind && node[flag]).length
    const { summary } = json
    expect(summary).toMatchObject({
      molecules: json.nodes.filter(({ kind }) => kind === 'molecule').length,
      reactions: json.nodes.filter(({ kind }) => kind === 'reaction').length,
      food_molecules: count('in_food', 'molecule'),
      closure_molecules: count('in_closure', 'molecule'),
      max_raf_reactions: count('in_max_raf', 'reaction'),
      max_raf_molecules: count('in_max_raf', 'molecule'),
      irreducible_rafs: json.irreducible_rafs.length,
      cycles: json.cycles.length,
    })
    expect(summary.max_raf_reactions).toBeGreaterThan(0)
    expect(json.irreducible_rafs.length).toBeGreaterThan(0)
    const inRaf = new Set(json.nodes.filter((node) => node.in_max_raf).map(({ id }) => id))
    for (const { reactions, molecules = [] } of [...json.irreducible_rafs, ...json.cycles]) {
      for (const id of [...(reactions as string[]), ...(molecules as string[])])
        expect(inRaf).toContain(id)
    }
    expect(json.end).toMatchObject({ reactions: summary.reactions, rows: expect.any(Number) })
    expect(autocatalysisNetwork.reserved(autocatalysisNetwork.params.parse(asked))).toBe(
      summary.reactions,
    )
  })
})

test('a scenario starts with its food, and a reversible reaction and its reverse have the same catalysts', () => {
  const { nodes, edges } = document({ network: 'miller_urey', catalysis_level: 3 })
  const { species } = networkOf('miller_urey')
  for (const { id, kind, in_food } of nodes) {
    if (kind === 'molecule') expect(in_food).toBe((species[String(id)]?.initial ?? 0) > 0)
  }
  const catalysts = (id: string) =>
    edges
      .filter(({ target, role }) => role === 'catalyst' && target === id)
      .map(({ source }) => source)
  for (const [one, other] of [
    ['m4', 'm5'],
    ['m6', 'm7'],
    ['m8', 'm9'],
  ] as const) {
    expect(catalysts(one)).toEqual(catalysts(other))
  }
  expect(catalysts('m1')).not.toEqual(catalysts('m4'))
})

test.each([
  [{}, 1032, 126, 6],
  [{ alphabet_size: 3, max_length: 4, food_length: 1 }, 2 * (9 + 54 + 243), 120, 3],
] as const)(
  'the polymers of %o are as many as they must be',
  (asked, reactions, molecules, food_molecules) => {
    expect(document(asked).summary).toMatchObject({ reactions, molecules, food_molecules })
  },
)

test('a molecule catalyses as many reactions as the level says, in the mean', () => {
  const level = 1.7
  const draws = Array.from({ length: 60 }, (_, seed) =>
    Number(
      document({ catalysis_level: level, irreducible_samples: 0, max_cycles: 0, seed }).summary
        .catalyses,
    ),
  )
  const mean = draws.reduce((sum, each) => sum + each, 0) / draws.length
  // Binomial: 126 molecules, 516 pairs of reactions.
  const deviation = Math.sqrt((126 * level * (1 - level / 516)) / draws.length)
  expect(Math.abs(mean - 126 * level)).toBeLessThan(3 * deviation)
  const spread = draws.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (draws.length - 1)
  expect(spread / (126 * level)).toBeGreaterThan(0.5)
  expect(spread / (126 * level)).toBeLessThan(1.7)
})

test('without catalysis there is nothing to be found, and every format is still whole', () => {
  const asked = { network: 'formamide', catalysis_level: 0 } as const
  expect(document(asked)).toMatchObject({
    irreducible_rafs: [],
    cycles: [],
    summary: {
      catalyses: 0,
      max_raf_reactions: 0,
      smallest_irreducible_raf: 0,
      cycles_complete: true,
    },
  })
  expect(parseGraphml(write(asked, 'graphml').text)).toMatchObject({
    irreducible_rafs: [],
    cycles: [],
  })
})

test.each([Number.MIN_VALUE, 1e-18, 1e-14, 1e-12])(
  'a level of %d ends, with nothing catalysed',
  (catalysis_level) => {
    expect(document({ catalysis_level }).summary).toMatchObject({ catalyses: 0 })
  },
)

describe('the lines', () => {
  test.each(FORMATS)('of %s: all but the last in the pieces, the end in the last', (format) => {
    const { body, last, end } = write({}, format, true)
    expect(body.endsWith('\n')).toBe(true)
    expect(last.indexOf('\n')).toBe(last.length - 1)
    expect(last).toContain(JSON.stringify(end).slice(1, -1))
    expect(end.sample).toBe(true)
    expect(write({}, format).text).not.toContain('"sample":')
  })

  test.each(FORMATS)('of %s are paid for as they come, a few at a time', (format) => {
    const params = { ...autocatalysisNetwork.params.parse({}), seed: 3 }
    const pieces = [...autocatalysisNetwork.write(params, format).pieces]
    expect(pieces.length).toBeGreaterThan(50)
    expect(Math.max(...pieces.map(({ reactions }) => reactions))).toBeLessThan(100)
    expect(Math.max(...pieces.map(({ text }) => text.length))).toBeLessThan(20_000)
    expect(pieces.reduce((sum, { reactions }) => sum + reactions, 0)).toBe(1032)
  })

  test('say in JSON’s head what they are of, in the schema’s order', () => {
    const { params, sample, directed, multigraph } = document(
      { network: 'formamide', seed: 5 },
      true,
    )
    expect(Object.keys(params)).toEqual([
      ...Object.keys(autocatalysisNetwork.params.parse({})),
      'seed',
    ])
    expect({ sample, directed, multigraph }).toEqual({
      sample: true,
      directed: true,
      multigraph: true,
    })
    expect(document({}).sample).toBeUndefined()
  })
})

describe('what is asked for', () => {
  const refused = (asked: object) =>
    autocatalysisNetwork.params
      .safeParse(asked)
      .error?.issues.map(({ path, message }) => [path.join('.'), message])

  test('is refused where the network is larger than allowed, with what it needs', () => {
    expect(refused({ max_length: 9 })).toEqual([
      ['max_reactions', expect.stringContaining('14344')],
    ])
    expect(refused({ max_length: 9, max_reactions: 14_344 })).toBeUndefined()
    expect(refused({ max_length: 13, max_reactions: 200_000 })?.[0]?.[0]).toBe('max_length')
    expect(refused({ alphabet_size: 4, max_length: 12 })?.[0]?.[0]).toBe('max_reactions')
  })

  test('is refused where it has no meaning', () => {
    expect(refused({ max_length: 4, food_length: 4 })?.[0]?.[0]).toBe('food_length')
    expect(refused({ network: 'miller_urey', catalysis_level: 8 })).toBeUndefined()
    expect(refused({ network: 'miller_urey', catalysis_level: 8.1 })?.[0]?.[0]).toBe(
      'catalysis_level',
    )
    expect(refused({ catalisys_level: 1 })?.[0]?.[1]).toContain('"catalysis_level"')
    expect(refused({ catalysis_level: -1 })?.[0]?.[0]).toBe('catalysis_level')
  })

  test('by default, and in the sample, is in every plan', () => {
    const { limits, params, sample } = autocatalysisNetwork
    for (const asked of [params.parse({}), sample]) {
      for (const tier of Object.values(limits)) {
        for (const [name, [least, most]] of Object.entries(tier)) {
          const value = Number(asked[name as keyof typeof asked])
          expect(value).toBeGreaterThanOrEqual(least)
          expect(value).toBeLessThanOrEqual(most)
        }
      }
    }
    expect(params.parse(sample)).toEqual(sample)
  })
})

/** What a reader of GraphML gets: attributes by their keys' names, in their keys' types. */
function parseGraphml(text: string): Record<string, unknown> {
  const xml = new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, 'text/xml')
  const root = xml.documentElement as Element
  expect([root.localName, root.namespaceURI]).toEqual([
    'graphml',
    'http://graphml.graphdrawing.org/xmlns',
  ])
  const children = (of: Element, name: string) =>
    Array.from(of.childNodes).filter((each): each is Element => each.nodeName === name)
  const get = (of: Element, name: string) => of.getAttribute(name) ?? ''
  const keys = new Map(
    children(root, 'key').map((key) => [
      get(key, 'id'),
      { of: get(key, 'for'), name: get(key, 'attr.name'), type: get(key, 'attr.type') },
    ]),
  )
  expect(keys.size).toBe(children(root, 'key').length)
  function data(of: Element): Fields {
    const pairs = children(of, 'data').map((each): [string, Value] => {
      const key = keys.get(get(each, 'key'))
      const value = each.textContent ?? ''
      expect(key?.of).toBe(of.nodeName)
      const typed: Record<string, Value> = {
        int: Number(value),
        boolean: value === 'true',
        string: value,
      }
      return [key?.name ?? '', typed[key?.type ?? ''] ?? '']
    })
    return Object.fromEntries(pairs)
  }
  const [graph, ...more] = children(root, 'graph')
  if (graph === undefined || more.length > 0) throw new Error('Not one graph')
  expect(get(graph, 'edgedefault')).toBe('directed')
  const { dataset_type, params, irreducible_raf_list, cycle_list, ...summary } = data(graph)
  return {
    dataset_type,
    params: JSON.parse(String(params)),
    nodes: children(graph, 'node').map((node) => {
      const { kind, ...rest } = data(node)
      return { kind, id: get(node, 'id'), ...rest }
    }),
    edges: children(graph, 'edge').map((edge) => ({
      source: get(edge, 'source'),
      target: get(edge, 'target'),
      ...data(edge),
    })),
    irreducible_rafs: JSON.parse(String(irreducible_raf_list)),
    cycles: JSON.parse(String(cycle_list)),
    summary,
  }
}
