// The app as a client meets it, inside workerd over the stack: requests, people who sign up, and a clock to set.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import type { Hono } from 'hono'
import { mintApiKey } from '../../src/api-key.ts'
import { createApp } from '../../src/app.ts'
import type { AppEnv, Deps } from '../../src/context.ts'
import { randomBytes, uuid } from '../../src/crypto.ts'
import { writeThrough } from '../../src/data/accounts.ts'
import { newKeyId } from '../../src/data/api-keys.ts'
import { apiKeys, auditLog, users } from '../../src/data/schema.ts'
import { depsFor } from '../../src/deps.ts'
import { type LogFields, logLine, REQUEST_EVENT } from '../../src/log.ts'
import { hashPassword } from '../../src/password.ts'
import { signToken } from '../../src/token.ts'
import { keepLine, keepSecretsOf } from './leaks.ts'

/** One request; `body` goes out as JSON unless it is text already. */
export interface Call {
  headers?: Record<string, string>
  body?: unknown
  token?: string
  key?: string
}

/** A JSON object that a test reads as the contract promises it; a wrong path reads as undefined. */
export type Json = ReturnType<typeof JSON.parse>

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The parsed body, or {} where it is no JSON object. */
  json: Json
}

export interface TestApp {
  app: Hono<AppEnv>
  deps: Deps
  /** What the app told the log, but for its requests. */
  logs: { event: string; fields: LogFields }[]
  /** The line of each request, as its fields. */
  requests: LogFields[]
  /** Moves the app's clock, and it alone. */
  setNow(now: Date): void
  /** From now on what works in the background waits, as between two calls of the same second. */
  holdBackground(): void
  /** Lets it go on, and waits until it has ended. */
  endBackground(): Promise<void>
  /** Ends every time limit that the app has set by `signalAfter`. */
  ringTimers(): void
  call(method: string, path: string, call?: Call): Promise<Answer>
}

let addresses = 0

/** A fresh app. `vars` replace variables; tests of one file stay apart by their own accounts and addresses. */
export function testApp(vars: Record<string, string | undefined> = {}): TestApp {
  // A busy machine is no fault of Redis or Postgres: tests of a slow one say how slow.
  const bindings = { ...env, REDIS_TIMEOUT_MS: '10000', DATABASE_TIMEOUT_MS: '10000', ...vars }
  let clock = (): Date => new Date()
  const logs: TestApp['logs'] = []
  const requests: LogFields[] = []
  const timers: AbortController[] = []
  const pauses: (() => void)[] = []
  const waited: Promise<void>[] = []
  let held = false
  const deps: Deps = {
    ...depsFor(bindings),
    now: () => clock(),
    signalAfter: () => {
      const timer = new AbortController()
      timers.push(timer)
      return timer.signal
    },
    pause: () => new Promise((resolve) => (held ? pauses.push(resolve) : setTimeout(resolve))),
    log: (level, event, fields = {}) => {
      keepLine(logLine(level, event, fields))
      if (event === REQUEST_EVENT) requests.push({ level, ...fields })
      else logs.push({ event, fields })
    },
  }
  const app = createApp(() => deps)
  return {
    app,
    deps,
    logs,
    requests,
    setNow(now) {
      clock = () => now
    },
    holdBackground() {
      held = true
    },
    async endBackground() {
      held = false
      for (const resume of pauses.splice(0)) resume()
      await Promise.all(waited.splice(0))
    },
    ringTimers() {
      for (const timer of timers.splice(0)) timer.abort()
    },
    async call(method, path, { headers = {}, body, token, key } = {}) {
      const ctx = createExecutionContext()
      const response = await app.request(
        path.startsWith('/api') ? path : `/api/v1${path}`,
        {
          method,
          headers: {
            'CF-Connecting-IP': freshAddress(),
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
            ...(token && { Authorization: `Bearer ${token}` }),
            ...(key && { 'X-API-Key': key }),
            ...headers,
          },
          ...(body !== undefined && {
            body: typeof body === 'string' ? body : JSON.stringify(body),
          }),
        },
        bindings,
        ctx,
      )
      const text = await response.text()
      const done = waitOnExecutionContext(ctx)
      if (held) waited.push(done)
      else await done
      keepSecretsOf(body, parse(text))
      return { status: response.status, headers: response.headers, text, json: parse(text) }
    },
  }
}

/** Somebody who signed up. */
export interface Person {
  id: string
  email: string
  password: string
  token: string
  key: string
}

/** A name that no other test uses. */
export function unique(prefix = 'x'): string {
  return `${prefix}-${crypto.randomUUID()}`
}

const PASSWORD = 'correct horse battery staple'
/** Made once: a hash takes longer than all the rest of most tests. */
const passwordHash = hashPassword(PASSWORD, randomBytes)

/** Leaves what registering leaves, but for the password's own hash. test/auth registers. */
export async function signUp(
  { deps }: TestApp,
  tier: 'hobby' | 'research' | 'pro' = 'hobby',
): Promise<Person> {
  const { db, config } = deps
  const [id, keyId] = [uuid(deps.randomBytes), newKeyId(deps.randomBytes)]
  const email = `${unique('person')}@example.com`
  const createdAt = deps.now()
  await db.batch([
    db.insert(users).values({ id, email, passwordHash: await passwordHash, tier, createdAt }),
    db.insert(apiKeys).values({ id: keyId, userId: id, name: 'default', createdAt }),
    db
      .insert(auditLog)
      .values({ at: createdAt, userId: id, action: 'account.registered', detail: { tier } }),
  ])
  const token = await signToken(config.jwtSecrets[0], { userId: id, epoch: 0 }, createdAt)
  const key = mintApiKey(config.apiKeySecrets, { userId: id, keyId })
  await writeThrough(deps, id, {
    userId: id,
    version: 1,
    intendedTier: tier,
    createdAt: createdAt.getTime(),
    keys: [{ id: keyId, expiresAt: null }],
    subscriptions: [],
  })
  keepSecretsOf({ email, password: PASSWORD }, { access_token: token, api_key: key })
  return { id, email, password: PASSWORD, token, key }
}

/** Each request comes from an address of its own, so that no throttle of one test meets another's. */
export function freshAddress(): string {
  addresses += 1
  const bytes = crypto.getRandomValues(new Uint16Array(4))
  return `2001:db8:${[...bytes].map((part) => part.toString(16)).join(':')}::${addresses.toString(16)}`
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
