// Small rings, which of them are aromatic, and the Kekulé forms between which their double bonds move.
import { bondOrder, type Molecule, setBond } from './molecule.ts'

type Cycle = readonly number[]

/** Rings of 3 to 6 atoms, each once. The rules close rings of 5 and 6 alone. */
export function smallRings({ kinds, neighbours }: Molecule): Cycle[] {
  const bonds = neighbours.reduce((sum, list) => sum + list.length, 0) / 2
  if (bonds < kinds.length) return []
  const rings: Cycle[] = []
  const extend = (path: number[]): void => {
    const [first = 0, second = 0] = path
    const last = path[path.length - 1] ?? 0
    for (const next of neighbours[last] ?? []) {
      // Each ring from its least atom, in one direction.
      if (next === first && path.length > 2 && second < last) rings.push([...path])
      else if (next > first && path.length < 6 && !path.includes(next)) extend([...path, next])
    }
  }
  for (const atom of kinds.keys()) extend([atom])
  return rings
}

/** By atom: whether it has a double bond within one of the rings. */
function ringDoubles(molecule: Molecule, rings: readonly Cycle[]): boolean[] {
  const has = molecule.kinds.map(() => false)
  for (const [a, b] of ringBonds(rings)) {
    if (bondOrder(molecule, a, b) === 2) has[a] = has[b] = true
  }
  return has
}

function ringBonds(rings: readonly Cycle[]): [number, number][] {
  const bonds = new Map<string, [number, number]>()
  for (const ring of rings) {
    for (const [i, a] of ring.entries()) {
      const b = ring[(i + 1) % ring.length] ?? 0
      const bond: [number, number] = a < b ? [a, b] : [b, a]
      bonds.set(bond.join(), bond)
    }
  }
  return [...bonds.values()]
}

/**
 * By atom: the size of the largest aromatic ring that it is in, or 0. Aromatic here: a ring of 6
 * whose atoms all have a double bond within the ring system, or of 5 where one N, O or S has none.
 */
export function aromatic(molecule: Molecule): number[] {
  const rings = smallRings(molecule)
  const sizes = molecule.kinds.map(() => 0)
  const doubles = ringDoubles(molecule, rings)
  for (const ring of rings) {
    const rest = ring.filter((atom) => !doubles[atom])
    const isAromatic =
      (ring.length === 6 && rest.length === 0) ||
      (ring.length === 5 && rest.length === 1 && molecule.kinds[rest[0] ?? 0] !== 0)
    if (!isAromatic) continue
    for (const atom of ring) sizes[atom] = Math.max(sizes[atom] ?? 0, ring.length)
  }
  return sizes
}

/**
 * All ways to place the ring double bonds over the atoms that have one: Kekulé forms of one
 * molecule, itself included. Two double bonds (cyclobutadiene's) do not make a choice.
 */
export function kekuleForms(molecule: Molecule): Molecule[] {
  const rings = smallRings(molecule)
  const doubles = ringDoubles(molecule, rings)
  if (doubles.filter(Boolean).length < 6) return [molecule]
  const bonds = ringBonds(rings).filter(([a, b]) => doubles[a] && doubles[b])
  const forms: Molecule[] = []
  const place = (used: readonly boolean[], chosen: readonly [number, number][]): void => {
    const atom = doubles.findIndex((has, i) => has && !used[i])
    if (atom < 0) {
      const form = structuredCopy(molecule)
      for (const [a, b] of bonds) setBond(form, a, b, 1)
      for (const [a, b] of chosen) setBond(form, a, b, 2)
      forms.push(form)
      return
    }
    for (const bond of bonds) {
      const [a, b] = bond
      if ((a !== atom && b !== atom) || used[a] || used[b]) continue
      const next = [...used]
      next[a] = next[b] = true
      place(next, [...chosen, bond])
    }
  }
  place([], [])
  return forms
}

export function structuredCopy({ kinds, neighbours, orders }: Molecule): Molecule {
  return {
    kinds: [...kinds],
    neighbours: neighbours.map((list) => [...list]),
    orders: orders.map((list) => [...list]),
  }
}
