// /keys: an account's API keys. The key itself is shown by what makes one, and by nothing else here.
import { Hono } from 'hono'
import * as z from 'zod/mini'
import { KEY_MODES } from '../api-key.ts'
import type { AppContext, AppEnv, Guard } from '../context.ts'
import { Problem } from '../problem.ts'
import { toTheEnd } from '../to-the-end.ts'
import { validJson } from '../validate.ts'
import { ended, noSuchKey, notMade, tooManyChanges } from './refusal.ts'
import {
  createKey,
  listKeys,
  type Manager,
  type NewKeyView,
  type NotMade,
  readKey,
  renameKey,
  revokeKey,
  rotateKey,
} from './service.ts'

const KEY_ID = /^[0-9a-f]{16}$/
/** What cannot be seen, turns the text around it, or is no text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u
const DAY_SECONDS = 86_400
const MOST_YEARS = 10

const name = z.string().check(
  z.trim(),
  z.minLength(1, 'must have 1 to 100 characters'),
  z.maxLength(100, 'must have 1 to 100 characters'),
  z.refine((text) => !UNPRINTABLE.test(text), 'must not have control characters or line breaks'),
)

const instant = z.iso.datetime({
  offset: true,
  error: 'must be an instant with its offset, like 2027-01-31T12:00:00Z',
})
// Strict: an expiry that is misspelt must not make a key that never ends.
export const newKey = z.strictObject({
  name,
  mode: z._default(z.enum(KEY_MODES), 'live'),
  expires_at: z.optional(z.nullable(instant)),
})
export const rename = z.strictObject({ name })
export const rotation = z.strictObject({
  grace_seconds: z._default(z.int().check(z.minimum(0), z.maximum(30 * DAY_SECONDS)), DAY_SECONDS),
})

export function keyRoutes(authenticated: Guard): Hono<AppEnv> {
  const write = limited()
  return new Hono<AppEnv>()
    .get('/', authenticated, async (c) =>
      privateJson(c, { keys: await listKeys(c.var.deps, c.var.account.userId) }),
    )

    .post('/', authenticated, write, async (c) => {
      const { deps } = c.var
      const { expires_at, ...key } = await validJson(c, newKey)
      const expiresAt = expires_at ? futureInstant(expires_at, deps.now()) : null
      const by = manager(c)
      return made(c, by, await toTheEnd(c, createKey(deps, by, { ...key, expiresAt })))
    })

    .get('/:id', authenticated, async (c) => {
      const view = await readKey(c.var.deps, c.var.account.userId, keyId(c))
      if (!view) throw noSuchKey()
      return privateJson(c, view)
    })

    .patch('/:id', authenticated, write, async (c) => {
      const id = keyId(c)
      const body = await validJson(c, rename)
      const by = manager(c)
      const view = await renameKey(c.var.deps, by, id, body.name)
      if (!view) throw noSuchKey()
      if (view === 'ended') throw ended(by)
      return privateJson(c, view)
    })

    .delete('/:id', authenticated, write, async (c) => {
      const by = manager(c)
      const outcome = await toTheEnd(c, revokeKey(c.var.deps, by, keyId(c)))
      if (outcome === 'ended') throw ended(by)
      if (outcome === 'gone') throw noSuchKey()
      return c.body(null, 204)
    })

    .post('/:id/rotate', authenticated, write, async (c) => {
      const id = keyId(c)
      const body = hasBody(c) ? await validJson(c, rotation) : rotation.parse({})
      const by = manager(c)
      return made(c, by, await toTheEnd(c, rotateKey(c.var.deps, by, id, body.grace_seconds)))
    })
}

/**
 * What writes, and so what stays, is bounded: by the rate of the plan, apart from the paid calls', and for each key
 * apart. Whoever has one of them cannot keep the owner, who has a token, from revoking it: that is never refused.
 */
function limited(): Guard {
  return async function limited(c, next) {
    const { deps, account, caller } = c.var
    const limiter = deps.limiters.tier[account.intendedTier]
    const isFree = !caller && c.req.method === 'DELETE'
    const bucket = `${account.userId}:keys:${caller?.keyId ?? 'token'}`
    if (!isFree && !(await limiter.allows(bucket))) throw tooManyChanges()
    await next()
  }
}

function manager(c: AppContext): Manager {
  const { account, caller, sessionEpoch = -1 } = c.var
  return {
    userId: account.userId,
    keyId: caller?.keyId ?? null,
    epoch: sessionEpoch,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  }
}

function keyId(c: AppContext): string {
  const id = c.req.param('id') ?? ''
  if (!KEY_ID.test(id)) throw noSuchKey()
  return id
}

function hasBody(c: AppContext): boolean {
  return c.req.raw.body !== null && c.req.header('Content-Length') !== '0'
}

function futureInstant(text: string, now: Date): Date {
  const instant = new Date(text)
  const latest = new Date(now)
  latest.setUTCFullYear(latest.getUTCFullYear() + MOST_YEARS)
  if (instant > now && instant <= latest) return instant
  const message = `must lie in the future, by ${MOST_YEARS} years at most`
  throw new Problem('invalid_request', { members: { errors: [{ path: 'expires_at', message }] } })
}

function made(c: AppContext, by: Manager, outcome: NewKeyView | NotMade): Response {
  if (typeof outcome === 'string') throw notMade(outcome, by)
  c.header('Location', `/api/v1/keys/${outcome.id}`)
  return privateJson(c, outcome, 201)
}

function privateJson(c: AppContext, body: object, status: 200 | 201 = 200): Response {
  c.header('Cache-Control', 'no-store')
  return c.json(body, status)
}
