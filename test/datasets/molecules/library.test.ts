// What the data set says of its molecules, against a chemistry library that shares no code with it.
import { Molecule } from 'openchemlib'
import { describe, expect, test } from 'vitest'
import { canonicalSmiles } from '../../../src/datasets/molecules/canonical.ts'
import { hydrogens } from '../../../src/datasets/molecules/molecule.ts'
import { parseSmiles } from '../../../src/datasets/molecules/smiles.ts'
import { SCENARIOS } from '../../../src/datasets/scenario.ts'
import { rows } from './read.ts'

const SIZES = [
  ['default size', {}],
  ['rings and long chains', { max_molecules: 900, max_heavy_atoms: 16, generations: 8 }],
] as const

describe.each(SIZES)('at %s', (_name, input) => {
  const all = SCENARIOS.flatMap((scenario) => rows({ ...input, scenario }))
  const parsed = all.map((row) => ({ row, library: Molecule.fromSmiles(row.smiles) }))

  test('there is something to look at', () => {
    expect(all.length).toBeGreaterThan(1000)
    expect(all.filter((row) => /\d/.test(row.smiles)).length).toBeGreaterThan(10)
  })

  test('the library reads the same formula: hydrogen and so valences are right', () => {
    for (const { row, library } of parsed) {
      expect(`${row.smiles} ${row.formula}`).toBe(
        `${row.smiles} ${library.getMolecularFormula().formula}`,
      )
      const molecule = parseSmiles(row.smiles)
      for (const atom of molecule.kinds.keys()) {
        expect(hydrogens(molecule, atom)).toBeGreaterThanOrEqual(0)
      }
    }
  })

  test('masses are the library’s', () => {
    for (const { row, library } of parsed) {
      const { absoluteWeight } = library.getMolecularFormula()
      expect(Math.abs(row.exact_mass - absoluteWeight)).toBeLessThan(2e-5)
    }
  })

  test('two molecules are the same for the library exactly when their SMILES are', () => {
    const bySmiles = new Map<string, string>()
    const byCode = new Map<string, string>()
    for (const { row, library } of parsed) {
      const code = library.getIDCode()
      expect(bySmiles.get(row.smiles) ?? code).toBe(code)
      expect(byCode.get(code) ?? row.smiles).toBe(row.smiles)
      bySmiles.set(row.smiles, code)
      byCode.set(code, row.smiles)
    }
    expect(byCode.size).toBe(bySmiles.size)
  })

  test('no molecule comes twice', () => {
    for (const scenario of SCENARIOS) {
      const smiles = all.filter((row) => row.scenario === scenario).map((row) => row.smiles)
      expect(new Set(smiles).size).toBe(smiles.length)
    }
  })

  test('SMILES that the library writes of them come back as ours', () => {
    for (const { row, library } of parsed) {
      // Aromatic atoms are not our grammar, and the library writes no Kekulé forms.
      const theirs = library.toSmiles()
      if (/[a-z]|\[/.test(theirs)) continue
      expect(canonicalSmiles(parseSmiles(theirs))).toBe(row.smiles)
    }
  })
})
