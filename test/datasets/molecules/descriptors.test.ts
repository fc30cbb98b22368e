// Mass, complexity and novelty, recomputed another way.
import { Molecule as Library } from 'openchemlib'
import { describe, expect, test } from 'vitest'
import {
  bertzComplexity,
  environments,
  noveltyScore,
} from '../../../src/datasets/molecules/descriptors.ts'
import { KNOWN_MOLECULES } from '../../../src/datasets/molecules/known-molecules.ts'
import {
  atomCounts,
  bondOrder,
  exactMass,
  formulaText,
  type Molecule,
} from '../../../src/datasets/molecules/molecule.ts'
import { FOOD } from '../../../src/datasets/molecules/scenarios.ts'
import { parseSmiles } from '../../../src/datasets/molecules/smiles.ts'
import { SCENARIOS } from '../../../src/datasets/scenario.ts'
import { rows } from './read.ts'

describe('formula and exact mass', () => {
  // PubChem's monoisotopic masses.
  test.each([
    ['NCC(O)=O', 'C2H5NO2', 75.032028],
    ['NC1=NC=NC2=C1N=CN2', 'C5H5N5', 135.054495],
    ['[C-]#[O+]', 'CO', 27.994915],
    ['[H][H]', 'H2', 2.01565],
    ['CC(=O)S', 'C2H4OS', 75.998286],
    ['N', 'H3N', 17.026549],
    ['S', 'H2S', 33.987721],
    ['O=C=O', 'CO2', 43.989829],
  ])('of %s', (smiles, formula, mass) => {
    const counts = atomCounts(parseSmiles(smiles))
    expect(formulaText(counts)).toBe(formula)
    expect(Math.abs(exactMass(counts) - mass)).toBeLessThan(1.5e-6)
  })
})

/** All renumberings of the atoms that keep kinds and bonds. */
function automorphisms(molecule: Molecule): number[][] {
  const found: number[][] = []
  const atoms = [...molecule.kinds.keys()]
  const extend = (image: number[]): void => {
    const atom = image.length
    if (atom === atoms.length) found.push(image)
    else {
      for (const to of atoms) {
        if (image.includes(to) || molecule.kinds[to] !== molecule.kinds[atom]) continue
        const keeps = image.every(
          (t, a) => bondOrder(molecule, a, atom) === bondOrder(molecule, t, to),
        )
        if (keeps) extend([...image, to])
      }
    }
  }
  extend([])
  return found
}

