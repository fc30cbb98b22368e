// A molecule as a graph of its heavy atoms: hydrogen fills what the bonds leave of each valence.

/**
 * Kinds of atom, by index. `Q` is the carbon of carbon monoxide, written `[C-]#[O+]` but kept as a
 * divalent carbon at a double bond; `H` stands for a molecule of hydrogen: one atom, one implicit.
 */
export const KINDS = 'CNOSQH'
const VALENCES = [4, 3, 2, 2, 2, 1]
export const [C, N, O, S, Q, H] = [0, 1, 2, 3, 4, 5] as const

/** Elements of formulas, in Hill's order when carbon is there; without it they are alphabetical too. */
const ELEMENTS = ['C', 'H', 'N', 'O', 'S'] as const
/** By kind: its index in ELEMENTS. */
const ELEMENT_OF = [0, 2, 3, 4, 0, 1]
/**
 * Masses of 12C, 1H, 14N, 16O and 32S in nanodaltons, as integers: AME2020, Wang et al. (2021),
 * Chinese Phys. C 45:030003.
 */
const NANODALTONS = [12_000_000_000, 1_007_825_032, 14_003_074_004, 15_994_914_619, 31_972_071_174]

export interface Molecule {
  /** By atom: index into KINDS. */
  readonly kinds: number[]
  /** By atom: its neighbours, in the order in which the bonds were added. */
  readonly neighbours: number[][]
  /** By atom: the orders of its bonds, beside `neighbours`. */
  readonly orders: number[][]
}

export function emptyMolecule(): Molecule {
  return { kinds: [], neighbours: [], orders: [] }
}

/** The new atom's index. */
export function addAtom(molecule: Molecule, kind: number): number {
  molecule.neighbours.push([])
  molecule.orders.push([])
  return molecule.kinds.push(kind) - 1
}

export function addBond({ neighbours, orders }: Molecule, a: number, b: number, order: number) {
  neighbours[a]?.push(b)
  orders[a]?.push(order)
  neighbours[b]?.push(a)
  orders[b]?.push(order)
}

/** 0 where there is none. */
export function bondOrder({ neighbours, orders }: Molecule, a: number, b: number): number {
  return orders[a]?.[neighbours[a]?.indexOf(b) ?? -1] ?? 0
}

/** Sets, makes or (0) breaks a bond. */
export function setBond(molecule: Molecule, a: number, b: number, order: number): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const neighbours = molecule.neighbours[from] ?? []
    const orders = molecule.orders[from] ?? []
    const at = neighbours.indexOf(to)
    if (at >= 0) {
      neighbours.splice(at, 1)
      orders.splice(at, 1)
    }
    if (order > 0) {
      neighbours.push(to)
      orders.push(order)
    }
  }
}

/** Implicit hydrogen of an atom; below 0 where its bonds are too many. */
export function hydrogens({ kinds, orders }: Molecule, atom: number): number {
  return (VALENCES[kinds[atom] ?? 0] ?? 0) - (orders[atom] ?? []).reduce((sum, o) => sum + o, 0)
}

/** Counts of C, H, N, O and S. */
export function atomCounts(molecule: Molecule): number[] {
  const counts = [0, 0, 0, 0, 0]
  for (const [atom, kind] of molecule.kinds.entries()) {
    const element = ELEMENT_OF[kind] ?? 0
    counts[element] = (counts[element] ?? 0) + 1
    counts[1] = (counts[1] ?? 0) + hydrogens(molecule, atom)
  }
  return counts
}

/** In Hill's order: `C2H5NO2`. */
export function formulaText(counts: readonly number[]): string {
  return ELEMENTS.map((element, i) => {
    const count = counts[i] ?? 0
    return count === 0 ? '' : element + (count === 1 ? '' : count)
  }).join('')
}

/** Monoisotopic, in daltons, to the sixth decimal. */
export function exactMass(counts: readonly number[]): number {
  const nano = counts.reduce((sum, count, i) => sum + count * (NANODALTONS[i] ?? 0), 0)
  return Math.round(nano / 1000) / 1e6
}
