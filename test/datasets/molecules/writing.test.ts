// The data set as text: whole lines, the same rows in each format, the same bytes each time.
import { describe, expect, test } from 'vitest'
import type { Format } from '../../../src/datasets/dataset-type.ts'
import { novelMolecules } from '../../../src/datasets/molecules/novel-molecules.ts'
import { MOLECULE_LIMITS, moleculeParams } from '../../../src/datasets/molecules/params.ts'
import { SCENARIOS } from '../../../src/datasets/scenario.ts'
import { csvRecords, pieceText } from '../read.ts'
import { END, elements, rows, settled, text } from './read.ts'

const FORMATS = ['ndjson', 'json', 'csv'] as const
const NAMES = novelMolecules.records.molecule?.map(({ name }) => name) ?? []

describe('each format', () => {
  test.each(SCENARIOS)('has the rows of the others: %s', (scenario) => {
    const input = { scenario, max_molecules: 80 }
    const wanted = rows(input)
    const json = JSON.parse(text(input, 'json')) as { rows: unknown }
    expect(json.rows).toEqual(wanted)
    const [names = [], ...records] = csvRecords(text(input, 'csv'))
    expect(names).toEqual(NAMES)
    expect(records.pop()?.[0]).toMatch(/^# end rows=/)
    expect(records).toEqual(
      wanted.map((row) =>
        Object.values(row).map((cell) => (Array.isArray(cell) ? cell.join('.') : String(cell))),
      ),
    )
  })

  test('has a # in CSV only within quotes, so that a reader may take another for the begin of a comment', () => {
    const lines = text({ max_molecules: 80 }, 'csv').trimEnd().split('\r\n').slice(0, -1)
    expect(lines.filter((line) => line.includes('#')).length).toBeGreaterThan(20)
    for (const line of lines) expect(line.replaceAll(/"[^"]*"/g, '')).not.toContain('#')
  })

  test('says in its last line how it ends, and which is a sample', () => {
    const last = (format: Format, sample: boolean) =>
      (text({ max_molecules: 3 }, format, sample).trimEnd().split('\n').at(-1) ?? '').trim()
    expect(JSON.parse(last('ndjson', false))).toEqual({ end: true, ...END })
    expect(JSON.parse(last('ndjson', true))).toEqual({ end: true, ...END, sample: true })
    const json = (sample: boolean) =>
      JSON.parse(text({ max_molecules: 3 }, 'json', sample)) as object
    expect(json(false)).toMatchObject({ dataset_type: 'novel_molecules', end: END })
    expect(json(false)).not.toHaveProperty('sample')
    expect(json(true)).toMatchObject({ sample: true, end: { ...END, sample: true } })
    const comment = `# end rows=3 reactions=2 seed=7 algorithm=rule-expansion-1 sha256=${END.sha256}`
    expect(last('csv', false)).toBe(comment + ','.repeat(NAMES.length - 1))
    expect(last('csv', true)).toBe(`${comment} sample=true${','.repeat(NAMES.length - 1)}`)
  })

  test.each(FORMATS)('ends each line but the last before the closing: %s', (format) => {
    const { pieces, closing } = novelMolecules.write(settled({ max_molecules: 5 }), format)
    expect([...pieces].map(pieceText).join('')).toMatch(/\n$/)
    expect(closing(END)).toMatch(/^[^\n]+\n$/)
  })

  test.each(FORMATS)('is the same bytes each time, and others for another seed: %s', (format) => {
    expect(text({ seed: 5 }, format)).toBe(text({ seed: 5 }, format))
    expect(text({ seed: 6 }, format)).not.toBe(text({ seed: 5 }, format))
  })

  // Whoever changes these bytes gives the algorithm a new number, and these their new hashes.
  test.each([
    ['miller_urey', '861f322b5ab766f49a962f39d044826f536e6f59d80fcccd2f0cf50377b5262b'],
    ['formamide', 'aebc3e9b1f81db5b26a597eec90ab176fc564ed343f0f8cb4c6b8eb4840dae7e'],
    ['alkaline_hydrothermal', '91f446183935f4025e4e4ce34cfe499110697290998cf802cb69a7607bbbc85a'],
  ] as const)('is what rule-expansion-1 stands for: %s', async (scenario, sha256) => {
    expect(novelMolecules.algorithm).toBe('rule-expansion-1')
    const bytes = new TextEncoder().encode(text({ scenario, seed: 7 }))
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    expect([...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(sha256)
  })

  test('shows all parameters, in one order whoever named the seed', () => {
    const params = settled({ max_molecules: 3, seed: 7 })
    const json = JSON.parse(text({ seed: 7, max_molecules: 3 }, 'json')) as { params: object }
    expect(json.params).toEqual(params)
    const { seed, ...rest } = params
    const [one, other] = [
      { seed, ...rest },
      { ...rest, seed },
    ].map((each) => [...novelMolecules.write(each, 'json').pieces].map(pieceText).join(''))
    expect(one).toBe(other)
  })
})

describe('the pieces', () => {
  test('tell all rows and reactions, and never more than are reserved', () => {
    for (const max_reactions of [1, 40, 2000]) {
      const params = settled({ max_reactions, max_molecules: 3000 })
      const pieces = [...novelMolecules.write(params, 'ndjson').pieces]
      const sum = (of: 'rows' | 'reactions') =>
        pieces.reduce((total, piece) => total + piece[of], 0)
      expect(sum('reactions')).toBe(max_reactions)
      expect(novelMolecules.reserved(params)).toBe(max_reactions)
      expect(sum('rows')).toBe(pieces.map(pieceText).join('').trimEnd().split('\n').length)
    }
  })

  test('do not keep a row back while others are searched for in vain', () => {
    // Few molecules of so many heavy atoms are not known in the end: rows come seldom.
    const sparse = { scenario: 'alkaline_hydrothermal', max_heavy_atoms: 7 } as const
    const params = settled({
      ...sparse,
      generations: 12,
      max_molecules: 2000,
      max_reactions: 50_000,
    })
    const pieces = [...novelMolecules.write(params, 'ndjson').pieces]
    const [last, ...earlier] = pieces.filter(({ rows }) => rows > 0).reverse()
    expect(earlier.length).toBeGreaterThan(3)
    expect(Math.min(...earlier.map(({ utf8 }) => utf8?.length ?? 0))).toBeLessThan(2_000)
    expect(last?.rows).toBeGreaterThan(0)
  })

  test('have the reactions up to their last row, and no more, in each piece', () => {
    const pieces = [...novelMolecules.write(settled({}), 'ndjson').pieces]
    expect(pieces.length).toBeGreaterThan(2)
    let fired = 0
    for (const [i, piece] of pieces.entries()) {
      fired += piece.reactions
      if (piece.rows === 0) continue
      const rows = pieceText(piece).trimEnd().split('\n')
      expect(rows.length).toBe(piece.rows)
      const { first_step } = JSON.parse(rows.at(-1) ?? '') as { first_step: number }
      if (i < pieces.length - 1) expect(fired).toBe(first_step)
    }
  })
})

describe('a row', () => {
  test('has the columns that the schema names, of their types', () => {
    for (const row of rows()) {
      expect(Object.keys(row)).toEqual(NAMES)
      for (const { name, type } of novelMolecules.records.molecule ?? []) {
        const value: unknown = row[name as keyof typeof row]
        const is = {
          integer: Number.isSafeInteger(value),
          number: Number.isFinite(value),
          string: typeof value === 'string',
          boolean: typeof value === 'boolean',
          array: Array.isArray(value),
        }
        expect(is[type]).toBe(true)
      }
      expect(row.novelty_score).toBeGreaterThanOrEqual(0)
      expect(row.novelty_score).toBeLessThanOrEqual(1)
      expect([...elements(row.formula).keys()].join('')).toMatch(/^C?H?N?O?S?$/)
    }
  })
})

describe('the parameters', () => {
  test('have defaults that give some hundreds of molecules of each scenario', () => {
    expect(moleculeParams.parse({})).toEqual({
      scenario: 'miller_urey',
      max_molecules: 500,
      max_reactions: 2000,
      generations: 6,
      max_heavy_atoms: 10,
    })
    for (const scenario of SCENARIOS) expect(rows({ scenario }).length).toBeGreaterThan(150)
  })

  test('are refused beyond the largest tier’s limits, and by names nobody knows', () => {
    for (const [name, [least, most]] of Object.entries(MOLECULE_LIMITS.pro)) {
      expect(moleculeParams.safeParse({ [name]: least }).success).toBe(true)
      expect(moleculeParams.safeParse({ [name]: most }).success).toBe(true)
      for (const value of [least - 1, most + 1, least + 0.5, '1']) {
        expect(moleculeParams.safeParse({ [name]: value }).success).toBe(false)
      }
    }
    const { error } = moleculeParams.safeParse({ max_molecule: 3 })
    expect(error?.issues[0]?.message).toContain('"max_molecules"')
  })

  test('of a larger tier allow what a smaller one does', () => {
    const { hobby, research, pro } = MOLECULE_LIMITS
    for (const [small, large] of [
      [hobby, research],
      [research, pro],
    ] as const) {
      expect(Object.keys(small)).toEqual(Object.keys(large))
      for (const [name, [least, most]] of Object.entries(small)) {
        expect(large[name]?.[0]).toBeLessThanOrEqual(least)
        expect(large[name]?.[1]).toBeGreaterThanOrEqual(most)
      }
    }
    const params = moleculeParams.parse({})
    for (const [name, [least, most]] of Object.entries(hobby)) {
      const preset = params[name as keyof typeof params]
      expect(preset).toBeGreaterThanOrEqual(least)
      expect(preset).toBeLessThanOrEqual(most)
    }
  })

  test('of the sample are allowed to all', () => {
    expect(moleculeParams.parse(novelMolecules.sample)).toEqual(novelMolecules.sample)
    expect(rows(novelMolecules.sample).length).toBeGreaterThan(15)
  })
})
