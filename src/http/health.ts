// GET /health: the Worker runs. It asks no dependency, so that a monitor costs nothing and tells one thing.
import { Hono } from 'hono'
import packageJson from '../../package.json' with { type: 'json' }
import type { AppEnv } from '../context.ts'

export function healthRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().get('/', (c) => c.json({ status: 'ok', version: packageJson.version }))
}
