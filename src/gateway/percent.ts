// Percent-encoding undone as far as anybody may undo it.

const ENCODED = /^%[0-7][0-9a-f]$/i

/**
 * With every layer of percent-encoded ASCII undone: whoever reads it next may decode more often than it should. One
 * pass, however many layers there are: what an octet becomes may complete another with what stands before it.
 */
export function decoded(text: string): string {
  if (!text.includes('%')) return text
  const out: string[] = []
  for (const char of text) {
    out.push(char)
    let last = out.slice(-3).join('')
    while (ENCODED.test(last)) {
      out.splice(-3, 3, String.fromCharCode(Number.parseInt(last.slice(1), 16)))
      last = out.slice(-3).join('')
    }
  }
  return out.join('')
}
