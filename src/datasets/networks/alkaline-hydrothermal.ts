// An alkaline vent: hydrogen from serpentinisation reduces carbon dioxide over iron-nickel minerals,
// step by step to formate, methanol and methane; a methyl thiol and carbon monoxide give thioacetic
// acid, acetate and pyruvate: a mineral forerunner of the acetyl-CoA pathway.
//
// The idea: Russell & Martin (2004), Trends Biochem. Sci. 29:358-363, "The rocky roots of the acetyl-CoA pathway".
// Formate, methanol, methane, acetate and pyruvate from H2 and CO2 over greigite, magnetite and
// awaruite at 100 C: Preiner et al. (2020), Nat. Ecol. Evol. 4:534-542.
// Activated acetic acid from CH3SH and CO over (Fe,Ni)S: Huber & Waechtershaeuser (1997), Science 276:245-247.
// Hydrolysis of thioacetic acid: Chandru et al. (2016), Sci. Rep. 6:29883.
//
// The rates are illustrative: no consistent set of rate laws over these minerals exists. Orders and
// energies are those usual for catalysed hydrogenation and for hydrolysis, and the prefactors give formate
// first and most, then methanol, then C2 and C3 products, and traces of methane, in the 16 hours of the
// experiments at 373 K; in years, all of the hydrogen ends in acetate and pyruvate. Acids are written neutral so
// that equations balance without charges; the mineral is not a species.
import type { Network } from '../reaction-network.ts'

export const alkalineHydrothermal: Network = {
  kelvin: 373.15,
  meantForKelvin: [300, 423],
  sources: [
    'Russell & Martin (2004), Trends Biochem. Sci. 29:358-363',
    'Preiner et al. (2020), Nat. Ecol. Evol. 4:534-542',
    'Huber & Waechtershaeuser (1997), Science 276:245-247',
    'Chandru et al. (2016), Sci. Rep. 6:29883',
  ],
  // A pore's share of fluid: 1 mol/L is 6,022 molecules.
  volumeLitres: 1e-20,
  species: {
    H2: { formula: 'H2', initial: 1200 },
    CO2: { formula: 'CO2', initial: 600 },
    H2S: { formula: 'H2S', initial: 120 },
    H2O: { formula: 'H2O', initial: 334_000 },
    formic_acid: { formula: 'CH2O2', initial: 60 },
    CO: { formula: 'CO', initial: 30 },
    CH2O: { formula: 'CH2O', initial: 0 },
    methanol: { formula: 'CH4O', initial: 0 },
    methanethiol: { formula: 'CH4S', initial: 0 },
    thioacetic_acid: { formula: 'C2H4OS', initial: 0 },
    acetic_acid: { formula: 'C2H4O2', initial: 0 },
    pyruvic_acid: { formula: 'C3H4O3', initial: 0 },
    methane: { formula: 'CH4', initial: 0 },
  },
  reactions: [
    {
      id: 'a1',
      type: 'reduction',
      equation: 'CO2 + H2 -> formic_acid',
      prefactor: 1e7,
      activationEnergy: 75,
    },
    {
      id: 'a2',
      type: 'oxidation',
      equation: 'formic_acid -> CO2 + H2',
      prefactor: 1e7,
      activationEnergy: 80,
    },
    {
      id: 'a3',
      type: 'dehydration',
      equation: 'formic_acid -> CO + H2O',
      prefactor: 1e8,
      activationEnergy: 90,
    },
    {
      id: 'a4',
      type: 'hydration',
      equation: 'CO + H2O -> formic_acid',
      prefactor: 1e5,
      activationEnergy: 80,
    },
    {
      id: 'a5',
      type: 'reduction',
      equation: 'formic_acid + H2 -> CH2O + H2O',
      prefactor: 1e7,
      activationEnergy: 82,
    },
    {
      id: 'a6',
      type: 'reduction',
      equation: 'CH2O + H2 -> methanol',
      prefactor: 1e8,
      activationEnergy: 70,
    },
    {
      id: 'a7',
      type: 'reduction',
      equation: 'methanol + H2 -> methane + H2O',
      prefactor: 1e6,
      activationEnergy: 85,
    },
    {
      id: 'a8',
      type: 'substitution',
      equation: 'methanol + H2S -> methanethiol + H2O',
      prefactor: 1e8,
      activationEnergy: 80,
    },
    {
      id: 'a9',
      type: 'carbonylation',
      equation: 'methanethiol + CO -> thioacetic_acid',
      prefactor: 1e9,
      activationEnergy: 78,
    },
    {
      id: 'a10',
      type: 'hydrolysis',
      equation: 'thioacetic_acid + H2O -> acetic_acid + H2S',
      prefactor: 1e5,
      activationEnergy: 80,
    },
    {
      id: 'a11',
      type: 'condensation',
      equation: 'thioacetic_acid + formic_acid -> pyruvic_acid + H2S',
      prefactor: 1e8,
      activationEnergy: 80,
    },
  ],
}
