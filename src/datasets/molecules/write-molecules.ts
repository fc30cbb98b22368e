// The rows of `novel_molecules`, and how they read as NDJSON, JSON and CSV (RFC 4180).
import type { Column, Format, Writing } from '../dataset-type.ts'
import { csvField, writeTable } from '../table.ts'
import { bertzComplexity, environments, noveltyScore } from './descriptors.ts'
import { expand, type Found } from './expansion.ts'
import { KNOWN_MOLECULES } from './known-molecules.ts'
import { atomCounts, exactMass, formulaText } from './molecule.ts'
import type { MoleculeParams } from './params.ts'
import { FOOD, rulesOf } from './scenarios.ts'
import { parseSmiles } from './smiles.ts'

export const COLUMNS = [
  {
    name: 'molecule_id',
    type: 'integer',
    description: 'From 1, in the order in which they were found',
  },
  {
    name: 'smiles',
    type: 'string',
    description:
      'Canonical within this data set; Kekulé form, no stereo, neutral, as drawn (one tautomer)',
  },
  { name: 'formula', type: 'string', description: 'Hill order' },
  { name: 'exact_mass', type: 'number', unit: 'Da', description: 'Monoisotopic; AME2020' },
  {
    name: 'complexity',
    type: 'number',
    unit: 'bit',
    description: "Bertz' total complexity (1981)",
  },
  {
    name: 'novelty_score',
    type: 'number',
    description: '1 - highest Tanimoto similarity to food and known molecules, 0 to 1',
  },
  { name: 'generation', type: 'integer', description: 'Rounds of the rules; 0 for food' },
  {
    name: 'first_step',
    type: 'integer',
    description: 'Running number of the reaction that made it first, from 1; 0 for food',
  },
  { name: 'reaction_type', type: 'string', description: 'Rule of that reaction, or food' },
  {
    name: 'parents',
    type: 'array',
    description: 'SMILES of its reactants; in CSV joined by dots, as SMILES of a mixture',
  },
  { name: 'scenario', type: 'string', description: 'Where the food and the rules are from' },
] as const satisfies readonly Column[]

export interface MoleculeRow {
  readonly molecule_id: number
  readonly smiles: string
  readonly formula: string
  readonly exact_mass: number
  readonly complexity: number
  readonly novelty_score: number
  readonly generation: number
  readonly first_step: number
  readonly reaction_type: string
  readonly parents: readonly string[]
  readonly scenario: string
}

const utf8 = new TextEncoder()

export function writeMolecules(
  given: MoleculeParams & { seed: number },
  format: Format,
  sample = false,
): Writing {
  // In the schema's order whoever named the seed: the bytes must be the same.
  const { scenario, max_molecules, max_reactions, generations, max_heavy_atoms, seed } = given
  const params = { scenario, max_molecules, max_reactions, generations, max_heavy_atoms, seed }
  return writeTable(format, {
    head: { ...(sample && { sample }), dataset_type: 'novel_molecules', params },
    columns: COLUMNS.map(({ name }) => name),
    rows: rowsOf(params),
    json: ({ row }, to) => to.utf8(utf8.encode(JSON.stringify(row))),
    csv: ({ row }, to) => to.utf8(utf8.encode(row ? csvRow(row) : '')),
    step: ({ row, reactions }) => ({ reactions, isRow: row !== null }),
  })
}

/** A row as soon as its molecule is found; between rows, what was spent without finding one. */
function* rowsOf(
  params: MoleculeParams & { seed: number },
): Generator<{ row: MoleculeRow | null; reactions: number }> {
  const food = FOOD[params.scenario]
  const references = [...food, ...KNOWN_MOLECULES.split(' ')].map(parseSmiles).map(environments)
  let id = 0
  for (const { reactions, found } of expand(food, rulesOf(params.scenario), params, params.seed)) {
    if (found) id += 1
    yield { row: found && cells(id, found, references, params.scenario), reactions }
  }
}

function cells(
  molecule_id: number,
  { smiles, molecule, generation, step, rule, parents }: Found,
  references: readonly Set<number>[],
  scenario: string,
): MoleculeRow {
  const counts = atomCounts(molecule)
  return {
    molecule_id,
    smiles,
    formula: formulaText(counts),
    exact_mass: exactMass(counts),
    complexity: bertzComplexity(molecule),
    novelty_score: noveltyScore(molecule, references),
    generation,
    first_step: step,
    reaction_type: rule,
    parents,
    scenario,
  }
}

function csvRow(row: MoleculeRow): string {
  return Object.values({ ...row, parents: row.parents.join('.') })
    .map(csvField)
    .join(',')
}
