// A few thousand requests that nobody in their right mind would send, at every route: no 5xx, no hang, no leak.
// `FUZZ_REQUESTS=50000` makes up more of them, `FUZZ_SEED` and `FUZZ_PATH` repeat one.
import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Call, freshAddress, type Json, testApp } from '../support/app.ts'
import {
  bodyFor,
  type Citizen,
  citizen,
  credentialsFor,
  expectDecent,
  hasBody,
  pathOf,
  ROUTES,
  type Route,
} from '../support/attack.ts'
import { originUrl, SIGNING_SECRET } from '../support/origin.ts'
import { eventsOf, signature, stack, subscribe } from '../support/stripe.ts'

const knobs = env as unknown as Record<`FUZZ_${'REQUESTS' | 'SEED' | 'PATH'}`, string>
const REQUESTS = Number(knobs.FUZZ_REQUESTS || 3000)
const SEED = Number(knobs.FUZZ_SEED || 20_261_127)
/** At once, by two callers: new ones for each batch, as somebody may delete their account. */
const BATCH = 50
/** An answer that takes longer than this on any machine is none. */
const HANG_MS = 25_000

const app = testApp({ ORIGIN_URL: `${originUrl}/v1`, ORIGIN_SIGNING_SECRET: SIGNING_SECRET })
const resident = await citizen(app)
const victim = { ...resident, ...(await subscribe(app, resident, 'pro')) }
const [pastEvent] = await eventsOf(victim.customer)
const secretsOfVictim = [
  victim.email,
  victim.key,
  victim.token,
  victim.customer,
  victim.subscription,
  victim.id,
  victim.keyId,
]
const { config } = app.deps
const secretsOfOurs = [
  config.jwtSecrets[0],
  Buffer.from(config.apiKeySecrets[0]).toString(),
  config.stripe.secretKey,
  config.stripe.webhookSecret,
  config.redis.token,
  config.databaseUrl,
  SIGNING_SECRET,
  new URL(stack.databaseUrl.replace(/^postgres/, 'http')).password,
]

/** The seller's own API: it takes what is no route of ours. */
const GATEWAY: Route = {
  name: 'gateway',
  method: 'POST',
  path: '/api/sold/:id',
  parameters: ['id'],
}
const isWebhook = ({ path }: Route) => path.includes('/webhooks/')

/** A request as far as it can be made up without knowing who sends it. */
interface Plan {
  route: Route
  /** Whether it is sent by the caller who pays, or by the one who does not. */
  pays: boolean
  method: string
  id: string | undefined
  suffix: string
  body: ((caller: Citizen, route: Route) => string) | undefined
  credentials: (caller: Citizen) => { token?: string; key?: string }
  headers: Record<string, string>
}

