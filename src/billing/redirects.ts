// Where Stripe may send a person back to: https, or http on loopback, and only to allowed origins where a list is set.
import * as z from 'zod/mini'
import { Problem } from '../problem.ts'

// Stripe puts the session's id in its place; a URL's path would have it escaped.
const TEMPLATE = '{CHECKOUT_SESSION_ID}'

/**
 * An absolute URL that a browser can be sent to, in the one spelling that every parser reads alike: what is checked
 * is what is sent on.
 */
export const redirectUrl = z.pipe(
  z
    .string()
    .check(
      z.trim(),
      z.maxLength(2048, 'must have at most 2048 characters'),
      z.refine(isSafe, 'must be an https:// URL (http:// on localhost only)'),
    ),
  z.transform((text: string) =>
    new URL(text).href.replaceAll(encodeURIComponent(TEMPLATE), TEMPLATE),
  ),
)

/** @throws Problem invalid_request naming each of `urls` (by field) whose origin is not in `origins` */
export function requireAllowedOrigins(
  origins: readonly string[] | undefined,
  urls: Record<string, string>,
): void {
  if (origins === undefined) return
  const errors = Object.entries(urls)
    .filter(([, url]) => !origins.includes(new URL(url).origin))
    .map(([path]) => ({ path, message: `must be on one of: ${origins.join(', ')}` }))
  if (errors.length > 0) throw new Problem('invalid_request', { members: { errors } })
}

function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username || password) return false
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  )
}
