// GET /openapi.json: the document that dev/openapi makes of the schemas, an asset of the Worker.
import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'

/** Only its text is taken: an answer of ours has our headers, and no ETag. */
export function openapiRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().get('/', async (c) => {
    const { ASSETS } = c.env as { ASSETS: Fetcher }
    const { body } = await ASSETS.fetch(new URL('/openapi.json', c.req.url))
    return c.newResponse(body, 200, { 'Content-Type': 'application/json' })
  })
}
