// Tests of randomness at fixed seeds: each says how far an honest sample may stray.

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function variance(values: readonly number[]): number {
  const centre = mean(values)
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
}

/** How many standard errors the sample's mean lies from the true one. */
export function meanDeviation(values: readonly number[], trueMean: number, trueVariance: number) {
  return Math.abs(mean(values) - trueMean) / Math.sqrt(trueVariance / values.length)
}

/**
 * How many standard errors the sample's variance lies from the true one, by the fourth moment of
 * the sample's distribution: (kurtosis - 1) / n is the relative variance of a variance.
 */
export function varianceDeviation(values: readonly number[], trueVariance: number, kurtosis = 3) {
  const standardError = trueVariance * Math.sqrt((kurtosis - 1) / values.length)
  return Math.abs(variance(values) - trueVariance) / standardError
}

/** Kolmogorov-Smirnov's sqrt(n) D against a distribution. Above 1.63 in 1 of 100 honest samples. */
export function kolmogorovSmirnov(values: readonly number[], cdf: (x: number) => number): number {
  const n = values.length
  const sorted = [...values].sort((a, b) => a - b)
  const gaps = sorted.map((x, i) => Math.max((i + 1) / n - cdf(x), cdf(x) - i / n))
  return Math.sqrt(n) * Math.max(...gaps)
}

/** Pearson's statistic over degrees of freedom, as a normal deviate (Wilson-Hilferty). */
export function chiSquareDeviate(observed: readonly number[], expected: readonly number[]): number {
  const degrees = observed.length - 1
  const statistic = observed.reduce((sum, count, i) => {
    const hoped = expected[i] ?? Number.NaN
    return sum + (count - hoped) ** 2 / hoped
  }, 0)
  const spread = 2 / (9 * degrees)
  return (Math.cbrt(statistic / degrees) - (1 - spread)) / Math.sqrt(spread)
}
