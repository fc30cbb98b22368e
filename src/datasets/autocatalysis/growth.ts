// Whether and how fast a cycle's members multiply, from its square net stoichiometry: a row per member, a column per
// reaction, nothing off the diagonal negative, and a way from each member to each other.

type Matrix = readonly (readonly number[])[]

/**
 * Whether some rates of the reactions make more of every member: exactly, in integers. They do unless the negative is
 * an M-matrix, whose leading minors are all positive, the last 0 at least (Berman & Plemmons 1994, chapter 6).
 */
export function isProductive(net: Matrix): boolean {
  const m = net.map((row) => row.map((each) => -each))
  let divisor = 1
  // Bareiss' elimination: the k-th pivot is the k-th leading minor, and every division is exact.
  for (const [k, row] of m.entries()) {
    const pivot = row[k] as number
    if (k === m.length - 1 ? pivot < 0 : pivot <= 0) return true
    for (const lower of m.slice(k + 1)) {
      const factor = lower[k] as number
      for (let j = k; j < m.length; j += 1) {
        lower[j] = (pivot * (lower[j] as number) - factor * (row[j] as number)) / divisor
      }
    }
    divisor = pivot
  }
  return false
}

/**
 * The largest eigenvalue of 1 + net / taken, to 6 decimals: members after a turn over members before it when each
 * reaction fires once per `taken` molecules of its own member and their shares are steady.
 */
export function growthFactor(net: Matrix, taken: readonly number[]): number {
  // One more on the diagonal, so that the powers converge for circuits of any length.
  const step = net.map((row, i) =>
    row.map((each, j) => each / (taken[j] as number) + (i === j ? 2 : 0)),
  )
  let shares = net.map(() => 1)
  for (let round = 0; round < 10_000; round += 1) {
    const grown = step.map((row) =>
      row.reduce((sum, each, j) => sum + each * (shares[j] as number), 0),
    )
    const ratios = grown.map((each, i) => each / (shares[i] as number))
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
    // Collatz and Wielandt: it lies between.
    if (most - least < 1e-9) return rounded((least + most) / 2 - 1)
    const largest = Math.max(...grown)
    shares = grown.map((each) => each / largest)
  }
  throw new Error('A cycle has no steady growth')
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
