// Medians and percentiles of samples.

/** The value below which the share `part` of the samples lies: nearest rank. */
export function percentile(samples: readonly number[], part: number): number {
  if (samples.length === 0) return Number.NaN
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5)
export const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)
