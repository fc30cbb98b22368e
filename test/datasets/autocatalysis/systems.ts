// Small catalytic networks, written as a chemist writes them, and what a search through all subsets says of them.
import fc from 'fast-check'
import type { CatalyticNetwork } from '../../../src/datasets/autocatalysis/catalytic-network.ts'
import { sideOf } from '../../../src/datasets/autocatalysis/catalytic-network.ts'
import { parseEquation } from '../../../src/datasets/reaction-network.ts'

/** `catalysts`: names; the equation as in `A + B -> 2 C`. */
export type Rule = readonly [equation: string, ...catalysts: string[]]

export interface Small extends CatalyticNetwork {
  readonly names: readonly string[]
}

export function small(food: readonly string[], rules: readonly Rule[]): Small {
  const equations = rules.map(([equation]) => parseEquation(equation))
  const names = [
    ...new Set([
      ...food,
      ...equations.flatMap(({ reactants, products }) =>
        [...reactants, ...products].map(({ species }) => species),
      ),
      ...rules.flatMap(([, ...catalysts]) => catalysts),
    ]),
  ]
  const terms = (side: 'reactants' | 'products') =>
    sideOf(
      equations.map((each) =>
        each[side].map(
          ({ species, coefficient }) => [names.indexOf(species), coefficient] as const,
        ),
      ),
    )
  const texts = rules.map(([equation]) => equation.split(' -> '))
  return {
    names,
    molecules: names.length,
    reactions: rules.length,
    food: Uint8Array.from(names, (name) => (food.includes(name) ? 1 : 0)),
    reactants: terms('reactants'),
    products: terms('products'),
    reverse: Int32Array.from(texts, ([left, right]) =>
      texts.findIndex(([from, to]) => from === right && to === left),
    ),
    catalysts: sideOf(
      rules.map(([, ...catalysts]) => catalysts.map((name) => [names.indexOf(name), 1] as const)),
    ),
    describeMolecule: (molecule) => ({ id: names[molecule] ?? '', formula: '' }),
    describeReaction: (reaction) => ({ id: `r${reaction}`, type: '' }),
  }
}

export const all = (network: CatalyticNetwork) =>
  Int32Array.from({ length: network.reactions }, (_, reaction) => reaction)

/** Up to 12 reactions among 8 molecules, of which 2 are food; each molecule may catalyse each. */
export const anyRules: fc.Arbitrary<Rule[]> = fc
  .array(
    fc.record({
      from: fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { minLength: 1, maxLength: 2 }),
      to: fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { minLength: 1, maxLength: 2 }),
      catalysts: fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((rules) =>
    rules.map(
      ({ from, to, catalysts }): Rule => [`${from.join(' + ')} -> ${to.join(' + ')}`, ...catalysts],
    ),
  )

/** The definition, word by word, on sets of names. */
export function isRaf(food: readonly string[], rules: readonly Rule[]): boolean {
  const made = new Set(food)
  const sides = rules.map(([equation]) => {
    const { reactants, products } = parseEquation(equation)
    return [reactants, products].map((side) => side.map(({ species }) => species))
  })
  for (let before = -1; before < made.size; ) {
    before = made.size
    for (const [from = [], to = []] of sides) {
      if (from.every((name) => made.has(name))) for (const name of to) made.add(name)
    }
  }
  return (
    rules.length > 0 &&
    rules.every(
      ([, ...catalysts], i) =>
        catalysts.some((name) => made.has(name)) && sides[i]?.[0]?.every((name) => made.has(name)),
    )
  )
}

/** All RAFs among the rules, as bit masks. */
export function allRafs(food: readonly string[], rules: readonly Rule[]): number[] {
  const masks: number[] = []
  for (let mask = 1; mask < 1 << rules.length; mask += 1) {
    if (
      isRaf(
        food,
        rules.filter((_, i) => (mask >> i) & 1),
      )
    )
      masks.push(mask)
  }
  return masks
}

export const maskOf = (reactions: Iterable<number>) =>
  [...reactions].reduce((mask, reaction) => mask | (1 << reaction), 0)
