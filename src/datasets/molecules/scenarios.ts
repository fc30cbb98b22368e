// What each scenario begins with and which rules act there: the species of its reaction network that
// are present at the start, and the chemistry that the network's own sources describe.
import type { Scenario } from '../scenario.ts'
import { compileRule, RULES, type Rule, type RuleName } from './rules.ts'

/** Canonical SMILES of the food set. */
export const FOOD: Readonly<Record<Scenario, readonly string[]>> = {
  miller_urey: ['C', 'N', 'O', '[H][H]', '[C-]#[O+]', 'C#N', 'C=O'],
  formamide: ['C(N)=O', 'O', 'C#N', 'N'],
  alkaline_hydrothermal: ['[H][H]', 'C(=O)=O', 'S', 'O', 'C(O)=O', '[C-]#[O+]'],
}

const HYDROLYSES = 'imine_hydrolysis nitrile_hydration amide_hydrolysis amide_condensation'
const CYANIDE =
  'cyanohydrin_addition strecker_addition imine_condensation hydrogen_cyanide_dimerisation hydrogen_cyanide_tetramerisation'
const ALDEHYDES = 'aldol_addition hydroxyl_dehydration enol_ketonisation'
const CARBON_MONOXIDE = 'formic_acid_dehydration carbon_monoxide_hydration'

const NAMES: Readonly<Record<Scenario, string>> = {
  miller_urey: `discharge_hydrogen_cyanide discharge_carbon_monoxide discharge_formaldehyde discharge_acetylene discharge_cyanoacetylene acetylene_hydration ${CYANIDE} ${HYDROLYSES} formaldehyde_dimerisation ${ALDEHYDES} michael_amine_addition michael_cyanide_addition alkyne_amine_addition carbon_monoxide_hydration decarboxylation`,
  formamide: `amide_dehydration amide_decarbonylation amide_dehydrogenation ${CYANIDE} ${HYDROLYSES} amidine_addition amidine_condensation amidine_exchange amidine_hydrolysis imidazole_closure pyrimidine_closure isocyanic_acid_addition isocyanic_acid_hydrolysis ${CARBON_MONOXIDE} decarboxylation`,
  alkaline_hydrothermal: `carbon_dioxide_reduction formic_acid_oxidation acid_reduction carbonyl_reduction alkene_reduction alcohol_hydrogenolysis alcohol_thiolation thiol_carbonylation thioester_condensation thioester_hydrolysis thioester_alcoholysis acyl_formate_condensation ester_condensation ester_hydrolysis formaldehyde_dimerisation ${ALDEHYDES} alkene_hydration carboxylation decarboxylation ${CARBON_MONOXIDE}`,
}

/** In the order in which they are tried. */
export function rulesOf(scenario: Scenario): Rule[] {
  return NAMES[scenario].split(' ').map((name) => {
    if (!(name in RULES)) throw new Error(`Unknown rule: ${name}`)
    return compileRule(name as RuleName)
  })
}
