// What the attacks of test/security share: the routes as the app has them, so that a new one is attacked by itself,
// what each wants to be told, and what an answer may never hold.
import { eq } from 'drizzle-orm'
import { expect } from 'vitest'
import { proveApiKey } from '../../src/api-key.ts'
import { createApp } from '../../src/app.ts'
import {
  apiKeys,
  auditLog,
  formerAccounts,
  subscriptions,
  usageWindows,
  users,
} from '../../src/data/schema.ts'
import {
  type Answer,
  type Call,
  type Json,
  type Person,
  signUp,
  type TestApp,
  testApp,
  unique,
} from './app.ts'
import { makeKey } from './keys.ts'
import { stack, subscribe } from './stripe.ts'

export interface Route {
  /** `METHOD /path`, as the app has it. */
  name: string
  method: string
  path: string
  /** Names of the parts of the path that a caller chooses. */
  parameters: string[]
}

/** Every route of ours. What middleware takes is no route of its own. */
export const ROUTES: readonly Route[] = [
  ...new Set(
    createApp()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, '')}`),
  ),
].map((name) => {
  const [method = '', path = ''] = name.split(' ')
  return { name, method, path, parameters: path.match(/(?<=:)\w+/g) ?? [] }
})

export const hasBody = ({ method }: Route) => method !== 'GET' && method !== 'HEAD'

/** The path with each parameter replaced. */
export function pathOf(route: Route, id: string): string {
  return route.path.replaceAll(/:\w+(\{[^}]*\})?\??/g, encodeURIComponent(id))
}

const urls = { success_url: 'https://app.example.com/ok', cancel_url: 'https://app.example.com/no' }

const dataset = () => ({
  dataset_type: 'reaction_trajectories',
  params: { runs: 1, max_reactions: 3 },
  format: 'json',
})

/** A body that each route takes, made anew for each request. */
export const BODIES: Readonly<Record<string, (person: Person) => Record<string, Json>>> = {
  'POST /api/v1/auth/register': () => ({
    email: `${unique('guest')}@example.com`,
    password: unique('a long password'),
    tier: 'hobby',
  }),
  'POST /api/v1/auth/login': ({ email, password }) => ({ email, password }),
  'POST /api/v1/billing/checkout/session': () => ({ tier: 'research', ...urls }),
  'POST /api/v1/billing/portal': () => ({ return_url: 'https://app.example.com/back' }),
  'PUT /api/v1/account/password': ({ password }) => ({
    password,
    new_password: unique('another long password'),
  }),
  'PUT /api/v1/account/email': ({ password }) => ({
    password,
    email: `${unique('moved')}@example.com`,
  }),
  'DELETE /api/v1/account': ({ password }) => ({ password }),
  'POST /api/v1/keys': () => ({ name: 'another key' }),
  'PATCH /api/v1/keys/:id': () => ({ name: 'another name' }),
  'POST /api/v1/keys/:id/rotate': () => ({ grace_seconds: 60 }),
  'POST /api/v1/datasets/generate': dataset,
  'POST /api/v1/datasets/estimate': dataset,
}

/** The route's own body, or one that fits no route. */
export function bodyFor(route: Route, person: Person): Record<string, Json> {
  return BODIES[route.name]?.(person) ?? {}
}

/** One request to a route; parameters become `id`. */
export function send(
  { call }: TestApp,
  route: Route,
  { id = 'none', ...rest }: Call & { id?: string } = {},
): Promise<Answer> {
  const body = hasBody(route) && rest.body !== undefined ? { body: rest.body } : {}
  const { body: _, ...others } = rest
  return call(route.method, pathOf(route, id), { ...others, ...body })
}

/** What a client can tell two refusals apart by: all but the request's own id. */
export function told({ status, json, headers }: Answer): unknown {
  return [status, { ...json, request_id: '' }, headers.get('WWW-Authenticate')]
}

/** Who is let in: anybody, a key or a token, a token alone, a paid key alone. */
export type Door = 'public' | 'account' | 'person' | 'paid'

/** The route's door, as it says it to a stranger. What Stripe signs for counts as public. */
async function doorOf(app: TestApp, route: Route): Promise<Door> {
  const { json, headers } = await send(app, route, { body: {} })
  if (json.code === 'missing_api_key') return 'paid'
  if (json.code !== 'missing_credentials') return 'public'
  return headers.get('WWW-Authenticate')?.includes('ApiKey') ? 'account' : 'person'
}

const stranger = testApp()
const known = new Map<string, Door>()
for (const route of ROUTES) known.set(route.name, await doorOf(stranger, route))

/** The routes behind these doors. */
export const routesOf = (...doors: Door[]) =>
  ROUTES.filter(({ name }) => doors.includes(known.get(name) ?? 'public'))

/** What `person` opens that route with. */
export function credentialsFor(
  { name }: Route,
  { token, key }: { token: string; key: string },
): { token?: string; key?: string } {
  // What is no route of ours is sold too.
  return (known.get(name) ?? 'paid') === 'paid' ? { key } : { token }
}

export const isPaid = ({ name }: Route): boolean => known.get(name) === 'paid'

/** What comes from inside and helps an attacker alone: traces, SQL, names of parts, addresses of services. */
const INTERNALS =
  /\bat \S+ \(|\.[jt]s:\d+|node_modules|drizzle|neon|postgres|pg_catalog|upstash|redis:|scrypt\$|\bselect\b.+\bfrom\b|\binsert into\b|\bupdate\b.+\bset\b|SQLSTATE|violates .* constraint|127\.0\.0\.1:\d/i

/** No answer of ours is a 5xx, shows its inside, or lacks what a problem document promises. */
export function expectDecent(answer: Answer, what: unknown): void {
  const where = JSON.stringify(what)?.slice(0, 600)
  expect(answer.status, where).toBeLessThan(500)
  // Where Stripe's simulator lets people pay is no secret.
  const shown = answer.text.replaceAll(stack.stripeApiBase, '')
  expect(shown.match(INTERNALS)?.[0], where).toBeUndefined()
  expect(answer.headers.get('X-Request-Id'), where).toMatch(/^[\w=-]{1,255}$/)
  if (answer.status < 400) return
  expect(answer.headers.get('Content-Type'), where).toMatch(/^application\/problem\+json/)
  if (answer.text === '') return
  expect(answer.json, where).toMatchObject({
    type: `urn:tollgate:problem:${answer.json.code}`,
    status: answer.status,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    code: expect.stringMatching(/^[a-z_]+$/),
    request_id: answer.headers.get('X-Request-Id'),
  })
}

export interface Citizen extends Person {
  keyId: string
  testKey: string
}

/** Somebody who signed up and made a test key. */
export async function citizen(app: TestApp): Promise<Citizen> {
  const person = await signUp(app)
  const ids = proveApiKey(app.deps.config.apiKeySecrets, person.key)
  if (!ids) throw new Error('A key of ours is none')
  const { key: testKey } = await makeKey(app, person, { mode: 'test' })
  return { ...person, keyId: ids.keyId, testKey }
}

/** One who pays: the paid API reads what they send. */
export async function payer(app: TestApp): Promise<Citizen> {
  const person = await citizen(app)
  await subscribe(app, person)
  return person
}

/** All that the database holds of somebody, as text: equal before and after where nothing was done to them. */
export async function rowsOf({ deps: { db } }: TestApp, userId: string): Promise<string> {
  const tables = [apiKeys, subscriptions, usageWindows, auditLog, formerAccounts]
  const [own, ...others] = await Promise.all([
    db.select().from(users).where(eq(users.id, userId)),
    ...tables.map((table) => db.select().from(table).where(eq(table.userId, userId))),
  ])
  return JSON.stringify([
    own,
    ...others.map((rows) => rows.map((row) => JSON.stringify(row)).sort()),
  ])
}
