// The data set autocatalysis_network: what it is, how it is made, what it must not be taken for.
import type { Column, DatasetType } from '../dataset-type.ts'
import { COLUMNS } from './columns.ts'
import { type AutocatalysisParams, autocatalysisParams, LIMITS, reserved } from './params.ts'
import { writeGraph } from './write.ts'

/**
 * Names the generator, the order of its draws, the polymer model, the scenarios' networks and the searches. Whoever
 * changes any of them changes the bytes that a seed stands for, and gives this a new number.
 */
const ALGORITHM = 'raf-1'

const RECORD: Column = { name: 'record', type: 'string', description: 'The kind of record' }

export const autocatalysisNetwork: DatasetType<AutocatalysisParams> = {
  algorithm: ALGORITHM,
  formats: ['json', 'ndjson', 'graphml'],
  params: autocatalysisParams,
  parameters: {
    network: 'random polymers, or the network of a scenario',
    alphabet_size: 'Letters of the polymers; of random alone',
    max_length:
      'Of a polymer; of random alone. Two letters: 6 gives 1,032 reactions, 8 gives 6,152, 10 gives 32,776, 12 gives 163,848',
    food_length: 'Polymers up to it are food; below max_length; of random alone',
    catalysis_level: 'Reactions that a molecule catalyses in the mean',
    max_reactions: 'A network of more is refused, not cut',
    irreducible_samples: 'Random orders in which irreducible sets are searched',
    max_cycles: 'Cycles listed',
    max_cycle_length: 'Molecules of a cycle',
    seed: 'Who catalyses what, and the orders. Left out, we choose one and say it',
  },
  limits: LIMITS,
  sample: {
    network: 'random',
    alphabet_size: 2,
    max_length: 3,
    food_length: 1,
    catalysis_level: 2,
    max_reactions: 40,
    irreducible_samples: 5,
    max_cycles: 5,
    max_cycle_length: 3,
    seed: 1,
  },
  records: Object.fromEntries(
    Object.entries(COLUMNS).map(([kind, columns]) => [kind, [RECORD, ...columns]]),
  ),
  card: {
    title: 'Autocatalytic networks',
    summary:
      'A reaction network with random catalysis as a bipartite graph, its largest autocatalytic set, irreducible sets and autocatalytic cycles.',
    method: [
      'random, a polymer model: molecules are all strings over alphabet_size letters up to max_length; food are those up to food_length; any two whose joint is not too long can be joined in either order (ligation), and every bond be cut (cleavage).',
      'A scenario: species and reactions of its network; food are the species that it starts with; alphabet_size, max_length and food_length say nothing.',
      'Catalysis: each molecule, food too, catalyses each reaction with the same probability, independently: catalysis_level over the number of reactions, a reaction and its reverse counted as one and catalysed together.',
      'RAF: a set of reactions in which each is catalysed by a molecule, and has all reactants, that the set makes from the food (or that is food). The largest is found by taking away, until nothing changes, every reaction without a catalyst or a reactant in the closure of the food under the rest.',
      'Irreducible RAFs: reactions of the largest are left out in random order, each with all that falls with it, unless no RAF would remain; once the first that must stay is known, all at once that make no molecule first. Equal results of the irreducible_samples orders are merged.',
      'Cycles: circuits within the largest RAF, food left out, in which each member is reactant or catalyst of a reaction that makes the next member; no reaction consumes another member or comes with its reverse. Listed when some rates of the reactions make more of every member (the net stoichiometric matrix S has a v > 0 with S v > 0).',
      'Type: self_catalytic (one member, a catalyst), cross_catalytic (all catalysts), stoichiometric (all reactants), mixed. amplification_factor: the largest eigenvalue of 1 + S, a column divided by what its reaction takes of its member.',
    ],
    limitations: [
      'Catalysis is drawn at random also in the scenarios: their reactions are chemistry, who catalyses them is hypothesis.',
      'A RAF is a matter of structure: no rates, amounts or thermodynamics. One whose products are all food is a RAF too.',
      'Irreducible RAFs are a sample: there may be more, and smaller ones, and the orders do not find all equally often. Where each takes long fewer orders are tried than asked for: irreducible_orders.',
      'Cycles are the shortest first, up to max_cycles and a bound of work; cycles_complete tells whether these are all up to max_cycle_length. A cycle may hold a smaller one. Autocatalytic cores without a circuit through all members are not listed.',
    ],
    citations: [
      'S. A. Kauffman, J. Theor. Biol. 119, 1 (1986)',
      'W. Hordijk & M. Steel, J. Theor. Biol. 227, 451 (2004)',
      'E. Mossel & M. Steel, J. Theor. Biol. 233, 327 (2005)',
      'M. Steel, W. Hordijk & J. Smith, J. Theor. Biol. 332, 96 (2013)',
      'A. Blokhuis, D. Lacoste & P. Nghe, PNAS 117, 25230 (2020)',
    ],
  },
  reserved,
  fileName: ({ network, max_length }) => (network === 'random' ? `random-${max_length}` : network),
  write: ({ ...params }, format, sample) => writeGraph(inOrder(params), format, sample),
}

/** In the schema's order whoever named the seed: the head shows them, and its bytes must be the same. */
function inOrder({ seed, ...params }: AutocatalysisParams & { seed: number }) {
  return { ...params, seed }
}
