// One molecule, one string: however its atoms are numbered and its double bonds are drawn.
import fc from 'fast-check'
import { Molecule as Library } from 'openchemlib'
import { describe, expect, test } from 'vitest'
import { canonicalSmiles } from '../../../src/datasets/molecules/canonical.ts'
import {
  addAtom,
  addBond,
  bondOrder,
  emptyMolecule,
  hydrogens,
  type Molecule,
} from '../../../src/datasets/molecules/molecule.ts'
import { parseSmiles } from '../../../src/datasets/molecules/smiles.ts'

/** Connected, valence-correct graphs: a tree, then bonds that close rings or rise in order. */
const molecules = fc
  .record({
    kinds: fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3), { minLength: 1, maxLength: 11 }),
    choices: fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
    extra: fc.nat({ max: 5 }),
  })
  .map(({ kinds, choices, extra }) => {
    const molecule = emptyMolecule()
    const pick = (i: number, of: readonly number[]) => of[(choices[i] ?? 0) % of.length]
    for (const [i, kind] of kinds.entries()) {
      const open = [...molecule.kinds.keys()].filter((atom) => hydrogens(molecule, atom) > 0)
      const to = pick(i, open)
      if (i > 0 && to === undefined) break
      const atom = addAtom(molecule, kind)
      if (to !== undefined) addBond(molecule, to, atom, 1)
    }
    for (let i = 0; i < extra; i += 1) {
      const open = [...molecule.kinds.keys()].filter((atom) => hydrogens(molecule, atom) > 0)
      const [a, b] = [pick(12 + i, open), pick(20 + i, open)]
      if (a === undefined || b === undefined || a === b) continue
      const order = bondOrder(molecule, a, b)
      if (order === 0) addBond(molecule, a, b, 1)
      else if (order < 3) {
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          const orders = molecule.orders[from] ?? []
          orders[molecule.neighbours[from]?.indexOf(to) ?? -1] = order + 1
        }
      }
    }
    return molecule
  })

/** The same molecule with its atoms in another order. */
function renumbered(molecule: Molecule, keys: readonly number[]): Molecule {
  const order = [...molecule.kinds.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || b - a)
  const next = emptyMolecule()
  for (const atom of order) addAtom(next, molecule.kinds[atom] ?? 0)
  for (const [i, a] of order.entries()) {
    for (const [j, b] of order.entries()) {
      const bond = bondOrder(molecule, a, b)
      if (j < i && bond > 0) addBond(next, j, i, bond)
    }
  }
  return next
}

const keys = fc.array(fc.nat(), { minLength: 32, maxLength: 32 })

describe('the canonical SMILES', () => {
  test('does not depend on the numbering of atoms', () => {
    fc.assert(
      fc.property(molecules, keys, (molecule, order) => {
        expect(canonicalSmiles(renumbered(molecule, order))).toBe(canonicalSmiles(molecule))
      }),
      { numRuns: 1500, seed: 1 },
    )
  })

  test('reads back as the same molecule', () => {
    fc.assert(
      fc.property(molecules, (molecule) => {
        const text = canonicalSmiles(molecule)
        const again = parseSmiles(text)
        expect([...again.kinds].sort()).toEqual([...molecule.kinds].sort())
        expect(canonicalSmiles(again)).toBe(text)
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  test.each([
    'C1CCCCC1',
    'C1CC2CCC1CC2',
    'C12C3C4C1C5C2C3C45',
    'C1CC2CCC1C2',
    'CC(C)(C)C(C)(C)C',
    'C1CC1C2CC2',
    'C1CCC2CCCCC2C1',
    'OC1CC2CC(C1)C2',
    'C1CC12CC2',
    'CC1CC(C)C1',
    'CC1C(C)CC1',
  ])(
    'of %s is one for all numberings, though refinement alone cannot tell its atoms apart',
    (smiles) => {
      const molecule = parseSmiles(smiles)
      const wanted = canonicalSmiles(molecule)
      expect(Library.fromSmiles(wanted).getIDCode()).toBe(Library.fromSmiles(smiles).getIDCode())
      fc.assert(
        fc.property(keys, (order) => {
          expect(canonicalSmiles(renumbered(molecule, order))).toBe(wanted)
        }),
        { numRuns: 60, seed: 3 },
      )
    },
  )

  test('tells graphs apart that refinement cannot: decalin’s skeleton and two five-rings joined', () => {
    const [decalin, bicyclopentyl] = ['C1CCC2CCCCC2C1', 'C1CCCC1C2CCCC2'].map(parseSmiles)
    expect(canonicalSmiles(decalin ?? emptyMolecule())).not.toBe(
      canonicalSmiles(bicyclopentyl ?? emptyMolecule()),
    )
  })

  test.each([
    ['CC1=C(O)C=CC=C1', 'CC=1C(O)=CC=CC1'],
    ['NC1=NC=NC2=C1N=CN2', 'NC=1N=CN=C2NC=NC12'],
    ['CC1=NC=CC=C1', 'CC=1N=CC=CC1'],
    ['C1=CC=C2C=CC=CC2=C1', 'C=1C=CC2=CC=CC=C2C1'],
    ['NC1=NC(=O)NC2=C1N=CN2', 'NC1=NC(=O)NC2=C1N=CN2'],
  ])('of %s is that of its other Kekulé form %s', (one, other) => {
    expect(Library.fromSmiles(one).getIDCode()).toBe(Library.fromSmiles(other).getIDCode())
    expect(canonicalSmiles(parseSmiles(one))).toBe(canonicalSmiles(parseSmiles(other)))
  })

  test('keeps tautomers and isomers apart', () => {
    const different = [
      'CC=O',
      'C=CO',
      'C1CO1',
      'NC1=C(C#N)N=CN1',
      'NC1=C(C#N)NC=N1',
      'NC=N',
      'N=CN',
    ]
    const texts = different.map((smiles) => canonicalSmiles(parseSmiles(smiles)))
    expect(new Set(texts).size).toBe(6)
  })

  test('writes what has no heavy atoms or a charge as everybody does', () => {
    for (const text of ['[H][H]', '[C-]#[O+]', 'C', 'N', 'O', 'S']) {
      expect(canonicalSmiles(parseSmiles(text))).toBe(text)
    }
  })
})

describe('what is not SMILES', () => {
  test.each(['C1CC', 'C(C', 'C=', 'CX', 'C[N+]', 'C$C', 'c1ccccc1'])('%s is refused', (text) => {
    expect(() => parseSmiles(text)).toThrow()
  })
})
