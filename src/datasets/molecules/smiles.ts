// Reading and writing SMILES: the part of OpenSMILES (2016) without charges, isotopes, stereo and
// aromatic atoms. The rules' patterns are read by the same grammar, with a letter for each class of atom.
import { addAtom, addBond, emptyMolecule, KINDS, type Molecule, Q } from './molecule.ts'

/** Atoms by letter and bonds between them; a dot begins a new part. */
export interface Fragment {
  letters: string[]
  bonds: [a: number, b: number, order: number][]
  /** By atom: which part it belongs to. */
  parts: number[]
}

const HYDROGEN = '[H][H]'
const CARBON_MONOXIDE = '[C-]#[O+]'
const BONDS = '-=#'

/** @throws Error for what is not this grammar. */
export function parseFragment(text: string): Fragment {
  const fragment: Fragment = { letters: [], bonds: [], parts: [] }
  const open = new Map<string, readonly [atom: number, order: number]>()
  const branches: number[] = []
  let [last, order, part] = [-1, 0, 0]
  for (const sign of text) {
    if (BONDS.includes(sign)) order = BONDS.indexOf(sign) + 1
    else if (sign === '(') branches.push(last)
    else if (sign === ')') last = branches.pop() ?? -1
    else if (sign === '.') [last, part] = [-1, part + 1]
    else if (/\d/.test(sign)) {
      const other = open.get(sign)
      if (other === undefined) open.set(sign, [last, order])
      else {
        fragment.bonds.push([other[0], last, other[1] || order || 1])
        open.delete(sign)
      }
      order = 0
    } else if (/[A-Za-z]/.test(sign)) {
      const atom = fragment.letters.push(sign) - 1
      fragment.parts.push(part)
      if (last >= 0) fragment.bonds.push([last, atom, order || 1])
      last = atom
      order = 0
    } else throw new Error(`Not read as SMILES: ${text}`)
  }
  if (open.size + branches.length + order > 0) throw new Error(`SMILES without an end: ${text}`)
  return fragment
}

/** @throws Error for what is not this grammar. */
export function parseSmiles(text: string): Molecule {
  const plain = text === HYDROGEN ? 'H' : text === CARBON_MONOXIDE ? 'Q=O' : text
  const { letters, bonds } = parseFragment(plain)
  const molecule = emptyMolecule()
  for (const letter of letters) {
    const kind = KINDS.indexOf(letter)
    if (kind < 0) throw new Error(`Unknown atom ${letter} in ${text}`)
    addAtom(molecule, kind)
  }
  for (const [a, b, order] of bonds) addBond(molecule, a, b, order)
  return molecule
}

/**
 * The SMILES of one connected molecule that begins at the atom of the lowest rank and follows lower
 * ranks first, so that it depends on nothing but the ranks, which must all differ.
 */
export function writeSmiles(molecule: Molecule, ranks: readonly number[]): string {
  const { kinds, neighbours, orders } = molecule
  if (kinds.includes(Q)) return CARBON_MONOXIDE
  if (kinds.length === 1 && KINDS[kinds[0] ?? 0] === 'H') return HYDROGEN
  const byRank = (a: number, b: number) => (ranks[a] ?? 0) - (ranks[b] ?? 0)
  const sorted = neighbours.map((list) => [...list].sort(byRank))
  const bond = (a: number, b: number) =>
    ['', '', '=', '#'][orders[a]?.[neighbours[a]?.indexOf(b) ?? -1] ?? 0] ?? ''
  const start = ranks.indexOf(0)

  // First where the walk meets atoms again: their ring bonds must be known before they are written.
  const order: number[] = kinds.map(() => -1)
  const children: number[][] = kinds.map(() => [])
  const closures: number[][] = kinds.map(() => [])
  let met = 0
  const visit = (atom: number, from: number): void => {
    order[atom] = met
    met += 1
    for (const next of sorted[atom] ?? []) {
      if (next === from) continue
      if ((order[next] ?? -1) < 0) {
        children[atom]?.push(next)
        visit(next, atom)
      } else if ((order[next] ?? 0) < (order[atom] ?? 0)) {
        closures[next]?.push(atom)
        closures[atom]?.push(next)
      }
    }
  }
  visit(start, -1)

  const digits = new Map<string, number>()
  const free = [9, 8, 7, 6, 5, 4, 3, 2, 1]
  const text = (atom: number): string => {
    let out = KINDS[kinds[atom] ?? 0] ?? ''
    const ends = closures[atom] ?? []
    ends.sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0))
    for (const other of ends) {
      const key = `${Math.min(atom, other)},${Math.max(atom, other)}`
      const digit = digits.get(key)
      if (digit === undefined) {
        const opened = free.pop()
        if (opened === undefined) throw new Error('More than 9 rings are open at once')
        digits.set(key, opened)
        out += bond(atom, other) + opened
      } else {
        free.push(digit)
        free.sort((a, b) => b - a)
        out += digit
      }
    }
    const list = children[atom] ?? []
    for (const [i, next] of list.entries()) {
      const branch = bond(atom, next) + text(next)
      out += i < list.length - 1 ? `(${branch})` : branch
    }
    return out
  }
  return text(start)
}
