// Who catalyses what, at random: each molecule each reaction with the same probability, independently.
import { ln } from '../portable-math.ts'
import type { Random } from '../random.ts'
import { at, type CatalyticNetwork, type ReactionSystem } from './catalytic-network.ts'

export interface Catalysed extends CatalyticNetwork {
  /** Drawn pairs of a molecule and a reaction, a reversible reaction counted once. */
  readonly catalyses: number
}

/**
 * `level`: mean number of reactions that a molecule catalyses, both directions of a reversible one counted as one, for
 * a catalyst speeds both alike. The probability is level / reactions, so counted; at most their number.
 */
export function withCatalysis(system: ReactionSystem, level: number, random: Random): Catalysed {
  const { molecules, reactions, reverse } = system
  const forward = Int32Array.from({ length: reactions }, (_, reaction) => reaction).filter(
    (reaction) => !(at(reverse, reaction) >= 0 && at(reverse, reaction) < reaction),
  )
  const drawn = successes(molecules * forward.length, level / forward.length, random).map(
    (trial) => [Math.floor(trial / forward.length), at(forward, trial % forward.length)] as const,
  )
  // Counting sort by reaction; within a reaction the molecules stay in their order.
  const start = new Int32Array(reactions + 1)
  for (const [, reaction] of drawn) {
    for (const each of directions(reaction, reverse)) start[each + 1] = at(start, each + 1) + 1
  }
  for (let reaction = 0; reaction < reactions; reaction += 1) {
    start[reaction + 1] = at(start, reaction + 1) + at(start, reaction)
  }
  const next = start.slice()
  const molecule = new Int32Array(at(start, reactions))
  for (const [catalyst, reaction] of drawn) {
    for (const each of directions(reaction, reverse)) {
      molecule[at(next, each)] = catalyst
      next[each] = at(next, each) + 1
    }
  }
  return { ...system, catalysts: { start, molecule }, catalyses: drawn.length }
}

function directions(reaction: number, reverse: Int32Array): number[] {
  const other = at(reverse, reaction)
  return other < 0 ? [reaction] : [reaction, other]
}

/** Which of so many trials succeed. The gaps between them are geometric: one draw per success, not per trial. */
function successes(trials: number, probability: number, random: Random): number[] {
  if (probability <= 0) return []
  const found: number[] = []
  const rate = probability < 1 ? ln(1 - probability) : Number.NEGATIVE_INFINITY
  // Below 2^-54 the difference is 1: by no trial of any network's would one succeed.
  if (rate === 0) return []
  for (let trial = -1; ; ) {
    trial += 1 + Math.floor(ln(1 - random.uniform()) / rate)
    if (trial >= trials) return found
    found.push(trial)
  }
}