const odd = fc.constantFrom<Json[]>(
  '',
  ' ',
  '\0',
  '\ud800',
  '\u202e',
  '🔑',
  "' or 1=1 --",
  '"; drop table users; --',
  '#{7*7}',
  '{{7*7}}',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '%00',
  '%s%n',
  'x'.repeat(5000),
  'null',
  'NaN',
  '__proto__',
  'constructor',
  'toString',
  null,
  true,
  false,
  0,
  -0,
  -1,
  1e308,
  1e-308,
  2 ** 53,
  2 ** 63,
  0.1,
  [],
  {},
  [[]],
  [null],
  { $gt: '' },
  { length: 1e9 },
  'a@b',
  'A@EXAMPLE.COM',
  'https://[',
  'http://localhost',
  'tg_live_',
  'sub_x',
  '2026-02-30',
  '0000-00-00T00:00:00Z',
)
const value = fc.oneof(
  { weight: 3, arbitrary: odd },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

/** The route's own body, with something wrong at a place or two. */
const mutated = fc
  .array(
    fc.tuple(
      fc.nat(7),
      fc.constantFrom('set', 'drop', 'add', 'wrap', 'nest', 'twice'),
      value,
      fc.string(),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((changes) => (caller: Citizen, route: Route) => {
    let body: Json = bodyFor(route, caller)
    for (const [at, kind, with_, name] of changes) {
      const keys = Object.keys(body ?? {})
      const key = keys[at % Math.max(1, keys.length)] ?? name
      if (kind === 'wrap') body = [body]
      else if (body === null || typeof body !== 'object' || Array.isArray(body)) continue
      else if (kind === 'set') body[key] = with_
      else if (kind === 'drop') delete body[key]
      else if (kind === 'add') body[name] = with_
      else if (kind === 'nest') body[key] = { [name]: body[key], with_ }
      else body[key] = [body[key], body[key]]
    }
    return JSON.stringify(body)
  })
/** A body that the route takes; for the webhook one of Stripe's own events. */
const fitting = (caller: Citizen, route: Route) =>
  JSON.stringify(isWebhook(route) ? pastEvent : bodyFor(route, caller))
const body = fc.oneof(
  { weight: 6, arbitrary: mutated },
  { weight: 3, arbitrary: fc.constant(fitting) },
  { weight: 2, arbitrary: fc.json().map((text) => () => text) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((text) => () => text) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

const visible = fc.string({
  unit: fc.constantFrom(...' !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~é'),
  maxLength: 60,
})
const headers = fc.dictionary(
  fc.constantFrom(
    'Accept',
    'Accept-Encoding',
    'Accept-Language',
    'Access-Control-Request-Headers',
    'Access-Control-Request-Method',
    'Content-Encoding',
    'Content-Language',
    'Cookie',
    'Expect',
    'If-Match',
    'If-Modified-Since',
    'If-None-Match',
    'Idempotency-Key',
    'Origin',
    'Prefer',
    'Range',
    'Referer',
    'Stripe-Signature',
    'TE',
    'Tollgate-Test-Outcome',
    'Upgrade',
    'User-Agent',
    'X-Forwarded-For',
    'X-HTTP-Method-Override',
    'X-Request-Id',
  ),
  fc.oneof(
    visible,
    fc.constantFrom(
      '*',
      'null',
      'gzip',
      'websocket',
      'quota_exceeded',
      'bytes=0-',
      'https://evil.example',
      't=1,v1=a',
      '*/*;q=0',
      'DELETE',
      'a'.repeat(2000),
    ),
  ),
  { maxKeys: 4 },
)
const mediaType = fc.oneof(
  { weight: 8, arbitrary: fc.constant('application/json') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'application/json; charset=utf-16',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'application/json;',
      'application/problem+json',
      '*/*',
      '',
    ),
  },
)
const flip = (text: string, at: number) => {
  const place = at % text.length
  return text.slice(0, place) + (text[place] === 'A' ? 'B' : 'A') + text.slice(place + 1)
}
const credentials = fc.oneof(
  { weight: 5, arbitrary: fc.constant(({ token }: Citizen) => ({ token })) },
  { weight: 4, arbitrary: fc.constant(({ key }: Citizen) => ({ key })) },
  { weight: 2, arbitrary: fc.constant(({ testKey }: Citizen) => ({ key: testKey })) },
  { weight: 1, arbitrary: fc.constant(({ token, key }: Citizen) => ({ token, key })) },
  {
    weight: 1,
    arbitrary: fc.nat(400).map((at) => ({ token }: Citizen) => ({ token: flip(token, at) })),
  },
  {
    weight: 1,
    arbitrary: fc.nat(80).map((at) => ({ key }: Citizen) => ({ key: flip(key, at) })),
  },
  { weight: 1, arbitrary: visible.map((text) => () => ({ key: text })) },
  { weight: 1, arbitrary: visible.map((text) => () => ({ token: text })) },
  { weight: 1, arbitrary: fc.constant(() => ({})) },
)
/** The route's own in most requests: any other is 405 before it reaches a handler. */
const method = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'],
    ),
  },
)
/** Undefined: the caller's own. */
const id = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      victim.keyId,
      victim.id,
      victim.customer,
      '..',
      '.',
      '%',
      "'",
      '\0',
      '😀',
      '0'.repeat(16),
      'x'.repeat(3000),
      '-1',
      'me',
      '',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
)
const suffix = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.webQueryParameters().map((query) => `?${query}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/',
      '//',
      '/..',
      '/.',
      '%2f',
      ';x=1',
      '?',
      '#',
      '%00',
      '.json',
      '/%2e%2e/',
      '?limit=-1&offset=1e9',
      '?__proto__[x]=1',
      '/x/y/z',
    ),
  },
)

/** A hash takes longer than a hundred other requests: those that may want one are few, whatever the number of routes. */
const HASHING =
  /^POST \/api\/v1\/auth\/|^PUT \/api\/v1\/account\/(password|email)$|^DELETE \/api\/v1\/account$/
const doesHash = ({ name }: Route) => HASHING.test(name)
const route = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.constantFrom(...ROUTES.filter((each) => !doesHash(each)), GATEWAY),
  },
  { weight: 1, arbitrary: fc.constantFrom(...ROUTES.filter(doesHash)) },
)

const plan: fc.Arbitrary<Plan> = fc
  .record({
    route,
    pays: fc.boolean(),
    // One in four is what its route asks for, but for its headers: it is to come to the end of the handler.
    fits: fc.nat(3).map((n) => n === 0),
    method,
    id,
    suffix,
    body,
    credentials,
    headers,
    mediaType,
  })
  .map(({ mediaType, fits, ...rest }) => ({
    ...rest,
    method: rest.method ?? rest.route.method,
    headers: { ...rest.headers, 'Content-Type': mediaType },
    ...(fits && {
      method: rest.route.method,
      id: undefined,
      suffix: '',
      body: fitting,
      credentials: (caller) => credentialsFor(rest.route, caller),
      headers: fittingHeaders(rest.route, rest.headers),
      // Only who does not pay yet can buy, and the paid API is for who does.
      pays: rest.route.name !== 'POST /api/v1/billing/checkout/session',
    }),
  }))

/** What is made up may come along where it turns nobody away. */
function fittingHeaders(route: Route, headers: Record<string, string>): Record<string, string> {
  const { 'Content-Encoding': _, 'Idempotency-Key': __, ...others } = headers
  return {
    ...others,
    'Content-Type': 'application/json',
    ...(isWebhook(route) && { 'Stripe-Signature': signature(JSON.stringify(pastEvent)) }),
  }
}

async function within<T>(work: Promise<T>, what: unknown): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer: ${JSON.stringify(what)}`)), HANG_MS)
  })
  return Promise.race([work, hangs]).finally(() => clearTimeout(timer))
}

