// The rules: what each makes of what, what they must leave alone, and that nothing is lost or made.
import { describe, expect, test } from 'vitest'
import { canonicalSmiles } from '../../../src/datasets/molecules/canonical.ts'
import { atomCounts } from '../../../src/datasets/molecules/molecule.ts'
import {
  member,
  opener,
  type Reaction,
  reactionsOf,
} from '../../../src/datasets/molecules/reactions.ts'
import { compileRule, RULES, type RuleName } from '../../../src/datasets/molecules/rules.ts'
import { rulesOf } from '../../../src/datasets/molecules/scenarios.ts'
import { parseSmiles } from '../../../src/datasets/molecules/smiles.ts'
import { SCENARIOS } from '../../../src/datasets/scenario.ts'
import { rows } from './read.ts'

const open = opener()
const canonical = (smiles: string) => canonicalSmiles(parseSmiles(smiles))

/** Reactions of one molecule or two by some rules. */
function react(names: readonly RuleName[], one: string, other?: string): Reaction[] {
  const rules = names.map(compileRule)
  const [a, b] = [one, other ?? one].map((smiles) => member(canonical(smiles), rules, open))
  if (a === undefined || b === undefined) return []
  return [...reactionsOf(a, other === undefined ? null : one === other ? a : b, rules, 24, open)]
}

/** Products as one text each, sorted. */
function products(name: RuleName, one: string, other?: string): string[] {
  return react([name], one, other)
    .map((reaction) => reaction.products.join('.'))
    .sort()
}

const mixture = (smiles: string) => smiles.split(' ').map(canonical).sort().join('.')

/** Reactants, then the products of each way in which they react; a molecule with a blank between. */
const EXAMPLES: Record<RuleName, [string, string | undefined, ...string[]]> = {
  discharge_hydrogen_cyanide: ['C', 'N', 'C#N [H][H] [H][H] [H][H]'],
  discharge_carbon_monoxide: ['O', 'C', '[C-]#[O+] [H][H] [H][H] [H][H]'],
  discharge_formaldehyde: ['[C-]#[O+]', '[H][H]', 'C=O'],
  discharge_acetylene: ['C', 'C', 'C#C [H][H] [H][H] [H][H]'],
  discharge_cyanoacetylene: ['C#C', 'C#N', 'C#CC#N [H][H]'],
  acetylene_hydration: ['C#C', 'O', 'CC=O'],
  cyanohydrin_addition: ['C=O', 'C#N', 'OCC#N'],
  strecker_addition: ['CC=N', 'C#N', 'CC(N)C#N'],
  imine_condensation: ['C=O', 'NCC#N', 'C=NCC#N O'],
  imine_hydrolysis: ['C=NCC#N', 'O', 'C=O NCC#N'],
  nitrile_hydration: ['NCC#N', 'O', 'NCC(N)=O'],
  amide_hydrolysis: ['NCC(=O)NCC(O)=O', 'O', 'NCC(O)=O NCC(O)=O'],
  ester_hydrolysis: ['CC(=O)OC', 'O', 'CC(O)=O CO'],
  amide_condensation: ['NCC(O)=O', 'CC(O)=O', 'CC(=O)NCC(O)=O O'],
  ester_condensation: ['CC(O)=O', 'CO', 'CC(=O)OC O'],
  formaldehyde_dimerisation: ['C=O', 'C=O', 'OCC=O'],
  aldol_addition: ['OCC=O', 'C=O', 'OCC(O)C=O'],
  hydroxyl_dehydration: ['CC(O)CC=O', undefined, 'CC=CC=O O'],
  enol_ketonisation: ['C=C(O)C=O', undefined, 'CC(=O)C=O'],
  alkene_hydration: ['OC(=O)C=CC(O)=O', 'O', 'OC(=O)CC(O)C(O)=O'],
  michael_amine_addition: ['C=CC#N', 'N', 'NCCC#N'],
  michael_cyanide_addition: ['C=CC=O', 'C#N', 'N#CCCC=O'],
  alkyne_amine_addition: ['C#CC#N', 'N', 'NC=CC#N'],
  hydrogen_cyanide_dimerisation: ['C#N', 'C#N', 'N=CC#N'],
  hydrogen_cyanide_tetramerisation: ['NC(C#N)C#N', 'C#N', 'NC(C#N)=C(N)C#N'],
  imidazole_closure: ['NC(C#N)=C(N)C#N', undefined, 'NC1=C(C#N)N=CN1'],
  pyrimidine_closure: ['NC=NC1=C(C#N)N=CN1', undefined, 'NC1=NC=NC2=C1N=CN2'],
  amidine_addition: ['NC1=C(C#N)N=CN1', 'C#N', 'NC=NC1=C(C#N)N=CN1'],
  amidine_condensation: ['NC=O', 'N', 'NC=N O'],
  amidine_exchange: ['NC1=C(C#N)N=CN1', 'NC=N', 'NC=NC1=C(C#N)N=CN1 N'],
  amidine_hydrolysis: ['NC=N', 'O', 'NC=O N'],
  amide_dehydration: ['NC=O', undefined, 'C#N O'],
  amide_decarbonylation: ['NC=O', undefined, '[C-]#[O+] N'],
  amide_dehydrogenation: ['NC=O', undefined, 'N=C=O [H][H]'],
  isocyanic_acid_addition: ['N=C=O', 'N', 'NC(N)=O'],
  isocyanic_acid_hydrolysis: ['N=C=O', 'O', 'O=C=O N'],
  formic_acid_dehydration: ['OC=O', undefined, '[C-]#[O+] O'],
  formic_acid_oxidation: ['OC=O', undefined, 'O=C=O [H][H]'],
  carbon_monoxide_hydration: ['[C-]#[O+]', 'O', 'OC=O'],
  carbon_dioxide_reduction: ['O=C=O', '[H][H]', 'OC=O'],
  acid_reduction: ['[H][H]', 'OC=O', 'C=O O'],
  carbonyl_reduction: ['CC(=O)C(O)=O', '[H][H]', 'CC(O)C(O)=O'],
  alkene_reduction: ['OC(=O)C=CC(O)=O', '[H][H]', 'OC(=O)CCC(O)=O'],
  alcohol_hydrogenolysis: ['CO', '[H][H]', 'C O'],
  alcohol_thiolation: ['CO', 'S', 'CS O'],
  thiol_carbonylation: ['CS', '[C-]#[O+]', 'CC(=O)S'],
  thioester_condensation: ['CC(O)=O', 'CS', 'CC(=O)SC O'],
  thioester_hydrolysis: ['CC(=O)S', 'O', 'CC(O)=O S'],
  thioester_alcoholysis: ['CC(=O)SC', 'CO', 'CC(=O)OC CS'],
  acyl_formate_condensation: ['CC(=O)S', 'OC=O', 'CC(=O)C(O)=O S'],
  carboxylation: ['CC(=O)C(O)=O', 'O=C=O', 'OC(=O)CC(=O)C(O)=O'],
  decarboxylation: ['OC(=O)CC(=O)C(O)=O', undefined, 'CC(=O)C(O)=O O=C=O'],
}

