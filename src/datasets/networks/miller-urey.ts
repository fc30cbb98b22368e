// Miller and Urey's flask: a discharge makes hydrogen cyanide and formaldehyde from a reducing
// atmosphere; in the water they add up to aminoacetonitrile, which hydrolyses to glycine (Strecker).
//
// The path: Miller (1953), Science 117:528-529; Miller & Urey (1959), Science 130:245-251, who
// followed HCN and aldehydes rise to a plateau within a day while amino acids grew slowly.
// Cyanohydrin: Schlesinger & Miller (1973), J. Am. Chem. Soc. 95:3729-3735.
// Aminonitrile: Moutou et al. (1995), J. Phys. Org. Chem. 8:721-730; at 25 C the aminonitrile and the
// cyanohydrin stand as 21 L/mol x [NH3], which the constants below keep (ratio of m4 to m9).
// Left out because it is slow beside these steps: the hydrolysis of HCN, Miyakawa, Cleaves & Miller (2002),
// Orig. Life Evol. Biosph. 32:195-208.
//
// The rates are illustrative. They are effective ones near pH 9: ionisation and catalysis by hydroxide
// and aldehyde are folded into the prefactors, and the hydrations m10 and m11 are set to the fast
// side so that glycine shows within short trajectories. The gases are treated as dissolved in the
// one volume. A discharge does not know the temperature: its steps have no activation energy.
// Meant for liquid water.
import type { Network } from '../reaction-network.ts'

export const millerUrey: Network = {
  kelvin: 298.15,
  meantForKelvin: [273, 373],
  sources: [
    'Miller (1953), Science 117:528-529',
    'Miller & Urey (1959), Science 130:245-251',
    'Schlesinger & Miller (1973), J. Am. Chem. Soc. 95:3729-3735',
    'Moutou et al. (1995), J. Phys. Org. Chem. 8:721-730',
  ],
  // A droplet 27 nm across: 1 mol/L is 6,022 molecules.
  volumeLitres: 1e-20,
  species: {
    CH4: { formula: 'CH4', initial: 600 },
    NH3: { formula: 'NH3', initial: 600 },
    H2O: { formula: 'H2O', initial: 334_000 },
    H2: { formula: 'H2', initial: 300 },
    CO: { formula: 'CO', initial: 60 },
    // About 0.04 and 0.01 mol/L, as on the plateau.
    HCN: { formula: 'CHN', initial: 240 },
    CH2O: { formula: 'CH2O', initial: 60 },
    CH2NH: { formula: 'CH3N', initial: 0 },
    glycolonitrile: { formula: 'C2H3NO', initial: 0 },
    aminoacetonitrile: { formula: 'C2H4N2', initial: 0 },
    glycinamide: { formula: 'C2H6N2O', initial: 0 },
    glycine: { formula: 'C2H5NO2', initial: 0 },
  },
  reactions: [
    {
      id: 'm1',
      type: 'discharge',
      equation: 'CH4 + NH3 -> HCN + 3 H2',
      prefactor: 4e-4,
      activationEnergy: 0,
    },
    {
      id: 'm2',
      type: 'discharge',
      equation: 'CH4 + H2O -> CO + 3 H2',
      prefactor: 2e-7,
      activationEnergy: 0,
    },
    {
      id: 'm3',
      type: 'discharge',
      equation: 'CO + H2 -> CH2O',
      prefactor: 2e-3,
      activationEnergy: 0,
    },
    {
      id: 'm4',
      type: 'addition',
      equation: 'CH2O + HCN -> glycolonitrile',
      prefactor: 1e9,
      activationEnergy: 45,
    },
    {
      id: 'm5',
      type: 'elimination',
      equation: 'glycolonitrile -> CH2O + HCN',
      prefactor: 5e14,
      activationEnergy: 110,
    },
    {
      id: 'm6',
      type: 'condensation',
      equation: 'CH2O + NH3 -> CH2NH + H2O',
      prefactor: 5e6,
      activationEnergy: 40,
    },
    {
      id: 'm7',
      type: 'hydrolysis',
      equation: 'CH2NH + H2O -> CH2O + NH3',
      prefactor: 1e10,
      activationEnergy: 68,
    },
    {
      id: 'm8',
      type: 'addition',
      equation: 'CH2NH + HCN -> aminoacetonitrile',
      prefactor: 1e9,
      activationEnergy: 42,
    },
    {
      id: 'm9',
      type: 'elimination',
      equation: 'aminoacetonitrile -> CH2NH + HCN',
      prefactor: 7e12,
      activationEnergy: 105,
    },
    {
      id: 'm10',
      type: 'hydration',
      equation: 'aminoacetonitrile + H2O -> glycinamide',
      prefactor: 3e8,
      activationEnergy: 85,
    },
    {
      id: 'm11',
      type: 'hydrolysis',
      equation: 'glycinamide + H2O -> glycine + NH3',
      prefactor: 1e9,
      activationEnergy: 88,
    },
  ],
}
