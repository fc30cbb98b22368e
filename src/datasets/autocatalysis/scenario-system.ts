// A scenario's mass-action network as the ground of an autocatalytic one: what it starts with is its food.
import { type Network, parseEquation, sideText, type Term } from '../reaction-network.ts'
import { type ReactionSystem, sideOf } from './catalytic-network.ts'

export function scenarioSystem(network: Network): ReactionSystem {
  const names = Object.keys(network.species)
  const species = Object.values(network.species)
  const indexed = (terms: readonly Term[]) =>
    terms.map((term) => [names.indexOf(term.species), term.coefficient] as const)
  const equations = network.reactions.map(({ equation }) => parseEquation(equation))
  const texts = equations.map((each) => [sorted(each.reactants), sorted(each.products)] as const)
  return {
    molecules: names.length,
    reactions: equations.length,
    food: Uint8Array.from(species, ({ initial }) => (initial > 0 ? 1 : 0)),
    reactants: sideOf(equations.map((each) => indexed(each.reactants))),
    products: sideOf(equations.map((each) => indexed(each.products))),
    reverse: Int32Array.from(texts, ([left, right]) =>
      texts.findIndex(([from, to]) => from === right && to === left),
    ),
    describeMolecule: (molecule) => ({
      id: names[molecule] ?? '',
      formula: species[molecule]?.formula ?? '',
    }),
    describeReaction: (reaction) => ({
      id: network.reactions[reaction]?.id ?? '',
      type: network.reactions[reaction]?.type ?? '',
    }),
  }
}

/** A side's text whatever the order of its terms. */
function sorted(terms: readonly Term[]): string {
  return sideText([...terms].sort((one, other) => (one.species < other.species ? -1 : 1)))
}
