// One string for one molecule: colour refinement (Morgan's idea), with every tie broken each way
// where rings leave a choice, and the least string of all ways and all Kekulé forms.
// Morgan (1965), J. Chem. Doc. 5:107-113; McKay & Piperno (2014), J. Symb. Comput. 60:94-112.
import { kekuleForms } from './kekule.ts'
import type { Molecule } from './molecule.ts'
import { writeSmiles } from './smiles.ts'

/** Keys of refinement hold colours in 5 bits. */
export const MOST_ATOMS = 32

/** Two molecules have the same canonical SMILES exactly when they are the same, stereo aside. */
export function canonicalSmiles(molecule: Molecule): string {
  const core = ringCore(molecule)
  let least = ''
  for (const form of kekuleForms(molecule)) {
    for (const ranks of rankings(form, startColours(form, core), core)) {
      const text = writeSmiles(form, ranks)
      if (least === '' || text < least) least = text
    }
  }
  return least
}

/** Each atom's class after refinement: atoms that no automorphism moves to each other may share one only in rings. */
export function refinedColours(molecule: Molecule): number[] {
  return refine(molecule, startColours(molecule, ringCore(molecule)))
}

/** All complete rankings that the refinement cannot tell apart; one for a molecule without rings. */
function* rankings(
  molecule: Molecule,
  colours: readonly number[],
  core: readonly boolean[],
): Generator<readonly number[]> {
  const refined = refine(molecule, colours)
  // Off the rings a class is an orbit: any of its atoms will do, once those in rings are fixed.
  const tied = tie(refined, core) ?? tie(refined, null)
  if (tied === undefined) {
    yield refined
    return
  }
  const members = [...refined.keys()].filter((atom) => refined[atom] === tied)
  const choices = members.some((atom) => core[atom]) ? members : members.slice(0, 1)
  for (const chosen of choices) {
    const next = refined.map((colour, atom) =>
      colour === tied && atom !== chosen ? colour + 1 : colour,
    )
    yield* rankings(molecule, next, core)
  }
}

/** The least colour that two atoms share, of those in `among`. */
function tie(colours: readonly number[], among: readonly boolean[] | null): number | undefined {
  let least: number | undefined
  for (const [atom, colour] of colours.entries()) {
    if (among !== null && !among[atom]) continue
    if (least !== undefined && colour >= least) continue
    if (colours.indexOf(colour) !== colours.lastIndexOf(colour)) least = colour
  }
  return least
}

/** Atoms in rings or between them: what is left when ends are taken off again and again. */
function ringCore({ kinds, neighbours }: Molecule): boolean[] {
  const core = kinds.map(() => true)
  const degrees = neighbours.map((list) => list.length)
  const ends = [...kinds.keys()].filter((atom) => (degrees[atom] ?? 0) < 2)
  for (let atom = ends.pop(); atom !== undefined; atom = ends.pop()) {
    core[atom] = false
    for (const next of neighbours[atom] ?? []) {
      degrees[next] = (degrees[next] ?? 0) - 1
      if (core[next] && degrees[next] === 1) ends.push(next)
    }
  }
  return core
}

function startColours({ kinds, neighbours }: Molecule, core: readonly boolean[]): number[] {
  return ranked(
    kinds.map((kind, atom) => (core[atom] ? 64 : 0) + 8 * (neighbours[atom]?.length ?? 0) + kind),
  )
}

/** Until no class splits: a class splits by its members' bonds and their neighbours' classes. */
function refine({ neighbours, orders }: Molecule, start: readonly number[]): number[] {
  let colours = [...start]
  for (let classes = new Set(colours).size; ; ) {
    const keys = colours.map((colour, atom) => {
      const around = (neighbours[atom] ?? []).map(
        (next, i) => (orders[atom]?.[i] ?? 0) * MOST_ATOMS + (colours[next] ?? 0),
      )
      // At most four neighbours of 7 bits each, below the own colour: exact in a double.
      return (
        around.sort((a, b) => a - b).reduce((key, code) => key * 128 + code, 0) + colour * 2 ** 28
      )
    })
    colours = ranked(keys)
    const now = new Set(colours).size
    if (now === classes) return colours
    classes = now
  }
}

/** Each key's rank: how many are less. */
function ranked(keys: readonly number[]): number[] {
  const sorted = [...keys].sort((a, b) => a - b)
  return keys.map((key) => sorted.indexOf(key))
}
