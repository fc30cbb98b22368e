// A shuffled order of many numbers without a list of them.
import type { Random } from '../random.ts'

/**
 * 0 .. size-1, each once, in an order that the random numbers decide, without a list of them: a
 * Feistel network of six rounds over the next power of 4, whose values beyond the size are skipped.
 */
export function* permuted(size: number, random: Random): Generator<number> {
  let half = 1
  while (4 ** half < size) half += 1
  const mask = 2 ** half - 1
  const keys = Array.from({ length: 6 }, () => random.uint32())
  for (let i = 0; i < 4 ** half; i += 1) {
    let high = Math.floor(i / 2 ** half)
    let low = i & mask
    for (const key of keys) {
      let mixed = Math.imul(low ^ key, 0x9e37_79b1)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca77)
      const next = (high ^ (mixed >>> 13)) & mask
      high = low
      low = next
    }
    const value = high * 2 ** half + low
    if (value < size) yield value
  }
}
