// Logarithm and exponential from additions, products and quotients alone. ECMAScript fixes those to
// the last bit, but leaves Math.log and Math.exp to the engine: with these, the same seed gives the
// same bytes on every engine and after every engine's update.

// ln 2 in two parts: the first has trailing zero bits, so that a small integer times it is exact.
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
/** About the square root of 2: where to cut only decides how fast the series below converges. */
const MANTISSA_CUT = 1.4

const scratch = new DataView(new ArrayBuffer(8))

/** Natural logarithm of a normal positive double, within a few units in the last place. */
export function ln(x: number): number {
  scratch.setFloat64(0, x)
  const high = scratch.getInt32(0)
  let exponent = (high >> 20) - 1023
  scratch.setInt32(0, (high & 0xfffff) | 0x3ff00000)
  let mantissa = scratch.getFloat64(0)
  if (mantissa > MANTISSA_CUT) {
    mantissa *= 0.5
    exponent += 1
  }
  // ln m = 2 artanh s, |s| < 0.177: the first term left out is below 2^-60 of the sum.
  const s = (mantissa - 1) / (mantissa + 1)
  const z = s * s
  let series = 1 / 23
  for (let odd = 21; odd >= 3; odd -= 2) series = series * z + 1 / odd
  const fraction = 2 * s + 2 * s * z * series
  return exponent * LN2_HIGH + (exponent * LN2_LOW + fraction)
}

/** e to the x for |x| up to 700, within a few units in the last place. */
export function exp(x: number): number {
  if (!(Math.abs(x) <= 700)) throw new RangeError('exp is for -700 .. 700')
  const power = Math.floor(x / LN2_HIGH + 0.5)
  const r = x - power * LN2_HIGH - power * LN2_LOW
  // |r| < 0.347: Taylor to the 14th power.
  let series = 1
  for (let n = 14; n >= 1; n -= 1) series = 1 + (series * r) / n
  scratch.setInt32(0, (power + 1023) << 20)
  scratch.setInt32(4, 0)
  return series * scratch.getFloat64(0)
}
