// The records of an autocatalysis_network: the graph's nodes and edges first, then what was found in it.
import { runRandom } from '../random.ts'
import { type Catalysed, withCatalysis } from './catalysis.ts'
import { at, type Lists, listOf, type Side } from './catalytic-network.ts'
import { autocatalyticCycles, type Cycle } from './cycles.ts'
import { type IrreducibleRaf, irreducibleRafs } from './irreducible.ts'
import { type SeededParams, systemOf } from './params.ts'
import { rafFinder } from './raf.ts'

export type Kind = 'molecule' | 'reaction' | 'edge' | 'irreducible_raf' | 'cycle' | 'summary'
export type Fields = Readonly<
  Record<string, string | number | boolean | readonly (string | number)[]>
>
export interface Entry {
  readonly kind: Kind
  readonly fields: Fields
}

/**
 * Nothing is drawn before the first is asked for; sets and cycles are searched when their turn comes. Null is a moment
 * in which what takes long lets others go on.
 */
export function* entries(params: SeededParams): Generator<Entry | null> {
  yield null
  const network = withCatalysis(systemOf(params), params.catalysis_level, runRandom(params.seed, 0))
  yield null
  const finder = rafFinder(network)
  const all = Int32Array.from({ length: network.reactions }, (_, reaction) => reaction)
  const maxRaf = finder.maxRaf(all)
  const made = finder.closure(maxRaf)
  yield null
  const reached = finder.closure(all)
  const isReached = Uint8Array.from(all, (reaction) => (finder.canFire(reaction) ? 1 : 0))
  const inMaxRaf = new Uint8Array(network.reactions)
  for (const reaction of maxRaf) inMaxRaf[reaction] = 1
  // What the largest set makes and uses: not all food, nor catalysts that it does not make.
  const used = new Uint8Array(network.molecules)
  for (const reaction of maxRaf) {
    for (const each of around(network, reaction)) used[each] = at(made, each)
  }
  const ids = Array.from(used, (_, molecule) => network.describeMolecule(molecule).id)
  const moleculeId = (molecule: number) => ids[molecule] as string
  const reactionId = (reaction: number) => network.describeReaction(reaction).id

  for (let molecule = 0; molecule < network.molecules; molecule += 1) {
    const fields = {
      ...network.describeMolecule(molecule),
      in_food: at(network.food, molecule) === 1,
      in_closure: at(reached, molecule) === 1,
      in_max_raf: at(used, molecule) === 1,
    }
    yield { kind: 'molecule', fields }
  }
  for (const reaction of all) {
    const fields = {
      ...network.describeReaction(reaction),
      equation: `${sideText(network.reactants, reaction)} -> ${sideText(network.products, reaction)}`,
      in_closure: at(isReached, reaction) === 1,
      in_max_raf: at(inMaxRaf, reaction) === 1,
    }
    yield { kind: 'reaction', fields }
  }
  for (const reaction of all) yield* edges(reaction)

  yield null
  const { rafs, orders } = yield* irreducibleRafs(
    network,
    finder,
    maxRaf,
    params.irreducible_samples,
    runRandom(params.seed, 1),
  )
  for (const { reactions, samples: count } of rafs) {
    const fields = {
      size: reactions.length,
      samples: count,
      reactions: names(reactions, reactionId),
    }
    yield { kind: 'irreducible_raf', fields }
  }

  let cycles = 0
  const search = autocatalyticCycles(network, maxRaf, params.max_cycle_length)
  let next = search.next()
  for (; !next.done && cycles < params.max_cycles; next = search.next()) {
    if (next.value === null) {
      yield null
      continue
    }
    cycles += 1
    yield { kind: 'cycle', fields: cycleFields(next.value) }
  }

  yield {
    kind: 'summary',
    fields: {
      molecules: network.molecules,
      food_molecules: sum(network.food),
      reactions: network.reactions,
      catalyses: network.catalyses,
      closure_molecules: sum(reached),
      max_raf_reactions: maxRaf.length,
      max_raf_molecules: sum(used),
      irreducible_orders: orders,
      irreducible_rafs: rafs.length,
      smallest_irreducible_raf: smallest(rafs),
      cycles,
      cycles_complete: next.done === true && next.value,
    },
  }

  function* edges(reaction: number): Generator<Entry> {
    const id = reactionId(reaction)
    for (const [molecule, stoichiometry] of terms(network.reactants, reaction)) {
      const fields = { source: moleculeId(molecule), target: id, role: 'reactant', stoichiometry }
      yield { kind: 'edge', fields }
    }
    for (const [molecule, stoichiometry] of terms(network.products, reaction)) {
      const fields = { source: id, target: moleculeId(molecule), role: 'product', stoichiometry }
      yield { kind: 'edge', fields }
    }
    for (const molecule of listOf(network.catalysts, reaction)) {
      const fields = {
        source: moleculeId(molecule),
        target: id,
        role: 'catalyst',
        stoichiometry: 0,
      }
      yield { kind: 'edge', fields }
    }
  }

  function sideText(side: Side, reaction: number): string {
    return terms(side, reaction)
      .map(([molecule, count]) => (count === 1 ? '' : `${count} `) + moleculeId(molecule))
      .join(' + ')
  }

  function cycleFields(cycle: Cycle): Fields {
    return {
      type: cycle.type,
      length: cycle.molecules.length,
      amplification_factor: cycle.amplificationFactor,
      net_gain: cycle.netGain,
      molecules: names(cycle.molecules, moleculeId),
      reactions: names(cycle.reactions, reactionId),
      links: cycle.links,
    }
  }
}

/** A reaction's reactants, products and catalysts. */
function around(network: Catalysed, reaction: number): number[] {
  const lists: Lists[] = [network.reactants, network.products, network.catalysts]
  return lists.flatMap((list) => listOf(list, reaction))
}

function terms(side: Side, reaction: number): [number, number][] {
  const from = at(side.start, reaction)
  return listOf(side, reaction).map((molecule, i) => [molecule, at(side.coefficient, from + i)])
}

function names(indices: Iterable<number>, nameOf: (index: number) => string): string[] {
  return Array.from(indices, nameOf)
}

function sum(flags: Uint8Array): number {
  return flags.reduce((total, each) => total + each, 0)
}

function smallest(found: readonly IrreducibleRaf[]): number {
  return found.reduce(
    (least, { reactions }) => Math.min(least || reactions.length, reactions.length),
    0,
  )
}
