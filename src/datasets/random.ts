// The random numbers of the simulations: xoshiro128**, seeded through SplitMix64. Part of the
// algorithm's version: a change here changes every data set, so it needs a new ALGORITHM name.
// Blackman & Vigna (2021), ACM Trans. Math. Softw. 47(4): "Scrambled linear pseudorandom number generators".
// Steele, Lea & Flood (2014), OOPSLA: "Fast splittable pseudorandom number generators".

export interface Random {
  /** The generator's next 32 bits, as an unsigned integer. */
  uint32(): number
  /** A double in [0, 1) with 53 random bits. Takes two outputs of the generator. */
  uniform(): number
}

const MASK_64 = 0xffff_ffff_ffff_ffffn
const GOLDEN_GAMMA = 0x9e37_79b9_7f4a_7c15n

/**
 * The generator of one run. It depends on the seed and the run's number alone, so runs can be
 * simulated in any order and a request with more runs begins with the runs of a smaller one.
 * @param seed integer, 0 .. 2^53-1
 * @param run integer, 0 .. 2^11-1
 */
export function runRandom(seed: number, run: number): Random {
  // 53 bits of seed and 11 of run fill the word, so no two runs of any two seeds start alike.
  const next = splitMix64(mix((BigInt(run) << 53n) | BigInt(seed)))
  const [low, high] = [next(), next()]
  return xoshiro128(words(low), words(high))
}

/** A seed from random bytes (at least 7): 53 bits of them, as a non-negative safe integer. */
export function seedFrom(bytes: Uint8Array): number {
  if (bytes.length < 7) throw new RangeError('A seed takes 7 random bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (view.getUint32(0) >>> 11) * 2 ** 32 + view.getUint32(3)
}

/** xoshiro128** from its state: two pairs of 32-bit words, not all zero. */
export function xoshiro128(
  [first, second]: readonly [number, number],
  [third, fourth]: readonly [number, number],
): Random {
  // One object with integer fields: closures over plain variables would box them.
  const s = { a: first | 0, b: second | 0, c: third | 0, d: fourth | 0 }

  function uint32(): number {
    const result = Math.imul(rotl(Math.imul(s.b, 5), 7), 9)
    const shifted = s.b << 9
    s.c ^= s.a
    s.d ^= s.b
    s.b ^= s.c
    s.a ^= s.d
    s.c ^= shifted
    s.d = rotl(s.d, 11)
    return result >>> 0
  }

  function uniform(): number {
    const high = uint32() >>> 5
    const low = uint32() >>> 6
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  }

  return { uint32, uniform }
}

/** SplitMix64: a sequence of 64-bit integers. Only seeds generators, so BigInt's pace is enough. */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed & MASK_64
  return () => {
    state = (state + GOLDEN_GAMMA) & MASK_64
    return mix(state)
  }
}

function mix(word: bigint): bigint {
  let z = word
  z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64
  z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64
  return z ^ (z >> 31n)
}

function words(value: bigint): readonly [number, number] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)]
}

function rotl(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
