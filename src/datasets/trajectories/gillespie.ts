// Exact stochastic simulation of a reaction network: the direct method.
// Gillespie (1977), J. Phys. Chem. 81:2340-2361: "Exact stochastic simulation of coupled chemical reactions".

import { ln } from '../portable-math.ts'
import type { Random } from '../random.ts'
import type { CompiledNetwork } from './compile.ts'

/**
 * Names generator, seeding, order of draws and the networks with their constants. Whoever changes
 * any of them changes the bytes that a seed stands for, and gives this a new number.
 */
export const ALGORITHM = 'gillespie-direct-2'

/** One realisation, advanced reaction by reaction. */
export interface Run {
  /** Seconds since the start: when the last reaction fired. */
  readonly time: number
  /** Reactions fired so far. */
  readonly fired: number
  /** Index of the reaction that fired last; -1 before the first. */
  readonly reaction: number
  /**
   * Fires the next reaction. False, with nothing changed, when none can fire, or none at or before
   * `untilSeconds` since the start. The moment that was drawn for one later than that is kept, not
   * drawn again: a run goes on as if it had never been asked to stop.
   */
  fire(untilSeconds?: number): boolean
  /** Molecules of a species now. @throws Error for an unknown name. */
  count(species: string): number
}

interface Channel {
  readonly index: number
  readonly constant: number
  readonly order: 0 | 1 | 2
  /** The reactants' counts; what the order does not need is never read. */
  readonly first: Cell
  readonly second: Cell
  readonly changes: readonly { readonly cell: Cell; readonly by: number }[]
  /** Filled once all channels exist. */
  affects: readonly Channel[]
  propensity: number
}

interface Cell {
  count: number
}

/** A run from the network's initial state. Each reaction takes two uniform numbers: when, then which. */
export function simulateRun(network: CompiledNetwork, random: Random): Run {
  const cells = network.initial.map((count): Cell => ({ count }))
  const channels = channelsOf(network, cells)
  const last = channels.at(-1)
  const state = { time: 0, fired: 0, reaction: -1 }
  // Doubles in an object: a closure's own variables would be boxed anew each time.
  const next = { time: 0, isDrawn: false }

  function fire(untilSeconds = Number.POSITIVE_INFINITY): boolean {
    // Summed anew each time: a running total would collect rounding errors.
    let total = 0
    for (const channel of channels) total += channel.propensity
    if (total <= 0) return false
    // 1 - u is in (0, 1], where the logarithm is finite.
    if (!next.isDrawn) next.time = state.time - ln(1 - random.uniform()) / total
    next.isDrawn = next.time > untilSeconds
    if (next.isDrawn) return false
    state.time = next.time
    let chosen = last
    let left = random.uniform() * total
    for (const channel of channels) {
      if (channel.propensity <= 0) continue
      chosen = channel
      left -= channel.propensity
      if (left < 0) break
    }
    if (chosen === undefined) return false
    for (const { cell, by } of chosen.changes) cell.count += by
    for (const channel of chosen.affects) channel.propensity = propensityOf(channel)
    state.reaction = chosen.index
    state.fired += 1
    return true
  }

  function count(species: string): number {
    const cell = cells[network.names.indexOf(species)]
    if (cell === undefined) throw new Error(`Unknown species ${species}`)
    return cell.count
  }

  return Object.assign(state, { fire, count })
}

/** Reactions per second now. Pairs of one kind: n(n-1)/2, since a molecule cannot meet itself. */
function propensityOf({ constant, order, first, second }: Channel): number {
  if (order === 0) return constant
  if (order === 1) return constant * first.count
  if (first === second) return (constant * (first.count * (first.count - 1))) / 2
  return constant * (first.count * second.count)
}

function channelsOf(network: CompiledNetwork, cells: readonly Cell[]): Channel[] {
  const none: Cell = { count: 0 }
  const cellAt = (index: number): Cell => cells[index] ?? none
  const channels = network.reactions.map(
    ({ kinetics, changes }, index): Channel => ({
      index,
      constant: kinetics.constant,
      order: kinetics.order,
      first: kinetics.order === 0 ? none : cellAt(kinetics.first),
      second: kinetics.order === 2 ? cellAt(kinetics.second) : none,
      changes: changes.map(([species, by]) => ({ cell: cellAt(species), by })),
      affects: [],
      propensity: 0,
    }),
  )
  for (const [index, { affects }] of network.reactions.entries()) {
    const channel = channels[index]
    if (channel === undefined) continue
    channel.affects = affects.flatMap((other) => channels[other] ?? [])
    channel.propensity = propensityOf(channel)
  }
  return channels
}
