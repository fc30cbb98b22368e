// A header for an answer that has been made.
import type { AppContext } from './context.ts'

/**
 * Writes a header into the answer that the handlers have made. Not `c.header`: before the answer it makes Hono build
 * a Headers object and copy it, after it a second Response; each costs a hot call more than its way through the
 * paywall does.
 */
export function answerHeader(c: AppContext, name: string, value: string): void {
  try {
    c.res.headers.set(name, value)
  } catch (error) {
    // What `fetch` gave cannot be written to.
    if (!(error instanceof TypeError)) throw error
    c.res = new Response(c.res.body, c.res)
    c.res.headers.set(name, value)
  }
}
