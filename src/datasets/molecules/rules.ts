// The reactions as graph rewrites. A rule reads `pattern>product`: letters of the pattern are classes of
// atoms (atom-classes.ts), the product lists the same atoms in the same order with their new bonds;
// an `H` that the pattern has and the product has not is hydrogen taken up, the reverse is hydrogen set free.
// Hydrogen on heavy atoms follows from valences, so what a rule keeps of bonds and H keeps the elements.
//
// Strecker chemistry, cyanohydrins, discharge: Miller & Urey (1959), Science 130:245-251; Schlesinger &
// Miller (1973), J. Am. Chem. Soc. 95:3729; acetylene, cyanoacetylene: Sanchez, Ferris & Orgel (1966),
// Science 154:784-785; additions to acrolein and acrylonitrile: Van Trump & Miller (1972), Science 178:859-860.
// Formaldehyde to sugars: Breslow (1959), Tetrahedron Lett. 1(21):22-26.
// HCN to its tetramer, AICN and adenine: Ferris & Orgel (1966), J. Am. Chem. Soc. 88:1074 (imidazole from
// DAMN, by light); Sanchez, Ferris & Orgel (1967), J. Mol. Biol. 30:223-253.
// Formamide: Saladino et al. (2012), Phys. Life Rev. 9:84-104; its loss of H2 to HNCO: Ferus et al. (2011),
// J. Phys. Chem. A 115:12132-12141.
// Vent: Preiner et al. (2020), Nat. Ecol. Evol. 4:534-542; thiols, CO and thioacids: Heinen & Lauwers (1996),
// Orig. Life Evol. Biosph. 26:131-150; Huber & Waechtershaeuser (1997), Science 276:245-247; carboxylation,
// reduction and loss of water as in the reverse citric acid cycle: Muchowska et al. (2019), Nature 569:104-107.
import { classBits } from './atom-classes.ts'
import { C, Q } from './molecule.ts'
import { type Fragment, parseFragment } from './smiles.ts'

export const RULES = {
  discharge_hydrogen_cyanide: 'm.z>C#N.H.H.H',
  discharge_carbon_monoxide: 'm.w>Q=O.H.H.H',
  discharge_formaldehyde: 'Q=O.H>C=O',
  discharge_acetylene: 'm.m>C#C.H.H.H',
  discharge_cyanoacetylene: 'y#y.J#N>C#C1.C1#N.H',
  cyanohydrin_addition: 'K=O.J#N>C1O.C1#N',
  strecker_addition: 'I=N.J#N>C1N.C1#N',
  imine_condensation: 'K=O.n>C=1.O.N1',
  imine_hydrolysis: 'I=N.w>C=1.N.O1',
  nitrile_hydration: 'X#N.w>C1N.O=1',
  amide_hydrolysis: 'AN.w>C1.N.O1',
  ester_hydrolysis: 'AOC.w>C1.OC.O1',
  amide_condensation: 'Ax.n>C1.O.N1',
  ester_condensation: 'Ax.o>C1.O.O1',
  formaldehyde_dimerisation: 'F=O.F=O>C1=O.C1O',
  aldol_addition: 'e.K=O>C1.C1O',
  hydroxyl_dehydration: 'oCh>O.C=C',
  enol_ketonisation: 'Ov=v>O=CC',
  alkene_hydration: 'r=vp.w>C1CC.O1',
  acetylene_hydration: 'y#y.w>CC=1.O1',
  michael_amine_addition: 'r=vp.n>C1CC.N1',
  michael_cyanide_addition: 'r=vp.J#N>C1CC.C1#N',
  alkyne_amine_addition: 'C#CX.n>C1=CC.N1',
  hydrogen_cyanide_dimerisation: 'J#N.J#N>C1=N.C1#N',
  hydrogen_cyanide_tetramerisation: 'nC(C#N)C#N.J#N>NC=1C#N.C2#N.C12N',
  imidazole_closure: 'nC(C#N)=C(C#N)n>NC1=2.C3N1.C=2(C#N)N=3',
  amidine_addition: 'X#N.n>C1N.N=1',
  amidine_condensation: 'NB=O.n>NC=1.O.N1',
  amidine_exchange: 'aM=N.nC>N.C=1N.N1C',
  pyrimidine_closure: 'NM=NC=CX#N>N=1C=NC=CC1N',
  amidine_hydrolysis: 'NM=N.w>NC=1.N.O1',
  amide_dehydration: 'NB=O>N#C.O',
  amide_decarbonylation: 'NB=O>N.Q=O',
  amide_dehydrogenation: 'NB=O>N=C=O.H',
  isocyanic_acid_addition: 'N=D=O.n>NC1=O.N1',
  isocyanic_acid_hydrolysis: 'N=D=O.w>N.C=1=O.O1',
  formic_acid_dehydration: 'xg=O>O.Q=O',
  formic_acid_oxidation: 'g(=O)x>C(=O)=O.H',
  carbon_monoxide_hydration: 'Q=O.w>C1=O.O1',
  carbon_dioxide_reduction: 'O=D=O.H>OC=O',
  acid_reduction: 'Ax.H>C.O',
  carbonyl_reduction: 'K=O.H>CO',
  alkene_reduction: 'v=v.H>CC',
  alcohol_hydrogenolysis: 'oC.H>O.C',
  alcohol_thiolation: 'oC.t>O.C1.S1',
  thiol_carbonylation: 'Cs.Q=O>C1.S2.C12=O',
  thioester_condensation: 'Ax.s>C1.O.S1',
  thioester_hydrolysis: 'Au.w>C1.S.O1',
  thioester_alcoholysis: 'Au.o>C1.S.O1',
  acyl_formate_condensation: 'Au.g>C1.S.C1',
  carboxylation: 'e.O=D=O>C1.OC1=O',
  decarboxylation: 'pCAx>CC.C=O',
} as const

