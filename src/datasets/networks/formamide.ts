// Hot formamide over minerals: it loses water to hydrogen cyanide, hydrolyses to ammonium formate
// (here formic acid and ammonia), and builds adenine through the oligomers of HCN and formamidine.
//
// Products from formamide: Saladino et al. (2001), Bioorg. Med. Chem. 9:1249-1253; reviewed by
// Saladino, Crestini, Pino, Costanzo & Di Mauro (2012), Phys. Life Rev. 9:84-104.
// Barriers: Nguyen et al. (2011), J. Phys. Chem. A 115:841-851, find 73 to 78 kcal/mol for lone
// formamide; (2013) J. Phys. Chem. A 117:2543-2555, about 30 kcal/mol (126 kJ/mol) for the loss of
// water where two or three water molecules help. f1 and f3 follow the latter.
// HCN to its tetramer DAMN, AICN (4-aminoimidazole-5-carbonitrile) and adenine: Oro (1960), Biochem.
// Biophys. Res. Commun. 2:407-412; Sanchez, Ferris & Orgel (1967), J. Mol. Biol. 30:223-253, who close
// the ring by light: f11 is a slow thermal stand-in.
// Hydrolysis of HCN and formamide: Miyakawa, Cleaves & Miller (2002), Orig. Life Evol. Biosph. 32:195-208.
//
// The rates are illustrative: energies in the range of these papers, prefactors chosen so that all
// branches are seen around the 430 K of the experiments, within their 48 hours. Formamide boils at 483 K; at 298 K the
// same steps take years.
import type { Network } from '../reaction-network.ts'

export const formamide: Network = {
  kelvin: 433.15,
  meantForKelvin: [373, 483],
  sources: [
    'Saladino et al. (2001), Bioorg. Med. Chem. 9:1249-1253',
    'Saladino et al. (2012), Phys. Life Rev. 9:84-104',
    'Nguyen et al. (2013), J. Phys. Chem. A 117:2543-2555',
    'Oro (1960), Biochem. Biophys. Res. Commun. 2:407-412',
    'Sanchez, Ferris & Orgel (1967), J. Mol. Biol. 30:223-253',
    'Miyakawa, Cleaves & Miller (2002), Orig. Life Evol. Biosph. 32:195-208',
  ],
  // 1 mol/L is 602 molecules: formamide at 25 mol/L, nearly neat.
  volumeLitres: 1e-21,
  species: {
    formamide: { formula: 'CH3NO', initial: 15_000 },
    H2O: { formula: 'H2O', initial: 600 },
    HCN: { formula: 'CHN', initial: 60 },
    NH3: { formula: 'NH3', initial: 60 },
    CO: { formula: 'CO', initial: 0 },
    formic_acid: { formula: 'CH2O2', initial: 0 },
    formamidine: { formula: 'CH4N2', initial: 0 },
    iminoacetonitrile: { formula: 'C2H2N2', initial: 0 },
    aminomalononitrile: { formula: 'C3H3N3', initial: 0 },
    DAMN: { formula: 'C4H4N4', initial: 0 },
    AICN: { formula: 'C4H4N4', initial: 0 },
    adenine: { formula: 'C5H5N5', initial: 0 },
  },
  reactions: [
    {
      id: 'f1',
      type: 'dehydration',
      equation: 'formamide -> HCN + H2O',
      prefactor: 1e10,
      activationEnergy: 126,
    },
    {
      id: 'f2',
      type: 'hydration',
      equation: 'HCN + H2O -> formamide',
      prefactor: 2e7,
      activationEnergy: 100,
    },
    {
      id: 'f3',
      type: 'decomposition',
      equation: 'formamide -> CO + NH3',
      prefactor: 1e10,
      activationEnergy: 130,
    },
    {
      id: 'f4',
      type: 'hydrolysis',
      equation: 'formamide + H2O -> formic_acid + NH3',
      prefactor: 1e5,
      activationEnergy: 88,
    },
    {
      id: 'f5',
      type: 'condensation',
      equation: 'formic_acid + NH3 -> formamide + H2O',
      prefactor: 1e6,
      activationEnergy: 85,
    },
    {
      id: 'f6',
      type: 'condensation',
      equation: 'formamide + NH3 -> formamidine + H2O',
      prefactor: 1e6,
      activationEnergy: 95,
    },
    {
      id: 'f7',
      type: 'hydrolysis',
      equation: 'formamidine + H2O -> formamide + NH3',
      prefactor: 1e7,
      activationEnergy: 90,
    },
    {
      id: 'f8',
      type: 'oligomerisation',
      equation: '2 HCN -> iminoacetonitrile',
      prefactor: 1e7,
      activationEnergy: 85,
    },
    {
      id: 'f9',
      type: 'oligomerisation',
      equation: 'iminoacetonitrile + HCN -> aminomalononitrile',
      prefactor: 1e8,
      activationEnergy: 75,
    },
    {
      id: 'f10',
      type: 'oligomerisation',
      equation: 'aminomalononitrile + HCN -> DAMN',
      prefactor: 1e8,
      activationEnergy: 75,
    },
    {
      id: 'f11',
      type: 'isomerisation',
      equation: 'DAMN -> AICN',
      prefactor: 1e9,
      activationEnergy: 110,
    },
    {
      id: 'f12',
      type: 'condensation',
      equation: 'AICN + formamidine -> adenine + NH3',
      prefactor: 1e8,
      activationEnergy: 85,
    },
    {
      id: 'f13',
      type: 'addition',
      equation: 'AICN + HCN -> adenine',
      prefactor: 1e7,
      activationEnergy: 85,
    },
    {
      id: 'f14',
      type: 'dehydration',
      equation: 'formic_acid -> CO + H2O',
      prefactor: 1e10,
      activationEnergy: 130,
    },
  ],
}
