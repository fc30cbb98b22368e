// Reflexively autocatalytic, food-generated sets (RAFs): each reaction catalysed, and each reactant made, from the food
// by the set itself. Hordijk & Steel (2004), J. Theor. Biol. 227:451-461.
import { at, type CatalyticNetwork } from './catalytic-network.ts'

export interface RafFinder {
  /**
   * The largest RAF within these reactions, in their order: empty when there is none. Where reactions are `needed` (1),
   * empty as well, and sooner, when one of them would not be in it.
   */
  maxRaf(reactions: Int32Array, needed?: Uint8Array): Int32Array
  /** 1 for each molecule that these reactions, catalysed or not, make from the food, and for the food. */
  closure(reactions: Int32Array): Uint8Array
  /** Whether all reactants were reached in the closure that was computed last. */
  canFire(reaction: number): boolean
}

/** Shares its working space between calls; each costs the edges of the reactions given, times its rounds. */
export function rafFinder({
  molecules,
  reactions,
  food,
  reactants,
  products,
  catalysts,
}: CatalyticNetwork): RafFinder {
  const reached = new Uint8Array(molecules)
  const queue = new Int32Array(molecules)
  let queued = 0
  /** Reactants that are not reached yet. */
  const missing = new Int32Array(reactions)
  // Who waits for a molecule: a chain through the places where it is a reactant.
  const first = new Int32Array(molecules)
  const next = new Int32Array(reactants.molecule.length)
  const owner = new Int32Array(reactants.molecule.length)
  for (let reaction = 0; reaction < reactions; reaction += 1) {
    owner.fill(reaction, reactants.start[reaction], reactants.start[reaction + 1])
  }

  function produce(reaction: number): void {
    const end = at(products.start, reaction + 1)
    for (let slot = at(products.start, reaction); slot < end; slot += 1) {
      const molecule = at(products.molecule, slot)
      if (at(reached, molecule) === 1) continue
      reached[molecule] = 1
      queue[queued++] = molecule
    }
  }

  function close(among: Int32Array): void {
    reached.set(food)
    first.fill(-1)
    queued = 0
    for (const reaction of among) {
      let waits = 0
      const end = at(reactants.start, reaction + 1)
      for (let slot = at(reactants.start, reaction); slot < end; slot += 1) {
        const molecule = at(reactants.molecule, slot)
        if (at(food, molecule) === 1) continue
        next[slot] = at(first, molecule)
        first[molecule] = slot
        waits += 1
      }
      missing[reaction] = waits
      if (waits === 0) produce(reaction)
    }
    // What was made in the loop above may have been before who waits for it was noted: so only now.
    for (let done = 0; done < queued; done += 1) {
      for (let slot = at(first, at(queue, done)); slot >= 0; slot = at(next, slot)) {
        const reaction = at(owner, slot)
        const waits = at(missing, reaction) - 1
        missing[reaction] = waits
        if (waits === 0) produce(reaction)
      }
    }
  }

  function isCatalysed(reaction: number): boolean {
    const end = at(catalysts.start, reaction + 1)
    for (let slot = at(catalysts.start, reaction); slot < end; slot += 1) {
      if (at(reached, at(catalysts.molecule, slot)) === 1) return true
    }
    return false
  }

  return {
    maxRaf(given, needed) {
      for (let set = given; ; ) {
        close(set)
        const kept = new Int32Array(set.length)
        let count = 0
        for (const each of set) {
          if (at(missing, each) === 0 && isCatalysed(each)) kept[count++] = each
          else if (needed?.[each] === 1) return new Int32Array()
        }
        if (count === set.length) return set
        set = kept.subarray(0, count)
      }
    },
    closure(given) {
      close(given)
      return reached.slice()
    },
    canFire: (reaction) => at(missing, reaction) === 0,
  }
}
