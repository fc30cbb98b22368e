// The fields of each kind of record, with their types and meaning.
import type { Column } from '../dataset-type.ts'
import type { Kind } from './records.ts'

const column = (name: string, type: Column['type'], description: string): Column => ({
  name,
  type,
  description,
})

export const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  molecule: [
    column('id', 'string', 'The polymer or species; unique among molecules and reactions'),
    column('formula', 'string', 'Molecular formula; of a polymer its monomers, as in a2b'),
    column('in_food', 'boolean', 'Always there'),
    column(
      'in_closure',
      'boolean',
      'Made from the food by the network’s reactions, catalysed or not',
    ),
    column('in_max_raf', 'boolean', 'Food or product of the largest RAF that takes part in it'),
  ],
  reaction: [
    column('id', 'string', 'Of polymers a+b for a joined to b, a-b for the cut between them'),
    column('type', 'string', 'ligation, cleavage, or the type in the scenario'),
    column('equation', 'string', 'As in 2 a -> aa'),
    column('in_closure', 'boolean', 'All reactants are in the closure of the food'),
    column('in_max_raf', 'boolean', 'In the largest RAF'),
  ],
  edge: [
    column('source', 'string', 'Id of a reactant, a catalyst, or of a reaction that makes'),
    column('target', 'string', 'Id of the reaction, or of the product'),
    column('role', 'string', 'reactant, product or catalyst'),
    column('stoichiometry', 'integer', 'Molecules consumed or made; 0 for a catalyst'),
  ],
  irreducible_raf: [
    column('size', 'integer', 'Reactions'),
    column('samples', 'integer', 'How many of the random orders ended in it'),
    column('reactions', 'array', 'Their ids'),
  ],
  cycle: [
    column(
      'type',
      'string',
      'self_catalytic, cross_catalytic, stoichiometric or mixed: see method',
    ),
    column('length', 'integer', 'Members, and reactions'),
    column('amplification_factor', 'number', 'Members after a turn per member before it; above 1'),
    column('net_gain', 'integer', 'Members more when each reaction has fired once'),
    column('molecules', 'array', 'Ids of the members'),
    column('reactions', 'array', 'Ids: each needs the member at its place and makes the next'),
    column('links', 'array', 'reactant or catalyst: how each reaction needs its member'),
  ],
  summary: [
    column('molecules', 'integer', 'In the network'),
    column('food_molecules', 'integer', 'In the food'),
    column('reactions', 'integer', 'In the network, each direction counted'),
    column('catalyses', 'integer', 'Pairs of a molecule and a reaction, both directions as one'),
    column('closure_molecules', 'integer', 'In the closure of the food, with the food'),
    column('max_raf_reactions', 'integer', 'In the largest RAF; 0 when there is no RAF'),
    column('max_raf_molecules', 'integer', 'With in_max_raf'),
    column('irreducible_rafs', 'integer', 'Distinct ones found'),
    column('smallest_irreducible_raf', 'integer', 'Reactions of the smallest found; 0 for none'),
    column('cycles', 'integer', 'Listed'),
    column('cycles_complete', 'boolean', 'Whether these are all up to max_cycle_length'),
  ],
}
