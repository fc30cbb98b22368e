// What a browser's form sent, and where it goes next.
import type { Context } from 'hono'

/** The fields of a form; none when the body is of another kind. */
export async function readForm(c: Context): Promise<URLSearchParams> {
  const type = c.req.header('Content-Type') ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams()
  return new URLSearchParams(await c.req.text())
}

/** A link may only lead to a page: an address such as `javascript:` came from an API call. */
export function linkable(url: string | null | undefined): string | null {
  if (!url || !URL.canParse(url)) return null
  return /^https?:$/.test(new URL(url).protocol) ? url : null
}
