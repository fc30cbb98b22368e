// The known name that a mistyped one most likely meant.

/** The name among `known` that `given` begins, or is within two edits of (a long one: a fifth of its length); the nearest. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  // A key can be as long as the body allows, and the distance costs length times length.
  if (given.length < 3 || given.length > 64) return undefined
  const lower = given.toLowerCase()
  const most = Math.max(2, Math.floor(given.length / 5))
  const near = known
    .map((name) => ({ name, distance: editDistance(lower, name) }))
    .filter(({ name, distance }) => distance <= most || name.startsWith(lower))
    .sort((one, other) => one.distance - other.distance)
  return near[0]?.name
}

/** Levenshtein's distance: insertions, deletions and substitutions, one each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const substituted = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
