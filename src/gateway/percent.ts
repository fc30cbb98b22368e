// Percent-encoding undone as far as anybody may undo it.

/** With every layer of percent-encoded ASCII undone: whoever reads it next may decode more often than it should. */
export function decoded(text: string): string {
  // `%25` and what follows it at once: a long row of it would take as many turns.
  const once = text.replace(/%(?:25)*([0-7][0-9a-f])/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return once === text ? text : decoded(once)
}
