// The handler that the bare and the paid route share: a small JSON, so that what stands before it is what is measured.
import type { Context } from 'hono'

export const answer = (c: Context): Response => c.json({ ok: true, answer: 42 })
