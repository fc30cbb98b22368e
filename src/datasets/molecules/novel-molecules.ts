// The data set `novel_molecules`: what chemistry can make of simple beginnings, by rules.
import type { DatasetType } from '../dataset-type.ts'
import { KNOWN_MOLECULES } from './known-molecules.ts'
import { MOLECULE_LIMITS, type MoleculeParams, moleculeParams } from './params.ts'
import { RULES } from './rules.ts'
import { COLUMNS, writeMolecules } from './write-molecules.ts'

export const novelMolecules: DatasetType<MoleculeParams> = {
  algorithm: 'rule-expansion-1',
  formats: ['ndjson', 'json', 'csv'],
  params: moleculeParams,
  parameters: {
    scenario: 'The food set and the rules',
    max_molecules: 'Ends the expansion; food does not count',
    max_reactions: 'Ends the expansion: applications of rules, which are what it costs',
    generations: 'Ends the expansion: rounds of the rules',
    max_heavy_atoms: 'Of a molecule: products with more atoms that are not hydrogen are left out',
    seed: 'The order within generations, and so what is in when a limit cuts. Left out, we choose one and say it',
  },
  limits: MOLECULE_LIMITS,
  sample: {
    scenario: 'miller_urey',
    max_molecules: 20,
    max_reactions: 100,
    generations: 3,
    max_heavy_atoms: 8,
    seed: 1,
  },
  records: { molecule: COLUMNS },
  card: {
    title: 'Molecules reachable from a prebiotic food set',
    summary:
      'Small molecules of C, H, N, O and S that graph-rewriting rules of prebiotic chemistry make from the food set of a scenario, each with the reaction that made it first.',
    method: [
      'Food: the species that the scenario has at the start (Miller-Urey: CH4, NH3, H2O, H2, CO, HCN, CH2O; formamide: formamide, H2O, HCN, NH3; vent: H2, CO2, H2S, H2O, HCOOH, CO). Rows of generation 0.',
      'Each generation applies all rules of the scenario to what the one before has found: first to each molecule by itself and with each food molecule, then to all pairs. Both in an order that the seed shuffles. It ends at the first of the limits.',
      'The seed therefore decides which molecules are in when a limit cuts the expansion, and which of several reactions is named as first; an expansion that no limit but generations and size ends has the same molecules for all seeds.',
      'A reaction, the unit of cost, is a rule with its reactants and a new set of products; equal places in a molecule count once, products above max_heavy_atoms do not count, reactants need not be consumed.',
      'Intramolecular reactions may close rings of 5 and 6 atoms.',
      'smiles: colour refinement with all ties broken and the least string kept; one string for all Kekulé forms of a molecule. Hydrogen is [H][H], carbon monoxide [C-]#[O+].',
      'complexity: C(eta) + C(E) of Bertz (1981), in bits, rounded to 0.001, over heavy atoms: C(eta) = 2 eta log2 eta - sum of eta_i log2 eta_i; C(E) = E log2 E - sum of E_j log2 E_j. eta are the pairs of bonds that share an atom, a bond of order n taken n times; classes by colour refinement of the Kekulé form shown.',
      'novelty_score: 1 - the highest Tanimoto similarity, rounded to 0.0001, to the food set and the molecules listed below, known from such experiments or from the Murchison meteorite. Compared are sets of circular atom environments of radius 0 to 2; an atom is its element, heavy neighbours, hydrogens and whether a ring of at most 6 has it.',
      `Known molecules: ${KNOWN_MOLECULES}`,
      `Rules (pattern > product, atoms in the same order; letters of patterns are classes of atoms: K aldehyde or ketone, A acyl, I imine, X nitrile, n amine, o alcohol, ...): ${Object.entries(
        RULES,
      )
        .map(([name, rule]) => `${name} ${rule}`)
        .join('; ')}`,
    ],
    limitations: [
      'Reachable by rules is not formed in a flask: there are no rates, yields, equilibria or conditions.',
      'No stereochemistry, charges, radicals or isotopes; acids, amines and amino acids are neutral. Tautomers are molecules of their own, and rules write one of them.',
      'Rules know functional groups, not sterics or strain. Some steps stand for several (HCN tetramerisation; closure of the imidazole, by light in the laboratory).',
      'Novel means unlike a short list; it is no search of the literature.',
      'Only molecules that were met before the limit are in: absence proves nothing unless the expansion ended by itself.',
    ],
    citations: [
      'Miller & Urey (1959), Science 130:245-251',
      'Sanchez, Ferris & Orgel (1967), J. Mol. Biol. 30:223-253',
      'Saladino et al. (2012), Phys. Life Rev. 9:84-104',
      'Preiner et al. (2020), Nat. Ecol. Evol. 4:534-542',
      'Huber & Waechtershaeuser (1997), Science 276:245-247',
      'Bertz (1981), J. Am. Chem. Soc. 103:3599-3601',
      'Rogers & Hahn (2010), J. Chem. Inf. Model. 50:742-754',
      'Wang et al. (2021), AME2020, Chinese Phys. C 45:030003',
    ],
  },
  reserved: (params) => params.max_reactions,
  fileName: ({ scenario }) => scenario,
  write: writeMolecules,
}
