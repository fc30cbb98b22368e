// The order in which a batch of deliveries leaves: as created, backwards, or shuffled by a seed.

export const ORDERS = ['created', 'reversed', 'shuffled'] as const
export type Order = (typeof ORDERS)[number]

/** A new array; the same `seed` over the same items gives the same shuffle. */
export function arrange<T>(items: readonly T[], order: Order, seed: number): T[] {
  if (order === 'created') return [...items]
  if (order === 'reversed') return items.toReversed()
  const random = mulberry32(seed)
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}

/** A small generator of numbers in [0, 1) from 32 bits of seed. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
