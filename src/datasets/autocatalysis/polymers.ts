// The polymer model: all strings over an alphabet up to a length, joined end to end and cut anywhere.
// Kauffman (1986), J. Theor. Biol. 119:1-24; in this form Hordijk & Steel (2004), J. Theor. Biol. 227:451-461.
import { at, type ReactionSystem, type Side } from './catalytic-network.ts'

export interface PolymerModel {
  /** Kinds of monomers. */
  readonly letters: number
  readonly maxLength: number
  /** Polymers up to this length are food. */
  readonly foodLength: number
}

/** Reactions of the model, both directions counted: 2 x the sum of (l - 1) letters^l over l = 2 .. maxLength. */
export function polymerReactions(letters: number, maxLength: number): number {
  let count = 0
  for (let length = 2; length <= maxLength; length += 1)
    count += 2 * (length - 1) * letters ** length
  return count
}

/**
 * Molecules in order of length, then of the alphabet. Reaction 2i joins, 2i + 1 cuts the same bond. The order of the
 * parts counts: a + aa and aa + a are two reactions, as in the papers.
 */
export function polymerSystem({ letters, maxLength, foodLength }: PolymerModel): ReactionSystem {
  const first = firstOfLength(letters, maxLength)
  const molecules = first[maxLength + 1] as number
  const reactions = polymerReactions(letters, maxLength)
  const [reactants, products] = [emptySide(reactions), emptySide(reactions)]
  let [reaction, from, to] = [0, 0, 0]
  for (let length = 2; length <= maxLength; length += 1) {
    for (let value = 0; value < letters ** length; value += 1) {
      const whole = (first[length] as number) + value
      for (let cut = 1; cut < length; cut += 1) {
        const tail = letters ** (length - cut)
        const left = (first[cut] as number) + Math.floor(value / tail)
        const right = (first[length - cut] as number) + (value % tail)
        from = write(reactants, from, left, right)
        to = write(products, to, whole)
        end(reaction)
        from = write(reactants, from, whole)
        to = write(products, to, left, right)
        end(reaction + 1)
        reaction += 2
      }
    }
  }

  function end(of: number): void {
    reactants.start[of + 1] = from
    products.start[of + 1] = to
  }

  const name = (molecule: number) => nameOf(molecule, letters, first)
  return {
    molecules,
    reactions,
    food: Uint8Array.from({ length: molecules }, (_, molecule) =>
      molecule < (first[foodLength + 1] as number) ? 1 : 0,
    ),
    reactants,
    products,
    reverse: Int32Array.from({ length: reactions }, (_, index) => index ^ 1),
    describeMolecule: (molecule) => ({ id: name(molecule), formula: formulaOf(name(molecule)) }),
    describeReaction: (index) => {
      const isLigation = index % 2 === 0
      const { start, molecule } = isLigation ? reactants : products
      const left = name(at(molecule, at(start, index)))
      const right = name(at(molecule, at(start, index + 1) - 1))
      return isLigation
        ? { id: `${left}+${right}`, type: 'ligation' }
        : { id: `${left}-${right}`, type: 'cleavage' }
    },
  }
}

/** By length, up to one more than the longest: the index of the first polymer of that length. */
function firstOfLength(letters: number, maxLength: number): number[] {
  const first = [0, 0]
  for (let length = 1; length <= maxLength; length += 1) {
    first.push((first[length] as number) + letters ** length)
  }
  return first
}

function nameOf(molecule: number, letters: number, first: readonly number[]): string {
  const length = first.findLastIndex((index) => index <= molecule)
  let name = ''
  let value = molecule - (first[length] as number)
  while (name.length < length) {
    name = String.fromCharCode(97 + (value % letters)) + name
    value = Math.floor(value / letters)
  }
  return name
}

/** The monomers, as in a2b. */
function formulaOf(name: string): string {
  return [...new Set(name)]
    .sort()
    .map((letter) => {
      const count = name.split(letter).length - 1
      return count === 1 ? letter : `${letter}${count}`
    })
    .join('')
}

/** Room for one and two terms in turn. */
function emptySide(reactions: number): Side {
  return {
    start: new Int32Array(reactions + 1),
    molecule: new Int32Array(1.5 * reactions),
    coefficient: new Uint8Array(1.5 * reactions).fill(1),
  }
}

/** Writes one molecule, or two, or two of a kind; answers where the next goes. */
function write({ molecule, coefficient }: Side, slot: number, one: number, other = -1): number {
  molecule[slot] = one
  if (other < 0) return slot + 1
  if (other === one) {
    coefficient[slot] = 2
    return slot + 1
  }
  molecule[slot + 1] = other
  return slot + 2
}
