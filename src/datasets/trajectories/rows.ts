// The rows of a request's runs, one after another: each reaction that fires is one row.
import { runRandom } from '../random.ts'
import { type Network, parseEquation, type ReactionType, sideText } from '../reaction-network.ts'
import { compileNetwork } from './compile.ts'
import { simulateRun } from './gillespie.ts'
import type { SeededParams, TrajectoryParams } from './params.ts'

/** What changes from row to row; the rest of a row belongs to its reaction. */
export interface Firing {
  readonly runId: number
  /** From 1, within the run. */
  readonly step: number
  /** Seconds since the run's start. */
  readonly time: number
  /** Index into the network's reactions. */
  readonly reaction: number
}

/** The part of a row that is the same whenever its reaction fires. Columns as in the data set. */
export interface ReactionCells {
  readonly reaction_id: string
  /** As in an equation: `HCN + 3 H2`. */
  readonly reactants: string
  readonly products: string
  readonly reaction_type: ReactionType
  /** Kelvin. */
  readonly temperature: number
  readonly scenario: string
}

/**
 * Runs 0, 1, ... of the request, each up to `max_reactions`, `max_time_seconds` or until nothing can react. A
 * reaction fires when its row is asked for, never before.
 */
export function* trajectories(network: Network, params: SeededParams): Generator<Firing> {
  const compiled = compileNetwork(network, params.temperature_kelvin)
  for (let runId = 0; runId < params.runs; runId += 1) {
    const run = simulateRun(compiled, runRandom(params.seed, runId))
    while (run.fired < params.max_reactions && run.fire(params.max_time_seconds)) {
      yield { runId, step: run.fired, time: run.time, reaction: run.reaction }
    }
  }
}

/** The cells of each of the network's reactions, in their order. */
export function reactionCells(network: Network, params: TrajectoryParams): ReactionCells[] {
  return network.reactions.map((reaction) => {
    const { reactants, products } = parseEquation(reaction.equation)
    return {
      reaction_id: reaction.id,
      reactants: sideText(reactants),
      products: sideText(products),
      reaction_type: reaction.type,
      temperature: params.temperature_kelvin,
      scenario: params.scenario,
    }
  })
}