/** Bertz' complexity from the pairs of edges of the multigraph and their true orbits. */
function bertzByOrbits(molecule: Molecule): number {
  const edges: [number, number][] = []
  for (const a of molecule.kinds.keys()) {
    for (const b of molecule.kinds.keys()) {
      for (let i = 0; a < b && i < bondOrder(molecule, a, b); i += 1) edges.push([a, b])
    }
  }
  const group = automorphisms(molecule)
  const classes = new Map<string, number>()
  let eta = 0
  for (const [i, one] of edges.entries()) {
    for (const other of edges.slice(i + 1)) {
      if (!one.some((atom) => other.includes(atom))) continue
      eta += 1
      // The orbit's name: the least of the pair's images.
      const images = group.map((image) =>
        [one, other]
          .map((edge) =>
            edge
              .map((atom) => String(image[atom]).padStart(2, '0'))
              .sort()
              .join(),
          )
          .sort()
          .join(';'),
      )
      const name = images.sort()[0] ?? ''
      classes.set(name, (classes.get(name) ?? 0) + 1)
    }
  }
  const xlog = (n: number) => (n > 0 ? n * Math.log2(n) : 0)
  const kinds = new Map<number, number>()
  for (const kind of molecule.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  const total = (counts: Iterable<number>) => [...counts].reduce((sum, n) => sum + xlog(n), 0)
  return (
    2 * xlog(eta) - total(classes.values()) + xlog(molecule.kinds.length) - total(kinds.values())
  )
}

describe('complexity', () => {
  // C(eta) by hand: propane one connection; butane two alike; isobutane three alike; neopentane six alike.
  test.each([
    ['C', 0],
    ['CC', 0],
    ['CCC', 0],
    ['CCCC', 2],
    ['CC(C)C', 3 * Math.log2(3)],
    ['CC(C)(C)C', 6 * Math.log2(6)],
    ['C=C', 0],
    ['C#C', 3 * Math.log2(3)],
    ['C1CCCCC1', 6 * Math.log2(6)],
    ['C=O', 2],
    ['[H][H]', 0],
    // Three within the triple bond, two atoms of two elements.
    ['[C-]#[O+]', 3 * Math.log2(3) + 2],
  ])('of %s is known', (smiles, bits) => {
    expect(bertzComplexity(parseSmiles(smiles))).toBeCloseTo(bits, 3)
  })

  test('is that of the pairs of bonds and their orbits under all automorphisms', () => {
    let seen = 0
    for (const scenario of SCENARIOS) {
      for (const row of rows({ scenario, max_heavy_atoms: 10, max_molecules: 300 })) {
        if (/^\[/.test(row.smiles)) continue
        expect(`${row.smiles} ${row.complexity.toFixed(2)}`).toBe(
          `${row.smiles} ${(Math.round(bertzByOrbits(parseSmiles(row.smiles)) * 1000) / 1000).toFixed(2)}`,
        )
        seen += 1
      }
    }
    expect(seen).toBeGreaterThan(500)
  })
})

/** Environments as nested text, of what the library says of each atom. */
function libraryEnvironments(smiles: string): Set<string> {
  const molecule = Library.fromSmiles(smiles)
  const atoms = Array.from({ length: molecule.getAllAtoms() }, (_, i) => i)
  molecule.ensureHelperArrays(Library.cHelperRings)
  let texts = atoms.map((atom) =>
    [
      molecule.getAtomicNo(atom),
      molecule.getConnAtoms(atom),
      molecule.getAllHydrogens(atom),
      molecule.isRingAtom(atom),
      molecule.getAtomCharge(atom),
    ].join(),
  )
  const all = new Set(texts)
  for (let radius = 1; radius <= 2; radius += 1) {
    texts = texts.map((own, atom) => {
      const around = Array.from(
        { length: molecule.getConnAtoms(atom) },
        (_, i) => texts[molecule.getConnAtom(atom, i)],
      )
      return `${radius}(${own}|${around.sort().join('|')})`
    })
    for (const text of texts) all.add(text)
  }
  return all
}

describe('novelty', () => {
  test('is 1 less the highest Tanimoto similarity, by the library’s view of the atoms', () => {
    for (const scenario of SCENARIOS) {
      // CO is charged for the library alone, and hydrogen has no heavy atoms.
      const plain = (smiles: string) => !smiles.startsWith('[')
      const references = [...FOOD[scenario], ...KNOWN_MOLECULES.split(' ')]
        .filter(plain)
        .map(libraryEnvironments)
      for (const row of rows({ scenario, max_molecules: 150 }).filter(({ smiles }) =>
        plain(smiles),
      )) {
        const own = libraryEnvironments(row.smiles)
        const similarities = references.map((other) => {
          const shared = [...own].filter((text) => other.has(text)).length
          return shared / new Set([...own, ...other]).size
        })
        expect(`${row.smiles} ${row.novelty_score}`).toBe(
          `${row.smiles} ${Math.round((1 - Math.max(...similarities)) * 1e4) / 1e4}`,
        )
      }
    }
  })

  test('is 0 for what is known and above for what is not, whichever Kekulé form shows it', () => {
    const references = KNOWN_MOLECULES.split(' ').map(parseSmiles).map(environments)
    for (const smiles of ['NCC(O)=O', 'NC1=NC=NC2=C1N=CN2', 'NC=1N=CN=C2NC=NC12']) {
      expect(noveltyScore(parseSmiles(smiles), references)).toBe(0)
    }
    expect(noveltyScore(parseSmiles('OCC(S)CC#N'), references)).toBeGreaterThan(0.3)
  })

  test('is measured against molecules that the library can read, each once', () => {
    const known = KNOWN_MOLECULES.split(' ')
    const codes = known.map((smiles) => Library.fromSmiles(smiles).getIDCode())
    expect(new Set(codes).size).toBe(known.length)
    expect(known.length).toBe(50)
  })
})
