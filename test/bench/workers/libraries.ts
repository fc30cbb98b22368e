// The bare route beside the libraries of the app, loaded and not used: what of the start is theirs.
import { NeonHttpSession } from 'drizzle-orm/neon-http/session'
import { PgDatabase } from 'drizzle-orm/pg-core'
import { Hono } from 'hono'
import { SignJWT } from 'jose'
import Stripe from 'stripe'
import * as z from 'zod/mini'
import { answer } from './answer.ts'

/** So that none is left out of the bundle. */
export const libraries = [
  PgDatabase,
  NeonHttpSession,
  SignJWT,
  Stripe,
  z.object({ any: z.string() }),
]

const app = new Hono()
app.get('/api/v1/bench', answer)

export default { fetch: app.fetch }
