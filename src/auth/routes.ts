// POST /auth/register, POST /auth/login.
import { Hono } from 'hono'
import * as z from 'zod/mini'
import { refuseCommonPassword } from '../common-passwords.ts'
import type { AppContext, AppEnv } from '../context.ts'
import { email, knownPassword, newPassword } from '../credentials.ts'
import { TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import { throttleAccount, throttleAddress } from '../throttle.ts'
import { validJson } from '../validate.ts'
import { login, register } from './service.ts'

const loginBody = z.object({ email, password: knownPassword })
const registerBody = z.object({
  email,
  password: newPassword,
  tier: z._default(z.enum(TIERS), 'hobby'),
})

/** Public, and throttled: by address before anything is read, by account before anything is hashed. */
export function authRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post('/register', async (c) => {
      const body = await throttledBody(c, registerBody)
      refuseCommonPassword(body.password, body.email)
      const session = await register(c.var.deps, body)
      if (session === 'email_taken') throw new Problem('email_taken')
      return secretJson(c, session)
    })
    .post('/login', async (c) => {
      const body = await throttledBody(c, loginBody)
      const session = await login(c.var.deps, body)
      if (session === 'invalid_credentials') {
        // RFC 9110, 15.5.2: a 401 names the scheme of what it guards.
        throw new Problem('invalid_credentials', { headers: { 'WWW-Authenticate': 'Bearer' } })
      }
      return secretJson(c, session)
    })
}

async function throttledBody<Schema extends z.ZodMiniType<{ email: string }>>(
  c: AppContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  const { deps } = c.var
  await throttleAddress(deps, c.req.header('CF-Connecting-IP'))
  const body = await validJson(c, schema)
  await throttleAccount(deps, body.email)
  return body
}

function secretJson(c: AppContext, body: object): Response {
  c.header('Cache-Control', 'no-store')
  return c.json(body)
}
