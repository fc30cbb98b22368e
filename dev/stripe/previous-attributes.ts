// `previous_attributes` of an updated event: the changed keys with what they were.

/** The keys of `after` that differ, with the values of `before`; null when nothing differs. */
export function previousAttributes(before: object, after: object): Record<string, unknown> | null {
  const old = new Map<string, unknown>(Object.entries(before))
  const changed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(after)) {
    const previous = difference(old.get(key) ?? null, value)
    if (previous !== SAME) changed[key] = previous
  }
  for (const [key, value] of old) if (!(key in after)) changed[key] = value
  return Object.keys(changed).length > 0 ? changed : null
}

const SAME = Symbol('same')

/** Objects name only their changed keys; lists and plain values are given whole. */
function difference(before: unknown, after: unknown): unknown {
  if (JSON.stringify(before) === JSON.stringify(after ?? null)) return SAME
  if (!isPlain(before) || !isPlain(after)) return before
  const nested = previousAttributes(before, after)
  return nested ?? SAME
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
