// Where a call goes: below the configured URL, whatever its path holds. The host never comes from the caller.
import { decoded } from './percent.ts'

/** What a lenient origin may read as "one folder up", once its encodings are undone: `..` with or without a matrix parameter. */
const FOLDER_UP = /(^|[/\\])\.\.($|[/\\;\0])/

/**
 * The URL at the origin for the caller's path and query, or null where the path could lead out of `base`.
 * `base` has a path that ends with a slash.
 */
export function originTarget(base: URL, called: URL): URL | null {
  if (FOLDER_UP.test(decoded(called.pathname))) return null
  const target = new URL(base)
  target.pathname = base.pathname + called.pathname.slice(1)
  target.search = called.search
  const inside = target.origin === base.origin && target.pathname.startsWith(base.pathname)
  return inside ? target : null
}
