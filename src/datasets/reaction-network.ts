// What a mass-action reaction network is made of, and how its equations read.

export type ReactionType =
  | 'discharge'
  | 'addition'
  | 'elimination'
  | 'condensation'
  | 'hydrolysis'
  | 'hydration'
  | 'dehydration'
  | 'decomposition'
  | 'oligomerisation'
  | 'isomerisation'
  | 'substitution'
  | 'reduction'
  | 'oxidation'
  | 'carbonylation'

/** `formula` as in `C2H5NO2`; `initial` in molecules. */
export interface Species {
  readonly formula: string
  readonly initial: number
}

/**
 * `equation` as in `CH4 + NH3 -> HCN + 3 H2`; an empty side is allowed. One direction: the reverse
 * is a reaction of its own. Its rate is k [A], k [A][B] or k [A]^2, with Arrhenius' k.
 */
export interface Reaction {
  readonly id: string
  readonly type: ReactionType
  readonly equation: string
  /** Arrhenius' A: mol L^-1 s^-1, s^-1 or L mol^-1 s^-1 for order 0, 1 or 2. */
  readonly prefactor: number
  /** Arrhenius' E_a in kJ/mol. */
  readonly activationEnergy: number
}

export interface Network {
  /** Kelvin of the experiments that it is after. */
  readonly kelvin: number
  /** Between which its rates make sense. */
  readonly meantForKelvin: readonly [least: number, most: number]
  readonly sources: readonly string[]
  /** The well-mixed volume, in litres. */
  readonly volumeLitres: number
  readonly species: Readonly<Record<string, Species>>
  readonly reactions: readonly Reaction[]
}

/** A species with its stoichiometric coefficient. */
export interface Term {
  readonly species: string
  readonly coefficient: number
}

export interface Equation {
  readonly reactants: readonly Term[]
  readonly products: readonly Term[]
}

/** Reads `2 A + B -> C`. @throws Error for what is not such an equation. */
export function parseEquation(equation: string): Equation {
  const [left, right, ...rest] = equation.split('->')
  if (left === undefined || right === undefined || rest.length > 0) {
    throw new Error(`Not a one-way reaction: ${equation}`)
  }
  return { reactants: parseSide(left), products: parseSide(right) }
}

/** The side of an equation as it stands in a data set: `HCN + 3 H2`. */
export function sideText(terms: readonly Term[]): string {
  return terms
    .map((term) => (term.coefficient === 1 ? term.species : `${term.coefficient} ${term.species}`))
    .join(' + ')
}

function parseSide(side: string): Term[] {
  if (side.trim() === '') return []
  return side.split(' + ').map((part) => {
    const match = /^(?:(\d+) )?(\S+)$/.exec(part.trim())
    if (match?.[2] === undefined) throw new Error(`Not a species: ${part}`)
    return { species: match[2], coefficient: Number(match[1] ?? 1) }
  })
}
