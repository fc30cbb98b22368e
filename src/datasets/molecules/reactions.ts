// What one molecule does by itself, and what two do together.
import { atomClasses } from './atom-classes.ts'
import { canonicalSmiles } from './canonical.ts'
import { H, type Molecule } from './molecule.ts'
import { hydrogenMolecule, joined, matches, type Reactant, rewrite } from './rewrite.ts'
import type { Part, Rule } from './rules.ts'
import { parseSmiles } from './smiles.ts'

/** A molecule as an expansion keeps it: small, for there are many. */
export interface Member {
  /** Canonical. */
  readonly smiles: string
  /** By rule, a bit: whether the left and the right part of its pattern fit anywhere. */
  readonly left: number
  readonly right: number
  readonly heavyAtoms: number
}

/** A reaction that fired. Reactants in the order of the rule's pattern; all as canonical SMILES. */
export interface Reaction {
  readonly rule: Rule
  readonly reactants: readonly string[]
  readonly products: readonly string[]
}

/** A pattern laid over molecules. */
interface Place {
  readonly graph: Molecule
  /** Of the graph, in the pattern's order. */
  readonly atoms: readonly number[]
  readonly isOneMolecule: boolean
}

/** A molecule of its SMILES, with its atoms' classes. */
export type Open = (smiles: string) => Reactant

/** How many opened molecules are kept: a few megabytes. */
const OPEN_AT_ONCE = 1000

/** Opens molecules and keeps the last ones open: most of an expansion's are met again soon. */
export function opener(): Open {
  const kept = new Map<string, Reactant>()
  return (smiles) => {
    const known = kept.get(smiles)
    if (known !== undefined) return known
    const molecule = parseSmiles(smiles)
    const reactant = { molecule, classes: atomClasses(molecule) }
    if (kept.size === OPEN_AT_ONCE) kept.clear()
    kept.set(smiles, reactant)
    return reactant
  }
}

/** @param rules at most 31 */
export function member(smiles: string, rules: readonly Rule[], open: Open): Member {
  const reactant = open(smiles)
  const present = reactant.classes.reduce((all, classes) => all | classes, 0)
  const fits = (part: Part | null) =>
    part?.every(({ bits }) => (bits & present) !== 0) && matches(reactant, part).length > 0
  let [left, right] = [0, 0]
  for (const [bit, rule] of rules.entries()) {
    if (fits(rule.left)) left |= 1 << bit
    if (fits(rule.right)) right |= 1 << bit
  }
  return { smiles, left, right, heavyAtoms: heavyAtoms(reactant.molecule) }
}

/**
 * The reactions of `one` by itself (`other` null), rings that it closes among them, or of two
 * molecules, which may be alike: rule by rule, and each set of products once, whichever of several
 * equal places it happens at.
 * @param maxHeavyAtoms of each product
 */
export function* reactionsOf(
  one: Member,
  other: Member | null,
  rules: readonly Rule[],
  maxHeavyAtoms: number,
  open: Open,
): Generator<Reaction> {
  const partnerRight = other === null ? one.right : other.right
  const backward = other === null || other === one ? 0 : other.left & one.right
  const forward = one.left & partnerRight
  const byItself = other === null ? one.left : 0
  // Most pairs do nothing.
  if ((forward | backward | byItself) === 0) return
  const most = one.heavyAtoms + (other?.heavyAtoms ?? 0)
  for (const [bit, rule] of rules.entries()) {
    if (rule.loses !== null && most - rule.loses > maxHeavyAtoms) continue
    const isAt = (mask: number) => ((mask >>> bit) & 1) === 1
    if (other === null) {
      if (!isAt(rule.right === null ? byItself : forward)) continue
      yield* distinct(alone(open(one.smiles), rule), rule, [one.smiles], maxHeavyAtoms)
      continue
    }
    // Either of them may take the rule's first place: to the same products it is the same reaction.
    const seen = new Set<string>()
    for (const [mask, first, second] of [
      [forward, one.smiles, other.smiles],
      [backward, other.smiles, one.smiles],
    ] as const) {
      if (!isAt(mask)) continue
      const places = together(open(first), open(second), rule)
      yield* distinct(places, rule, [first, second], maxHeavyAtoms, seen)
    }
  }
}

function* distinct(
  places: Iterable<Place>,
  rule: Rule,
  reactants: readonly string[],
  maxHeavyAtoms: number,
  seen = new Set<string>(),
): Generator<Reaction> {
  for (const place of places) {
    const products = productsAt(place, rule, maxHeavyAtoms)
    if (products === null) continue
    const key = products.join('.')
    if (seen.has(key)) continue
    seen.add(key)
    yield { rule, reactants, products }
  }
}

function* alone(reactant: Reactant, { left, right }: Rule): Generator<Place> {
  const graph = reactant.molecule
  for (const atoms of matches(reactant, left)) {
    if (right === null) yield { graph, atoms, isOneMolecule: false }
    else {
      for (const others of matches(reactant, right)) {
        if (others.some((atom) => atoms.includes(atom))) continue
        yield { graph, atoms: [...atoms, ...others], isOneMolecule: true }
      }
    }
  }
}

function* together(one: Reactant, other: Reactant, { left, right }: Rule): Generator<Place> {
  const graph = joined(one.molecule, other.molecule)
  const shift = one.molecule.kinds.length
  const others = right === null ? [] : matches(other, right)
  for (const atoms of matches(one, left)) {
    for (const more of others) {
      yield { graph, atoms: [...atoms, ...more.map((a) => a + shift)], isOneMolecule: false }
    }
  }
}

/** Sorted canonical SMILES, or null where valence, ring or size forbid it. */
function productsAt(place: Place, rule: Rule, maxHeavyAtoms: number): string[] | null {
  const products = rewrite(place.graph, rule, place.atoms, place.isOneMolecule)
  if (products === null) return null
  if (products.some((product) => heavyAtoms(product) > maxHeavyAtoms)) return null
  for (let i = 0; i < rule.setsFree; i += 1) products.push(hydrogenMolecule())
  return products.map(canonicalSmiles).sort()
}

function heavyAtoms({ kinds }: Molecule): number {
  return kinds[0] === H ? 0 : kinds.length
}
