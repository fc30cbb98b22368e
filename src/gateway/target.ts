// Where a call goes: below the configured URL, whatever its path holds. The host never comes from the caller.

/** What a lenient origin may read as "one folder up", once its encodings are undone: `..` with or without a matrix parameter. */
const FOLDER_UP = /(^|[/\\])\.\.($|[/\\;\0])/
const ENCODED: Record<string, string> = {
  '%25': '%',
  '%2e': '.',
  '%2f': '/',
  '%5c': '\\',
  '%00': '\0',
}

/**
 * The URL at the origin for the caller's path and query, or null where the path could lead out of `base`.
 * `base` has a path that ends with a slash.
 */
export function originTarget(base: URL, called: URL): URL | null {
  if (FOLDER_UP.test(decodedPath(called.pathname))) return null
  const target = new URL(base)
  target.pathname = base.pathname + called.pathname.slice(1)
  target.search = called.search
  const inside = target.origin === base.origin && target.pathname.startsWith(base.pathname)
  return inside ? target : null
}

/** With every layer of encoding undone that can hide a folder: an origin may decode more often than it should. */
function decodedPath(path: string): string {
  const decoded = path.replace(/%(25|2e|2f|5c|00)/gi, (code) => ENCODED[code.toLowerCase()] ?? code)
  return decoded === path ? path : decodedPath(decoded)
}
