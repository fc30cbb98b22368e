// The largest and the irreducible RAFs against a search through all subsets; the threshold of the polymer model.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withCatalysis } from '../../../src/datasets/autocatalysis/catalysis.ts'
import { irreducibleRafs } from '../../../src/datasets/autocatalysis/irreducible.ts'
import { polymerSystem } from '../../../src/datasets/autocatalysis/polymers.ts'
import { rafFinder } from '../../../src/datasets/autocatalysis/raf.ts'
import { runRandom } from '../../../src/datasets/random.ts'
import { all, allRafs, anyRules, maskOf, type Rule, small } from './systems.ts'

const FOOD = ['A', 'B']

/** To the end, whatever it lets others do meanwhile. */
function sampled(...args: Parameters<typeof irreducibleRafs>) {
  const search = irreducibleRafs(...args)
  let next = search.next()
  while (!next.done) next = search.next()
  return next.value
}

test('the largest RAF is the union of all RAFs, found by trying every subset', () => {
  let withRaf = 0
  fc.assert(
    fc.property(anyRules, (rules) => {
      const network = small(FOOD, rules)
      const found = maskOf(rafFinder(network).maxRaf(all(network)))
      const rafs = allRafs(FOOD, rules)
      expect(found).toBe(rafs.reduce((union, raf) => union | raf, 0))
      withRaf += rafs.length > 0 ? 1 : 0
    }),
    { numRuns: 400, seed: 2004 },
  )
  // Neither kind of network is rare among them.
  expect(withRaf).toBeGreaterThan(50)
  expect(withRaf).toBeLessThan(350)
})

test('with reactions that are needed it is the largest if they are all in it, else none', () => {
  fc.assert(
    fc.property(anyRules, fc.nat(), (rules, choice) => {
      const network = small(FOOD, rules)
      const finder = rafFinder(network)
      const raf = finder.maxRaf(all(network))
      const needed = new Uint8Array(network.reactions)
      needed[choice % network.reactions] = 1
      const found = finder.maxRaf(all(network), needed)
      expect(found).toEqual(raf.includes(choice % network.reactions) ? raf : new Int32Array())
    }),
    { numRuns: 200, seed: 2005 },
  )
})

test('an irreducible RAF is a RAF and holds no other, by every subset; all of them are found in time', () => {
  let several = 0
  let missed = 0
  fc.assert(
    fc.property(anyRules, (rules) => {
      const rafs = allRafs(FOOD, rules)
      fc.pre(rafs.length > 0)
      const network = small(FOOD, rules)
      const finder = rafFinder(network)
      const maxRaf = finder.maxRaf(all(network))
      const { rafs: found, orders } = sampled(network, finder, maxRaf, 60, runRandom(7, 1))
      const masks = found.map(({ reactions }) => maskOf(reactions))
      const minimal = rafs.filter(
        (raf) => !rafs.some((other) => other !== raf && (other & raf) === other),
      )
      expect(minimal).toEqual(expect.arrayContaining(masks))
      expect(new Set(masks).size).toBe(masks.length)
      expect(orders).toBe(60)
      expect(found.reduce((sum, { samples }) => sum + samples, 0)).toBe(60)
      several += minimal.length > 1 ? 1 : 0
      missed += minimal.length - masks.length
    }),
    { numRuns: 300, seed: 2013 },
  )
  expect(several).toBeGreaterThan(50)
  expect(missed).toBeLessThan(15)
})

test('a RAF needs its catalyst and its reactants from the food', () => {
  const maxRaf = (rules: Rule[]) => {
    const network = small(['f', 'g'], rules)
    return [...rafFinder(network).maxRaf(all(network))]
  }
  // Two molecules that catalyse each other's making; and their tail, which nothing needs.
  expect(
    maxRaf([
      ['f + g -> X', 'Y'],
      ['f -> Y', 'X'],
      ['X -> Z', 'Z'],
    ]),
  ).toEqual([0, 1, 2])
  // No catalyst is made; a cycle that the food does not feed.
  expect(maxRaf([['f -> X', 'Y']])).toEqual([])
  expect(
    maxRaf([
      ['X -> Y', 'Y'],
      ['Y -> X', 'X'],
    ]),
  ).toEqual([])
  // What falls takes others with it.
  expect(
    maxRaf([['f -> X'], ['X -> Y', 'f'], ['Y + g -> Z', 'f'], ['f -> W', 'Z'], ['f -> V', 'g']]),
  ).toEqual([4])
})

describe('the polymer model', () => {
  test('on larger networks an irreducible RAF loses all by the loss of any reaction', () => {
    const network = withCatalysis(
      polymerSystem({ letters: 2, maxLength: 7, foodLength: 2 }),
      2,
      runRandom(0, 0),
    )
    const finder = rafFinder(network)
    const maxRaf = finder.maxRaf(all(network))
    const { rafs } = sampled(network, finder, maxRaf, 5, runRandom(0, 1))
    expect(rafs.length).toBeGreaterThan(1)
    for (const { reactions } of rafs) {
      expect(reactions.length).toBeGreaterThan(20)
      expect(finder.maxRaf(reactions)).toEqual(reactions)
      for (const reaction of reactions) {
        expect(finder.maxRaf(reactions.filter((each) => each !== reaction)).length).toBe(0)
      }
    }
  })

  test('where an order takes long, fewer are tried, and it is told', () => {
    const network = withCatalysis(
      polymerSystem({ letters: 2, maxLength: 10, foodLength: 2 }),
      2,
      runRandom(2, 0),
    )
    const finder = rafFinder(network)
    const maxRaf = finder.maxRaf(all(network))
    const { rafs, orders } = sampled(network, finder, maxRaf, 50, runRandom(2, 1))
    expect(orders).toBeGreaterThan(1)
    expect(orders).toBeLessThan(50)
    expect(rafs.reduce((sum, { samples }) => sum + samples, 0)).toBe(orders)
    expect(finder.work()).toBeLessThan(8_000_000)
  })

  // Hordijk & Steel (2004) and Mossel & Steel (2005): a level between 1 and 2 is enough for these lengths.
  test.each([
    [8, 100],
    [10, 60],
  ])(
    'up to length %i turns from few to most networks with a RAF between levels 1 and 2',
    (maxLength, networks) => {
      const system = polymerSystem({ letters: 2, maxLength, foodLength: 2 })
      const [few, half, most] = [0.8, 1.3, 2].map((level) => {
        const withRaf = Array.from({ length: networks }, (_, seed) => {
          const network = withCatalysis(system, level, runRandom(seed, 0))
          return rafFinder(network).maxRaf(all(network)).length > 0
        })
        return withRaf.filter((each) => each).length / networks
      })
      expect(few).toBeLessThan(0.1)
      expect(half).toBeGreaterThan(0.3)
      expect(half).toBeLessThan(0.85)
      expect(most).toBeGreaterThan(0.95)
    },
  )
})
