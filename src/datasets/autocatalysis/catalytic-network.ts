// A reaction network whose reactions need catalysts, as flat arrays: molecules and reactions are their indices.

/** One list of molecules per reaction: that of r stands at `start[r]` up to, not with, `start[r + 1]`. */
export interface Lists {
  readonly start: Int32Array
  readonly molecule: Int32Array
}

/** Each molecule once per reaction, with its stoichiometric coefficient. */
export interface Side extends Lists {
  readonly coefficient: Uint8Array
}

export interface ReactionSystem {
  readonly molecules: number
  /** One direction each: the reverse of a reversible one is a reaction of its own. */
  readonly reactions: number
  /** 1 for what is always there. */
  readonly food: Uint8Array
  readonly reactants: Side
  readonly products: Side
  /** The same reaction the other way, or -1. */
  readonly reverse: Int32Array
  /** Unique among molecules and reactions. `formula`: what is conserved, as in C2H5NO2. */
  readonly describeMolecule: (molecule: number) => { id: string; formula: string }
  readonly describeReaction: (reaction: number) => { id: string; type: string }
}

export interface CatalyticNetwork extends ReactionSystem {
  readonly catalysts: Lists
}

/** The number at an index that is known to be within. */
export function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] as number
}

/** The coefficient of a molecule on a side of a reaction; 0 when it is not there. */
export function coefficientOf(side: Side, reaction: number, molecule: number): number {
  for (let slot = at(side.start, reaction); slot < at(side.start, reaction + 1); slot += 1) {
    if (at(side.molecule, slot) === molecule) return at(side.coefficient, slot)
  }
  return 0
}

/** A reaction's list as an array. */
export function listOf(lists: Lists, reaction: number): number[] {
  return [...lists.molecule.subarray(lists.start[reaction], lists.start[reaction + 1])]
}

/** Sides from terms [molecule, coefficient], one list per reaction. */
export function sideOf(terms: readonly (readonly (readonly [number, number])[])[]): Side {
  const start = new Int32Array(terms.length + 1)
  for (const [reaction, list] of terms.entries()) {
    start[reaction + 1] = at(start, reaction) + list.length
  }
  const flat = terms.flat()
  return {
    start,
    molecule: Int32Array.from(flat, ([molecule]) => molecule),
    coefficient: Uint8Array.from(flat, ([, coefficient]) => coefficient),
  }
}
