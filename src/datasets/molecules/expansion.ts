// Which molecules the rules reach from a food set, generation by generation.
import { type Random, runRandom } from '../random.ts'
import { canonicalSmiles } from './canonical.ts'
import type { Molecule } from './molecule.ts'
import { permuted } from './permutation.ts'
import { type Member, member, opener, reactionsOf } from './reactions.ts'
import type { Rule } from './rules.ts'
import { parseSmiles } from './smiles.ts'

export interface Limits {
  /** Molecules beside the food set. */
  readonly max_molecules: number
  readonly max_reactions: number
  readonly generations: number
  readonly max_heavy_atoms: number
}

/** A molecule when it is first seen. Food has generation 0, step 0 and no rule. */
export interface Found {
  readonly smiles: string
  readonly molecule: Molecule
  readonly generation: number
  /** The running number of the reaction that made it, from 1. */
  readonly step: number
  readonly rule: string
  /** SMILES of the reactants, in the order of the rule's pattern. */
  readonly parents: readonly string[]
}

/** What a step of the expansion has to tell. */
export interface Step {
  /** Reactions fired since the step before. */
  readonly reactions: number
  readonly found: Found | null
}

/** Tasks between two steps at least, so that who asks can stop an expansion that finds nothing. */
const TASKS_PER_STEP = 4096

/**
 * Each generation takes what the one before has found: first each by itself and with the food, then
 * in pairs among all that is found. Food is what there is most of. Within both the seed decides the order.
 */
export function* expand(
  food: readonly string[],
  rules: readonly Rule[],
  limits: Limits,
  seed: number,
): Generator<Step> {
  const members: Member[] = []
  const known = new Set<string>()
  const open = opener()
  let fired = 0
  let told = 0
  const step = (found: Found | null): Step => {
    const reactions = fired - told
    told = fired
    return { reactions, found }
  }
  const add = (found: Found): Step => {
    known.add(found.smiles)
    members.push(member(found.smiles, rules, open))
    return step(found)
  }

  for (const text of food) {
    const molecule = parseSmiles(text)
    const smiles = canonicalSmiles(molecule)
    yield add({ smiles, molecule, generation: 0, step: 0, rule: 'food', parents: [] })
  }
  const foods = members.length
  const most = foods + limits.max_molecules
  let begin = 0
  for (let generation = 1; generation <= limits.generations; generation += 1) {
    const end = members.length
    if (begin === end) break
    const random = runRandom(seed, generation)
    for (const [i, j] of tasks(begin, end, foods, random)) {
      if (j === TELL) {
        yield step(null)
        continue
      }
      const [one, other] = [members[i], j === ALONE ? null : members[j]]
      if (one === undefined || other === undefined) continue
      for (const { rule, reactants, products } of reactionsOf(
        one,
        other,
        rules,
        limits.max_heavy_atoms,
        open,
      )) {
        fired += 1
        for (const smiles of products) {
          if (known.has(smiles)) continue
          const { molecule } = open(smiles)
          yield add({
            smiles,
            molecule,
            generation,
            step: fired,
            rule: rule.name,
            parents: reactants,
          })
          if (members.length === most) return
        }
        if (fired === limits.max_reactions) {
          yield step(null)
          return
        }
      }
    }
    begin = end
  }
  yield step(null)
}

/** In place of a partner's index. */
const ALONE = -1
const TELL = -2

/** Pairs of members, by index, of which the first is new and no pair is met twice. */
function* tasks(begin: number, end: number, foods: number, random: Random) {
  const size = end - begin
  let done = 0
  const isTold = () => {
    done += 1
    return done % TASKS_PER_STEP === 0
  }
  for (const id of permuted(size * (foods + 1), random)) {
    const i = begin + Math.floor(id / (foods + 1))
    const j = (id % (foods + 1)) - 1
    if (j <= i) yield [i, j] as const
    if (isTold()) yield [0, TELL] as const
  }
  if (begin < foods) return
  const width = end - foods
  for (const id of permuted(size * width, random)) {
    const i = begin + Math.floor(id / width)
    const j = foods + (id % width)
    if (j <= i) yield [i, j] as const
    if (isTold()) yield [0, TELL] as const
  }
}
