// Autocatalytic cycles: circuits molecule -> reaction -> molecule through which the members multiply.
// The condition is that of Blokhuis, Lacoste & Nghe (2020), PNAS 117:25230-25236, with catalysts as in Golnik, Gatter,
// Stadler & Vassena (2026), arXiv:2603.02770: a catalyst is needed and not consumed.
import { at, type CatalyticNetwork, coefficientOf, listOf } from './catalytic-network.ts'
import { growthFactor, isProductive } from './growth.ts'

export type CycleType = 'self_catalytic' | 'cross_catalytic' | 'stoichiometric' | 'mixed'

export interface Cycle {
  readonly type: CycleType
  /** Each is reactant or catalyst, as `links` says, of the reaction at its place, which makes the next. */
  readonly molecules: readonly number[]
  readonly reactions: readonly number[]
  readonly links: readonly ('reactant' | 'catalyst')[]
  /** By how much the members multiply when each takes part in its reaction once: above 1. */
  readonly amplificationFactor: number
  /** Members more when each reaction has fired once. */
  readonly netGain: number
}

/** Links looked at before the search gives up. */
const WORK = 3_000_000
/** After so many others may go on. */
const WORK_PER_MOMENT = 100_000
/** What it takes to tell whether a circuit multiplies, in links. */
const CIRCUIT_WORK = 20

/** One step of a circuit. */
interface Step {
  readonly reaction: number
  readonly to: number
}

/**
 * The autocatalytic circuits within these reactions of up to so many molecules, food left out: the shortest first. Ends
 * with true when they were all, with false when the search took too long. Null now and then between them.
 */
export function* autocatalyticCycles(
  network: CatalyticNetwork,
  reactions: Int32Array,
  maxLength: number,
): Generator<Cycle | null, boolean> {
  const { steps, sources } = links(network, reactions)
  const roots = [...steps.keys()].sort((one, other) => one - other)
  let work = WORK
  let tell = WORK

  /** How many steps each molecule, none before the root, is from it, up to a limit. */
  function distances(root: number, limit: number): Map<number, number> {
    const distance = new Map([[root, 0]])
    let edge = [root]
    for (let steps = 1; steps <= limit; steps += 1) {
      const beyond: number[] = []
      for (const molecule of edge) {
        for (const source of sources.get(molecule) ?? []) {
          work -= 1
          if (source < root || distance.has(source)) continue
          distance.set(source, steps)
          beyond.push(source)
        }
      }
      edge = beyond
    }
    return distance
  }

  for (let length = 1; length <= maxLength; length += 1) {
    for (const root of roots) {
      const distance = distances(root, length - 1)
      const path: Step[] = []
      const onPath = new Set<number>()

      function* extend(from: number): Generator<Cycle> {
        const left = length - path.length - 1
        const list = steps.get(from) ?? []
        for (let i = 0; i < list.length; i += 2) {
          work -= 1
          if (work < 0) return
          const [reaction, to] = [list[i] as number, list[i + 1] as number]
          if (left === 0 ? to !== root : to === root || onPath.has(to)) continue
          if ((distance.get(to) ?? length) > left || isFutile(reaction)) continue
          path.push({ reaction, to })
          if (left === 0) {
            work -= CIRCUIT_WORK
            const cycle = cycleOf(network, root, path)
            if (cycle) yield cycle
          } else {
            onPath.add(to)
            yield* extend(to)
            onPath.delete(to)
          }
          path.pop()
        }
      }

      /** A reaction comes once in a circuit, and not with its reverse. */
      const isFutile = (reaction: number) =>
        path.some(
          (step) => step.reaction === reaction || step.reaction === at(network.reverse, reaction),
        )

      yield* extend(root)
      if (work < 0) return false
      if (work < tell) {
        tell = work - WORK_PER_MOMENT
        yield null
      }
    }
  }
  return true
}

/**
 * From each molecule through each reaction that needs it to each product, food left out: reaction and product in turn.
 * And the way back. Flat lists of numbers, for a large set has some hundred thousand.
 */
function links(network: CatalyticNetwork, reactions: Int32Array) {
  const steps = new Map<number, number[]>()
  const sources = new Map<number, number[]>()
  const isMade = (molecule: number) => at(network.food, molecule) === 0
  for (const reaction of reactions) {
    const needed = [...listOf(network.reactants, reaction), ...listOf(network.catalysts, reaction)]
    for (const from of new Set(needed.filter(isMade))) {
      for (const to of listOf(network.products, reaction).filter(isMade)) {
        append(steps, from, reaction, to)
        append(sources, to, from)
      }
    }
  }
  return { steps, sources }
}

function append(lists: Map<number, number[]>, key: number, ...values: number[]): void {
  const list = lists.get(key)
  if (list) list.push(...values)
  else lists.set(key, values)
}

/** Undefined for a circuit that does not multiply its members, or in which one consumes another's. */
function cycleOf(
  network: CatalyticNetwork,
  root: number,
  path: readonly Step[],
): Cycle | undefined {
  const molecules = [root, ...path.slice(0, -1).map(({ to }) => to)]
  const reactions = path.map(({ reaction }) => reaction)
  const { reactants, products } = network
  const taken = molecules.map((molecule) =>
    reactions.map((r) => coefficientOf(reactants, r, molecule)),
  )
  if (taken.some((row, i) => row.some((count, j) => i !== j && count > 0))) return undefined
  const net = molecules.map((molecule, i) =>
    reactions.map((r, j) => coefficientOf(products, r, molecule) - (taken[i]?.[j] ?? 0)),
  )
  if (!isProductive(net)) return undefined
  const links = taken.map((row, i) => ((row[i] ?? 0) > 0 ? 'reactant' : 'catalyst'))
  return {
    type: typeOf(links),
    molecules,
    reactions,
    links,
    amplificationFactor: growthFactor(
      net,
      taken.map((row, i) => row[i] || 1),
    ),
    netGain: net.flat().reduce((sum, each) => sum + each, 0),
  }
}

function typeOf(links: readonly string[]): CycleType {
  const catalysts = links.filter((link) => link === 'catalyst').length
  if (catalysts === 0) return 'stoichiometric'
  if (catalysts < links.length) return 'mixed'
  return links.length === 1 ? 'self_catalytic' : 'cross_catalytic'
}