test.each(Object.entries(EXAMPLES))(
  '%s does what chemists know of it',
  (name, [one, other, ...all]) => {
    expect(products(name as RuleName, one, other)).toEqual(all.map(mixture).sort())
  },
)

describe('rings', () => {
  test('of five and six atoms close within a molecule', () => {
    expect(products('amide_condensation', 'NCC(=O)NCC(O)=O')).toEqual([mixture('O=C1CNC(=O)CN1 O')])
    expect(products('ester_condensation', 'OCCCC(O)=O')).toEqual([mixture('O=C1CCCO1 O')])
    expect(products('amide_condensation', 'NCCCCC(O)=O')).toEqual([mixture('O=C1CCCCN1 O')])
  })

  test('of other sizes do not', () => {
    for (const smiles of ['NCC(O)=O', 'NCCC(O)=O', 'NCCCCCC(O)=O']) {
      expect(products('amide_condensation', smiles)).toEqual([])
    }
  })

  test('open again', () => {
    expect(products('ester_hydrolysis', 'O=C1CCCO1', 'O')).toEqual([mixture('OCCCC(O)=O')])
  })
})

describe('left alone are', () => {
  const names = Object.keys(RULES) as RuleName[]
  test.each([
    ['an acid’s C=O by cyanide', ['cyanohydrin_addition'], 'CC(O)=O', 'C#N'],
    ['an amide’s nitrogen', ['amide_condensation', 'imine_condensation'], 'CC(N)=O', 'C=O'],
    ['tertiary amines', ['amide_condensation'], 'CN(C)C', 'CC(O)=O'],
    ['secondary amines, by aldehydes', ['imine_condensation'], 'CNC', 'C=O'],
    [
      'phenols’ C=C by hydrogen',
      ['alkene_reduction', 'enol_ketonisation'],
      'OC1=CC=CC=C1',
      '[H][H]',
    ],
    ['amidines by ammonia, which they hold already', ['amidine_exchange'], 'CN=CN', 'N'],
    ['enols by amines', ['michael_amine_addition'], 'OC=CC#N', 'N'],
    ['acids without a second carbonyl', ['decarboxylation'], 'CCC(O)=O', undefined],
    ['adenine by cyanide', ['strecker_addition', 'amidine_addition'], 'NC1=NC=NC2=C1N=CN2', 'C#N'],
    ['methane by hydrogen', names, 'C', '[H][H]'],
  ] as const)('%s', (_what, rules, one, other) => {
    expect(react(rules, one, other)).toEqual([])
  })
})

test('every rule has a scenario, and no scenario more rules than a mask has bits', () => {
  const used = SCENARIOS.flatMap((scenario) => rulesOf(scenario).map((rule) => rule.name))
  expect([...new Set(used)].sort()).toEqual(Object.keys(RULES).sort())
  for (const scenario of SCENARIOS) {
    const names = rulesOf(scenario).map((rule) => rule.name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeLessThanOrEqual(31)
  }
})

/** Counts of C, H, N, O, S on one side. */
function sum(side: readonly string[]): number[] {
  return side
    .map((smiles) => atomCounts(parseSmiles(smiles)))
    .reduce((total, counts) => total.map((n, i) => n + (counts[i] ?? 0)), [0, 0, 0, 0, 0])
}

test.each(SCENARIOS)('each reaction of %s keeps every element', (scenario) => {
  const rules = rulesOf(scenario)
  const found = rows({ scenario, max_molecules: 120 }).map((row) => member(row.smiles, rules, open))
  const fired = new Map<string, number>()
  for (const [i, one] of found.entries()) {
    for (const other of [null, ...found.slice(0, i + 1)]) {
      for (const { rule, reactants, products } of reactionsOf(one, other, rules, 14, open)) {
        expect([rule.name, reactants, sum(products)]).toEqual([
          rule.name,
          reactants,
          sum(reactants),
        ])
        fired.set(rule.name, (fired.get(rule.name) ?? 0) + 1)
      }
    }
  }
  expect([...fired.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(1000)
  expect(fired.size).toBeGreaterThan(rules.length - 6)
})
