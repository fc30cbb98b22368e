// Merging metadata as Stripe does: keys are added or replaced, an empty value removes one.

/** @param changes as `metadata()` reads them: null for the whole clears all, for a key removes it */
export function mergeMetadata(
  current: Record<string, string>,
  changes: Record<string, string | null> | null | undefined,
): Record<string, string> {
  if (changes === null) return {}
  const merged = { ...current }
  for (const [key, value] of Object.entries(changes ?? {})) {
    if (value === null) delete merged[key]
    else merged[key] = value
  }
  return merged
}

/** Sets the named keys of an object to the values that were given; what is absent stays. */
export function assignGiven<T extends object, K extends keyof T>(
  target: T,
  values: { [P in K]?: T[P] | undefined },
  keys: readonly K[],
): void {
  for (const key of keys) {
    const value = values[key]
    if (value !== undefined) target[key] = value
  }
}
