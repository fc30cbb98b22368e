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
  expectDecent,
  hasBody,
  pathOf,
  ROUTES,
  type Route,
} from '../support/attack.ts'
import { stack, subscribe } from '../support/stripe.ts'

const knobs = env as unknown as Record<`FUZZ_${'REQUESTS' | 'SEED' | 'PATH'}`, string>
const REQUESTS = Number(knobs.FUZZ_REQUESTS || 3000)
const SEED = Number(knobs.FUZZ_SEED || 20_261_127)
/** At once, by one caller: a new one for each batch, as somebody may delete their account. */
const BATCH = 20
/** An answer that takes longer than this on any machine is none. */
const HANG_MS = 25_000

const app = testApp()
const resident = await citizen(app)
const victim = { ...resident, ...(await subscribe(app, resident, 'pro')) }
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
  new URL(stack.databaseUrl.replace(/^postgres/, 'http')).password,
]

/** A request as far as it can be made up without knowing who sends it. */
interface Plan {
  route: Route
  method: string
  id: string
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
      else if (body === null || typeof body !== 'object') continue
      else if (kind === 'set') body[key] = with_
      else if (kind === 'drop') delete body[key]
      else if (kind === 'add') body[name] = with_
      else if (kind === 'nest') body[key] = { [name]: body[key], with_ }
      else body[key] = [body[key], body[key]]
    }
    return JSON.stringify(body)
  })
const body = fc.oneof(
  { weight: 6, arbitrary: mutated },
  {
    weight: 1,
    arbitrary: fc.constant((caller: Citizen, route: Route) =>
      JSON.stringify(bodyFor(route, caller)),
    ),
  },
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
const method = fc.option(
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'),
  { freq: 4, nil: undefined },
)
const id = fc.oneof(
  fc.constantFrom(
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
  fc.string({ unit: 'binary', maxLength: 30 }),
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

const plan: fc.Arbitrary<Plan> = fc
  .record({
    route: fc.constantFrom(...ROUTES),
    method,
    id,
    suffix,
    body,
    credentials,
    headers,
    mediaType,
  })
  .map(({ mediaType, ...rest }) => ({
    ...rest,
    method: rest.method ?? rest.route.method,
    headers: { ...rest.headers, 'Content-Type': mediaType },
  }))

const address = freshAddress()

async function within<T>(work: Promise<T>, what: unknown): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer: ${JSON.stringify(what)}`)), HANG_MS)
  })
  return Promise.race([work, hangs]).finally(() => clearTimeout(timer))
}

const seen = new Map<string, number>()

async function run(
  { route, method, id, suffix, body, credentials, headers }: Plan,
  caller: Citizen,
) {
  const text = hasBody({ ...route, method }) ? body?.(caller, route) : undefined
  const call: Call = {
    ...credentials(caller),
    // Logins cost a hash each: those of one address are counted.
    headers: { ...headers, 'CF-Connecting-IP': address },
    ...(text !== undefined && { body: text }),
  }
  const path = pathOf(route, id.replaceAll(/[\ud800-\udfff]/g, '')) + suffix
  const what = { method, path, ...call }
  const answer = await within(app.call(method, path, call), what)
  expectDecent(answer, what)
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
      const caller = await citizen(app)
      const before = app.logs.length
      await Promise.all(plans.map((each) => run(each, caller)))
      const lines = app.logs
        .slice(before)
        .map(({ event, fields }) => JSON.stringify({ event, ...fields }))
      for (const line of lines) {
        expect(line).not.toMatch(/[\r\n]/)
        for (const secret of [
          caller.token,
          caller.key,
          caller.email,
          caller.password,
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
  // A fuzzer that nobody lets in finds nothing.
  for (const { name } of ROUTES) {
    const statuses = [...seen.keys()].filter((key) => key.startsWith(`${name} `))
    expect(statuses.length, name).toBeGreaterThan(1)
  }
  expect([...seen.keys()].filter((key) => key.endsWith(' 200')).length).toBeGreaterThan(3)
})
