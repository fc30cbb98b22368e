// One rule at one place: finding the places, and what the molecules become there.
import { addAtom, emptyMolecule, H, hydrogens, type Molecule, setBond } from './molecule.ts'
import type { Part, Rule } from './rules.ts'

/** A molecule with its atoms' classes. */
export interface Reactant {
  readonly molecule: Molecule
  readonly classes: readonly number[]
}

/** Rings that an intramolecular step may close. */
const RING_SIZES = [5, 6]

/** All places where a part of a pattern fits: for each, the molecule's atoms in the part's order. */
export function matches({ molecule, classes }: Reactant, part: Part): number[][] {
  const { kinds, neighbours, orders } = molecule
  const found: number[][] = []
  const atoms: number[] = []
  const place = (atom: number, bits: number): void => {
    if (((classes[atom] ?? 0) & bits) === 0 || atoms.includes(atom)) return
    atoms.push(atom)
    extend()
    atoms.pop()
  }
  const extend = (): void => {
    const wanted = part[atoms.length]
    if (wanted === undefined) {
      found.push([...atoms])
      return
    }
    const up = atoms[wanted.parent]
    if (up === undefined) {
      for (let atom = 0; atom < kinds.length; atom += 1) place(atom, wanted.bits)
      return
    }
    const list = neighbours[up] ?? []
    for (let i = 0; i < list.length; i += 1) {
      if (orders[up]?.[i] === wanted.order) place(list[i] ?? 0, wanted.bits)
    }
  }
  extend()
  return found
}

/** Both molecules as one graph; the second's atoms follow the first's. */
export function joined(left: Molecule, right: Molecule): Molecule {
  const shift = left.kinds.length
  return {
    kinds: [...left.kinds, ...right.kinds],
    neighbours: [...left.neighbours, ...right.neighbours.map((list) => list.map((a) => a + shift))],
    orders: [...left.orders, ...right.orders],
  }
}

/**
 * The products of a rule at one place, hydrogen apart, or null where valences forbid it.
 * @param atoms of `graph`, in the order of the rule's pattern
 * @param isOneMolecule whether both parts of a pattern lie in one molecule: then a ring must close
 */
export function rewrite(
  graph: Molecule,
  rule: Rule,
  atoms: readonly number[],
  isOneMolecule: boolean,
): Molecule[] | null {
  const next: Molecule = {
    kinds: [...graph.kinds],
    neighbours: graph.neighbours.map((list) => [...list]),
    orders: graph.orders.map((list) => [...list]),
  }
  const at = (i: number) => atoms[i] ?? 0
  for (const [i, kind] of rule.newKinds) next.kinds[at(i)] = kind
  for (const [a, b, order] of rule.edits) setBond(next, at(a), at(b), order)
  if (atoms.some((atom) => hydrogens(next, atom) < 0)) return null
  if (isOneMolecule && !closesRing(next, rule, atoms)) return null
  const parts = components(next)
  const taken = rule.takesUp === null ? -1 : at(rule.takesUp)
  return parts.filter((part) => part[0] !== taken).map((part) => extract(next, part))
}

export function hydrogenMolecule(): Molecule {
  const molecule = emptyMolecule()
  addAtom(molecule, H)
  return molecule
}

/** The one bond between the parts must close a ring of an allowed size. */
function closesRing(graph: Molecule, { left, edits }: Rule, atoms: readonly number[]): boolean {
  const size = left.length
  const made = edits.filter(([a, b, order]) => a < size && b >= size && order > 0)
  return made.every(([a, b]) => RING_SIZES.includes(ringSize(graph, atoms[a] ?? 0, atoms[b] ?? 0)))
}

/** Atoms of the smallest ring through the bond a-b; 0 if there is none. */
function ringSize({ neighbours }: Molecule, a: number, b: number): number {
  const seen = new Set([a])
  let front = [a]
  for (let size = 1; front.length > 0; size += 1) {
    if (front.includes(b)) return size
    front = front.flatMap((atom) =>
      (neighbours[atom] ?? []).filter((next) => {
        if (seen.has(next) || (atom === a && next === b)) return false
        seen.add(next)
        return true
      }),
    )
  }
  return 0
}

function components({ kinds, neighbours }: Molecule): number[][] {
  const seen = kinds.map(() => false)
  const parts: number[][] = []
  for (const start of kinds.keys()) {
    if (seen[start]) continue
    seen[start] = true
    const part = [start]
    for (const atom of part) {
      for (const next of neighbours[atom] ?? []) {
        if (seen[next]) continue
        seen[next] = true
        part.push(next)
      }
    }
    parts.push(part)
  }
  return parts
}

function extract(graph: Molecule, part: readonly number[]): Molecule {
  const index = new Map(part.map((atom, i) => [atom, i]))
  return {
    kinds: part.map((atom) => graph.kinds[atom] ?? 0),
    neighbours: part.map((atom) => (graph.neighbours[atom] ?? []).map((n) => index.get(n) ?? 0)),
    orders: part.map((atom) => [...(graph.orders[atom] ?? [])]),
  }
}
