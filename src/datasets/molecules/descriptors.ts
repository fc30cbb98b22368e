// Numbers that describe a molecule: how complex it is, and how unlike the known ones.
import { ln } from '../portable-math.ts'
import { refinedColours } from './canonical.ts'
import { smallRings } from './kekule.ts'
import { C, H, hydrogens, type Molecule, Q } from './molecule.ts'

/**
 * Bertz' total complexity in bits, to the third decimal: C(eta) + C(E), with C(eta) = 2 eta log2 eta
 * - sum of eta_i log2 eta_i over the classes of the eta connections, and C(E) = E log2 E - sum of E_j
 * log2 E_j over the elements of the E heavy atoms. A connection is a pair of bonds that share an
 * atom; a double bond counts as two bonds, a triple bond as three. Connections are alike when orders
 * and refined classes of their atoms are, in the Kekulé form that the SMILES shows.
 * Bertz (1981), J. Am. Chem. Soc. 103:3599-3601.
 */
export function bertzComplexity(molecule: Molecule): number {
  const { kinds, neighbours, orders } = molecule
  const colours = refinedColours(molecule)
  const connections = new Map<string, number>()
  const elements = new Map<number, number>()
  const count = <Key>(map: Map<Key, number>, key: Key, by: number) =>
    by > 0 && map.set(key, (map.get(key) ?? 0) + by)
  for (const [atom, kind] of kinds.entries()) {
    if (kind === H) return 0
    count(elements, kind === Q ? C : kind, 1)
    const list = neighbours[atom] ?? []
    const bonds = list.map((next, i) => {
      const isCarbonMonoxide = kind === Q || kinds[next] === Q
      const order = isCarbonMonoxide ? 3 : (orders[atom]?.[i] ?? 0)
      const colour = colours[next] ?? 0
      return { next, order, key: colour * 4 + order }
    })
    const own = colours[atom] ?? 0
    for (const [i, a] of bonds.entries()) {
      if (a.next > atom) {
        const ends = [own, colours[a.next] ?? 0].sort((x, y) => x - y)
        count(connections, `${ends}=${a.order}`, (a.order * (a.order - 1)) / 2)
      }
      for (const b of bonds.slice(i + 1)) {
        const key = `${own}:${[a.key, b.key].sort((x, y) => x - y)}`
        count(connections, key, a.order * b.order)
      }
    }
  }
  const eta = sum(connections.values())
  const bits =
    2 * nLog2(eta) -
    sum([...connections.values()].map(nLog2)) +
    nLog2(sum(elements.values())) -
    sum([...elements.values()].map(nLog2))
  return Math.round(bits * 1000) / 1000
}

/**
 * The molecule's circular environments of radius 0, 1 and 2, as a set of 32-bit hashes: after Rogers
 * & Hahn (2010), J. Chem. Inf. Model. 50:742-754. An atom is its element, heavy neighbours, hydrogen
 * and whether a ring of at most 6 has it: no bond orders, so that all Kekulé forms have one set.
 */
export function environments(molecule: Molecule): Set<number> {
  const { kinds, neighbours } = molecule
  const inRing = new Set(smallRings(molecule).flat())
  let ids = kinds.map((kind, atom) => {
    const degree = neighbours[atom]?.length ?? 0
    return hash([kind, degree, hydrogens(molecule, atom), inRing.has(atom) ? 1 : 0])
  })
  const all = new Set(ids)
  for (let radius = 1; radius <= 2; radius += 1) {
    ids = ids.map((id, atom) => {
      const around = (neighbours[atom] ?? []).map((next) => ids[next] ?? 0)
      return hash([radius, id, ...around.sort((a, b) => a - b)])
    })
    for (const id of ids) all.add(id)
  }
  return all
}

/** 1 - the highest Tanimoto similarity to any of the references: 0 .. 1, to the fourth decimal. */
export function noveltyScore(molecule: Molecule, references: readonly Set<number>[]): number {
  const own = environments(molecule)
  let highest = 0
  for (const reference of references) {
    let shared = 0
    for (const id of reference) if (own.has(id)) shared += 1
    highest = Math.max(highest, shared / (own.size + reference.size - shared))
  }
  return Math.round((1 - highest) * 1e4) / 1e4
}

function hash(values: readonly number[]): number {
  let h = 0x811c_9dc5
  for (const value of values) {
    h = Math.imul(h ^ value, 0x9e37_79b1)
    h ^= h >>> 15
    h = Math.imul(h, 0x85eb_ca77)
    h ^= h >>> 13
  }
  return h >>> 0
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function nLog2(n: number): number {
  return n < 2 ? 0 : (n * ln(n)) / ln(2)
}