export type RuleName = keyof typeof RULES

/** A connected piece of a pattern: a tree. The first atom has no `parent`. */
export type Part = readonly {
  readonly bits: number
  readonly parent: number
  readonly order: number
}[]

/** Atoms counted through left and right. */
type Bond = readonly [a: number, b: number, order: number]

export interface Rule {
  readonly name: RuleName
  readonly left: Part
  /** Of the second molecule, or of another place in the same one. */
  readonly right: Part | null
  /** Bonds that change, with their new order. */
  readonly edits: readonly Bond[]
  readonly newKinds: readonly (readonly [atom: number, kind: number])[]
  /** The pattern's atom that is hydrogen taken up. */
  readonly takesUp: number | null
  /** Molecules of hydrogen set free. */
  readonly setsFree: number
  /**
   * How many fewer heavy atoms the largest product has at least than the reactants, where all else that
   * leaves is water, ammonia and hydrogen; otherwise null. Spares trying what would be too large.
   */
  readonly loses: number | null
}

export function compileRule(name: RuleName): Rule {
  const [before, after] = RULES[name].split('>').map(parseFragment)
  if (before === undefined || after === undefined) throw new Error(`Not a rule: ${name}`)
  const { letters, parts } = before
  const secondAt = parts.indexOf(1)
  const parent = new Map(before.bonds.map(([a, b, order]) => [b, { a, order }]))
  const part = (from: number, to: number): Part =>
    letters.slice(from, to).map((letter, i) => {
      const up = parent.get(from + i)
      return { bits: classBits(letter), parent: up ? up.a - from : -1, order: up?.order ?? 0 }
    })
  const size = secondAt < 0 ? letters.length : secondAt
  const orders = new Map<string, Bond>(before.bonds.map(([a, b]) => [`${a},${b}`, [a, b, 0]]))
  for (const [a, b, order] of after.bonds) {
    orders.set(`${Math.min(a, b)},${Math.max(a, b)}`, [Math.min(a, b), Math.max(a, b), order])
  }
  const old = (a: number, b: number) => before.bonds.find((o) => o[0] === a && o[1] === b)?.[2] ?? 0
  const isTakenUp = letters[letters.length - 1] === 'H' && after.letters.length < letters.length
  return {
    name,
    left: part(0, size),
    right: secondAt < 0 ? null : part(size, letters.length),
    edits: [...orders.values()].filter(([a, b, order]) => old(a, b) !== order),
    newKinds: letters.flatMap((letter, atom) => {
      const isCarbonyl = after.letters[atom] === 'Q'
      if ((letter === 'Q') === isCarbonyl || after.letters[atom] === undefined) return []
      return [[atom, isCarbonyl ? Q : C] as const]
    }),
    takesUp: isTakenUp ? letters.length - 1 : null,
    setsFree: after.letters.slice(letters.length).length,
    loses: losses(before, after),
  }
}

/** An atom that is a product by itself is water or ammonia, if its class has no second neighbour. */
function losses(before: Fragment, after: Fragment): number | null {
  const bound = new Set<number>()
  for (const [a, b] of after.bonds) bound.add(a).add(b)
  const single = after.letters.flatMap((letter, atom) =>
    letter !== 'H' && !bound.has(atom) ? [atom] : [],
  )
  const isSmall = (atom: number) =>
    'xowaz'.includes(before.letters[atom] ?? '') ||
    before.bonds.some(([, b, order]) => b === atom && order === 2 && before.letters[atom] === 'O')
  return isConnected(after, bound) && single.every(isSmall) ? single.length : null
}

function isConnected({ bonds }: Fragment, atoms: ReadonlySet<number>): boolean {
  const reached = new Set([...atoms].slice(0, 1))
  for (let size = 0; size < reached.size; ) {
    size = reached.size
    for (const [a, b] of bonds) if (reached.has(a) || reached.has(b)) reached.add(a).add(b)
  }
  return reached.size === atoms.size
}
