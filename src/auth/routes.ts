// POST /auth/register, POST /auth/login.
import { Hono } from 'hono'
import * as z from 'zod/mini'
import { refuseCommonPassword } from '../common-passwords.ts'
import type { AppContext, AppEnv } from '../context.ts'
import { email, knownPassword, newPassword } from '../credentials.ts'
import { tryPassword, trySignUp } from '../data/attempts.ts'
import { TIERS } from '../plans.ts'
import { Problem } from '../problem.ts'
import { throttleAddress } from '../throttle.ts'
import { toTheEnd } from '../to-the-end.ts'
import { requireJson, validJson } from '../validate.ts'
import { login, register, type Session } from './service.ts'

export const loginBody = z.object({ email, password: knownPassword })
export const registerBody = z.object({
  email,
  password: newPassword,
  tier: z._default(z.enum(TIERS), 'hobby'),
})

/** Public, and throttled: by address before anything is read, by all that is known before anything is hashed. */
export function authRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post('/register', async (c) => {
      const { deps } = c.var
      const address = await enterFrom(c)
      const body = await validJson(c, registerBody)
      refuseCommonPassword(body.password, body.email)
      const caller = { address, email: body.email }
      const session = await trySignUp(deps, caller, () => register(deps, body), isTaken)
      if (isTaken(session)) throw new Problem('email_taken')
      return answer(c, session)
    })
    .post('/login', async (c) => {
      const { deps } = c.var
      const address = await enterFrom(c)
      const body = await validJson(c, loginBody)
      const caller = { address, email: body.email }
      const attempt = tryPassword(deps, caller, () => login(deps, body), isWrong)
      const session = await toTheEnd(c, attempt)
      if (isWrong(session)) {
        // RFC 9110, 15.5.2: a 401 names the scheme of what it guards.
        throw new Problem('invalid_credentials', { headers: { 'WWW-Authenticate': 'Bearer' } })
      }
      return answer(c, session)
    })
}

const isTaken = (outcome: Session | 'email_taken') => outcome === 'email_taken'
const isWrong = (outcome: Session | 'invalid_credentials') => outcome === 'invalid_credentials'

/** The caller's address, counted. */
async function enterFrom(c: AppContext): Promise<string | undefined> {
  // First what a page needs a preflight for: any page could keep its visitors' networks out otherwise.
  requireJson(c)
  const address = c.req.header('CF-Connecting-IP')
  await throttleAddress(c.var.deps, address)
  return address
}

function answer(c: AppContext, session: Session): Response {
  c.set('signedIn', session.user.id)
  return c.json(session)
}