const seen = new Map<string, number>()

async function run(
  { route, method, id, suffix, body, credentials, headers, pays }: Plan,
  callers: { payer: Citizen; visitor: Citizen },
) {
  const caller = pays ? callers.payer : callers.visitor
  const text = hasBody({ ...route, method }) ? body?.(caller, route) : undefined
  const call: Call = {
    ...credentials(caller),
    // Each from a network of its own: what the throttle refuses reaches nothing.
    headers: { ...headers, 'CF-Connecting-IP': freshAddress() },
    ...(text !== undefined && { body: text }),
  }
  const path = pathOf(route, (id ?? caller.keyId).replaceAll(/[\ud800-\udfff]/g, '')) + suffix
  const what = { method, path, ...call }
  const answer = await within(app.call(method, path, call), what)
  const requestId = answer.headers.get('X-Request-Id')
  const isOrigins = app.requests.some(
    ({ request_id, origin }) => request_id === requestId && origin,
  )
  if (!isOrigins) expectDecent(answer, what)
  // The origin says back all that it has heard.
  else if (call.key) expect(answer.text, JSON.stringify(what)).not.toContain(caller.key)
  expectNoLeak(answer.text + JSON.stringify([...answer.headers]), what, path + JSON.stringify(call))
  const key = `${route.name} ${answer.status}`
  seen.set(key, (seen.get(key) ?? 0) + 1)
  return answer
}

function expectNoLeak(shown: string, what: unknown, asked: string): void {
  // What the caller wrote may come back.
  for (const secret of secretsOfVictim) {
    if (!asked.includes(secret)) expect(shown, JSON.stringify(what)).not.toContain(secret)
  }
  for (const secret of secretsOfOurs) expect(shown, JSON.stringify(what)).not.toContain(secret)
}

test(`${REQUESTS} made-up requests are answered, below 500, and tell nothing`, {
  timeout: 600_000,
}, async () => {
  const property = fc.asyncProperty(
    fc.array(plan, { minLength: BATCH, maxLength: BATCH }),
    async (plans) => {
      const [visitor, person] = await Promise.all([citizen(app), citizen(app)])
      const payer = { ...person, ...(await subscribe(app, person)) }
      const before = app.logs.length
      await Promise.all(plans.map((each) => run(each, { payer, visitor })))
      const lines = app.logs
        .slice(before)
        .map(({ event, fields }) => JSON.stringify({ event, ...fields }))
      for (const line of lines) {
        expect(line).not.toMatch(/[\r\n]/)
        for (const secret of [
          ...[payer, visitor].flatMap(({ token, key, testKey, email, password }) => [
            ...[token, key, testKey, email, password],
          ]),
          ...secretsOfOurs,
          victim.email,
          victim.key,
          victim.token,
        ]) {
          expect(line).not.toContain(secret)
        }
      }
    },
  )
  const result = await fc.check(property, {
    seed: SEED,
    numRuns: Math.ceil(REQUESTS / BATCH),
    endOnFailure: true,
    ...(knobs.FUZZ_PATH && { path: knobs.FUZZ_PATH }),
  })
  if (result.failed) {
    throw new Error(
      `FUZZ_SEED=${SEED} FUZZ_PATH=${result.counterexamplePath}\n${result.errorInstance instanceof Error ? result.errorInstance.message : ''}`,
    )
  }
  // A fuzzer that nobody lets in finds nothing. A few requests cannot have tried all.
  if (REQUESTS < 3000 || knobs.FUZZ_PATH) return
  const done = (name: string) => [...seen.keys()].some((key) => key.startsWith(`${name} 2`))
  expect([...ROUTES, GATEWAY].map(({ name }) => name).filter((name) => !done(name))).toEqual([])
})
