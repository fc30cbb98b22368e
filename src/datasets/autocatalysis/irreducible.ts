// RAFs that hold no smaller one, by leaving out reactions in random order as long as a RAF remains: Hordijk & Steel
// (2004); Steel, Hordijk & Smith (2013), J. Theor. Biol. 332:96-107.
import type { Random } from '../random.ts'
import { at, type CatalyticNetwork, listOf } from './catalytic-network.ts'
import type { RafFinder } from './raf.ts'

export interface IrreducibleRaf {
  /** In ascending order. */
  readonly reactions: Int32Array
  /** How many of the random orders ended in it. */
  samples: number
}

/** Reactions looked at before no other order is begun: below a second. */
const WORK = 3_000_000

export interface Sampled {
  /** The distinct ones, in the order in which they were found. */
  readonly rafs: readonly IrreducibleRaf[]
  /** The random orders that were tried: fewer than wanted where each takes long. */
  readonly orders: number
}

/** What so many random orders end in; null after each. */
export function* irreducibleRafs(
  network: CatalyticNetwork,
  finder: RafFinder,
  maxRaf: Int32Array,
  samples: number,
  random: Random,
): Generator<null, Sampled> {
  const found = new Map<string, IrreducibleRaf>()
  const end = finder.work() + WORK
  let orders = 0
  for (; orders < samples && maxRaf.length > 0 && finder.work() < end; orders += 1) {
    const reactions = reduce(network, finder, shuffled(maxRaf, random)).sort()
    const known = found.get(reactions.join())
    if (known) known.samples += 1
    else found.set(reactions.join(), { reactions, samples: 1 })
    yield null
  }
  return { rafs: [...found.values()], orders }
}

/**
 * What remains of a RAF when reactions are left out in order, each with all that falls with it, unless nothing would
 * remain; and once the first essential one is known, all at once that make nothing first. The largest RAF without a,
 * then without b, is the largest without both, so many are left out at a time; and what an essential reaction cannot do
 * without is essential: so it takes few closures.
 */
export function reduce(
  network: CatalyticNetwork,
  finder: RafFinder,
  order: Int32Array,
): Int32Array {
  /** 1 for those without which none remains. */
  const essential = new Uint8Array(network.reactions)
  let set = order
  let undecided = order
  let stride = (order.length + 1) >> 1
  while (undecided.length > 0) {
    const count = Math.min(stride, undecided.length)
    const out = new Set(undecided.subarray(0, count))
    const left = finder.maxRaf(
      set.filter((each) => !out.has(each)),
      essential,
    )
    if (left.length > 0) {
      set = left
      stride = 2 * count
    } else {
      stride = Math.max(1, count >> 1)
      if (count > 1) continue
      const makers = essential.includes(1) ? set : finder.firstMakers(set)
      // None: then a RAF that makes food alone, and it is down to one reaction.
      if (makers.length > 0) set = makers
      essential[at(undecided, 0)] = 1
    }
    spread(network, set, essential)
    const remains = new Set(set)
    undecided = undecided.filter((each) => at(essential, each) === 0 && remains.has(each))
  }
  return set
}

/** Marks what an essential reaction needs and one reaction alone makes: a reactant, or its only catalyst. */
function spread(network: CatalyticNetwork, set: Int32Array, essential: Uint8Array): void {
  const { molecules, food, reactants, products, catalysts } = network
  const makers = new Int32Array(molecules)
  const maker = new Int32Array(molecules)
  for (const reaction of set) {
    const end = at(products.start, reaction + 1)
    for (let slot = at(products.start, reaction); slot < end; slot += 1) {
      const molecule = at(products.molecule, slot)
      makers[molecule] = at(makers, molecule) + 1
      maker[molecule] = reaction
    }
  }
  const open = Array.from(set.filter((each) => at(essential, each) === 1))

  function need(molecule: number): void {
    if (at(food, molecule) === 1 || at(makers, molecule) !== 1) return
    const only = at(maker, molecule)
    if (at(essential, only) === 1) return
    essential[only] = 1
    open.push(only)
  }

  for (let reaction = open.pop(); reaction !== undefined; reaction = open.pop()) {
    for (const molecule of listOf(reactants, reaction)) need(molecule)
    const there = listOf(catalysts, reaction).filter(
      (molecule) => at(food, molecule) === 1 || at(makers, molecule) > 0,
    )
    if (there.length === 1) need(there[0] as number)
  }
}

/** Fisher-Yates. */
function shuffled(values: Int32Array, random: Random): Int32Array {
  const order = values.slice()
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.uniform() * (last + 1))
    const value = at(order, last)
    order[last] = at(order, other)
    order[other] = value
  }
  return order
}
