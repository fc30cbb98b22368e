// The Worker's configuration: the bindings parsed once per isolate into one object, or one error that lists all that is wrong.
import * as z from 'zod'
import type { KeySecrets } from './api-key.ts'
import { deriveKey } from './crypto.ts'
import { type PriceIds, TIERS } from './plans.ts'

/** What wrangler or the platform binds: variables and secrets as text, rate limiters as objects. */
export type Bindings = object

/** A configuration that cannot work. `problems` has one line a variable; values never appear. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is incomplete: ${problems.join('; ')}`)
    this.problems = problems
  }
}

const KNOWN_DEFAULTS =
  /^(.)\1*$|change.?me|change.?in.?production|your.?(super.?)?secret|example|secret.?key.?here/i

const text = z.string().trim().min(1)
const optionalText = text.optional()

const count = (fallback: number, { least = 0, most }: { least?: number; most: number }) =>
  text.optional().transform((value, context) => {
    if (value === undefined) return fallback
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= least && number <= most) return number
    const message = `must be a whole number from ${least} to ${most}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const secret = (least: number) =>
  text
    .refine((value) => new TextEncoder().encode(value).length >= least, {
      message: `must have at least ${least} bytes (make one with: openssl rand -base64 48)`,
    })
    .refine((value) => !KNOWN_DEFAULTS.test(value), {
      message: 'is a known default; make one with: openssl rand -base64 48',
    })

const prefixed = (pattern: RegExp, form: string) =>
  text.refine((value) => pattern.test(value), { message: `must look like ${form}` })

/** `postgres://user:password@host/database`: what the driver demands at the first query, told at once. */
const databaseUrl = text.refine(
  (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, username, password, hostname, pathname } = new URL(value)
    if (!/^postgres(ql)?:$/.test(protocol)) return false
    return Boolean(username && password && hostname && pathname.length > 1)
  },
  {
    message:
      'must have the form postgres://user:password@host/database, with # / ? @ : percent-encoded in user and password',
  },
)

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** The seller's own API: plain http would send its customers' data in the clear, but for this machine. */
const originUrl = text.transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const safe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (url && safe && !url.username && !url.password && !/[?#]/.test(value)) {
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    return url
  }
  const message =
    'must be a URL with https, or with http on loopback, without user, password, query and fragment'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const url = (protocols: readonly string[]) =>
  text.refine(
    (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1)),
    { message: `must be a URL with ${protocols.join(' or ')}` },
  )

const priceList = text.transform((value, context) => {
  const [first, ...more] = value.split(',').flatMap((id) => id.trim() || [])
  if (first && [first, ...more].every((id) => /^price_./.test(id))) {
    return [first, ...more] as [string, ...string[]]
  }
  context.addIssue({ code: 'custom', message: 'must be price_… ids, comma-separated' })
  return z.NEVER
})

const schema = z.object({
  DATABASE_URL: databaseUrl,
  UPSTASH_REDIS_REST_URL: optionalText,
  UPSTASH_REDIS_REST_TOKEN: optionalText,
  REDIS_HOST: optionalText,
  REDIS_PASSWORD: optionalText,
  JWT_SECRET_KEY: secret(32),
  API_KEY_SECRET: secret(32).optional(),
  API_KEY_SECRET_PREVIOUS: secret(32).optional(),
  STRIPE_SECRET_KEY: prefixed(/^(sk|rk)_(test|live)_./, 'sk_test_… or sk_live_…'),
  STRIPE_PUBLISHABLE_KEY: prefixed(/^pk_(test|live)_./, 'pk_test_… or pk_live_…'),
  STRIPE_WEBHOOK_SECRET: prefixed(/^whsec_./, 'whsec_…'),
  STRIPE_PRICE_ID_HOBBY: priceList,
  STRIPE_PRICE_ID_RESEARCH: priceList,
  STRIPE_PRICE_ID_PRO: priceList,
  STRIPE_API_BASE: url(['https', 'http']).optional(),
  PAST_DUE_GRACE_DAYS: count(3, { most: 365 }),
  // Stripe's own limit.
  TRIAL_DAYS: count(0, { most: 730 }),
  PAYMENT_REVERSAL_POLICY: z.enum(['cancel', 'keep']).default('cancel'),
  PAYWALL_MEMORY_SECONDS: count(5, { most: 3600 }),
  PAYWALL_STALE_SECONDS: count(300, { most: 86_400 }),
  REDIS_TIMEOUT_MS: count(300, { least: 1, most: 60_000 }),
  DATABASE_TIMEOUT_MS: count(3000, { least: 1, most: 60_000 }),
  ORIGIN_URL: originUrl.optional(),
  ORIGIN_SIGNING_SECRET: secret(32).optional(),
  ALLOWED_REDIRECT_ORIGINS: optionalText,
})

/** The configuration, parsed and checked. Durations carry their unit in the name. */
export interface Config {
  databaseUrl: string
  databaseTimeoutMs: number
  redis: { url: string; token: string; timeoutMs: number }
  jwtSecret: string
  apiKeySecrets: KeySecrets
  stripe: {
    secretKey: string
    publishableKey: string
    webhookSecret: string
    apiBase: URL | undefined
  }
  prices: PriceIds
  pastDueGraceDays: number
  trialDays: number
  /** What a full refund or a lost dispute does to the subscription: ends it at Stripe, or nothing. */
  paymentReversal: 'cancel' | 'keep'
  /** How long an isolate answers from its memory, and for how long while nobody can be asked. */
  memorySeconds: number
  staleSeconds: number
  /** Origins that redirects may go to, or undefined when any https (or loopback) one may. */
  redirectOrigins: readonly string[] | undefined
  /** The seller's own API behind the paywall: its `url` ends with a slash and has a path at most. */
  origin: { url: URL; signingSecret: string } | undefined
}

/** @throws ConfigError that names every variable that is missing or malformed */
export function parseEnv(bindings: Bindings): Config {
  const raw = nonEmptyText(bindings)
  const parsed = schema.safeParse(raw)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${reason(issue)}`)
  const redisUrl = raw.UPSTASH_REDIS_REST_URL ?? (raw.REDIS_HOST && `https://${raw.REDIS_HOST}`)
  const redisToken = raw.UPSTASH_REDIS_REST_TOKEN ?? raw.REDIS_PASSWORD
  if (!redisUrl) problems.push('UPSTASH_REDIS_REST_URL is missing (or REDIS_HOST)')
  else if (!/^https?:\/\/./.test(redisUrl) || !URL.canParse(redisUrl)) {
    problems.push('UPSTASH_REDIS_REST_URL must be a URL with https or http')
  }
  if (!redisToken) problems.push('UPSTASH_REDIS_REST_TOKEN is missing (or REDIS_PASSWORD)')
  const env = parsed.data
  if (env) {
    problems.push(...sharedPrices(env))
    problems.push(...badOrigins(env.ALLOWED_REDIRECT_ORIGINS))
    if (env.ORIGIN_URL && !env.ORIGIN_SIGNING_SECRET) {
      problems.push('ORIGIN_SIGNING_SECRET is missing: the origin of ORIGIN_URL trusts us by it')
    }
  }
  if (!env || !redisUrl || !redisToken || problems.length > 0) throw new ConfigError(problems)
  return {
    databaseUrl: env.DATABASE_URL,
    databaseTimeoutMs: env.DATABASE_TIMEOUT_MS,
    redis: { url: redisUrl, token: redisToken, timeoutMs: env.REDIS_TIMEOUT_MS },
    jwtSecret: env.JWT_SECRET_KEY,
    apiKeySecrets: keySecrets(env),
    stripe: {
      secretKey: env.STRIPE_SECRET_KEY,
      publishableKey: env.STRIPE_PUBLISHABLE_KEY,
      webhookSecret: env.STRIPE_WEBHOOK_SECRET,
      apiBase: env.STRIPE_API_BASE ? new URL(env.STRIPE_API_BASE) : undefined,
    },
    prices: {
      hobby: env.STRIPE_PRICE_ID_HOBBY,
      research: env.STRIPE_PRICE_ID_RESEARCH,
      pro: env.STRIPE_PRICE_ID_PRO,
    },
    pastDueGraceDays: env.PAST_DUE_GRACE_DAYS,
    trialDays: env.TRIAL_DAYS,
    paymentReversal: env.PAYMENT_REVERSAL_POLICY,
    memorySeconds: env.PAYWALL_MEMORY_SECONDS,
    staleSeconds: env.PAYWALL_STALE_SECONDS,
    redirectOrigins: list(env.ALLOWED_REDIRECT_ORIGINS)?.map((origin) => new URL(origin).origin),
    origin:
      env.ORIGIN_URL && env.ORIGIN_SIGNING_SECRET
        ? { url: env.ORIGIN_URL, signingSecret: env.ORIGIN_SIGNING_SECRET }
        : undefined,
  }
}

type Env = z.infer<typeof schema>

/** Without a secret of its own the keys' one is derived, so that the JWT's never tags anything else. */
function keySecrets(env: Env): KeySecrets {
  const encode = (value: string) => new TextEncoder().encode(value)
  const current = env.API_KEY_SECRET
    ? encode(env.API_KEY_SECRET)
    : deriveKey(env.JWT_SECRET_KEY, 'tollgate api key')
  return env.API_KEY_SECRET_PREVIOUS ? [current, encode(env.API_KEY_SECRET_PREVIOUS)] : [current]
}

function sharedPrices(env: Env): string[] {
  const all = [env.STRIPE_PRICE_ID_HOBBY, env.STRIPE_PRICE_ID_RESEARCH, env.STRIPE_PRICE_ID_PRO]
  const ids = all.flat()
  return new Set(ids).size === ids.length
    ? []
    : [`STRIPE_PRICE_ID_${TIERS.join('/').toUpperCase()} share a price: each belongs to one tier`]
}

function badOrigins(value: string | undefined): string[] {
  const origins = list(value)
  const good = origins?.every((one) => URL.canParse(one) && new URL(one).origin !== 'null')
  return origins === undefined || (good && origins.length > 0)
    ? []
    : ['ALLOWED_REDIRECT_ORIGINS must be origins like https://app.example.com, comma-separated']
}

function list(value: string | undefined): string[] | undefined {
  return value?.split(',').flatMap((entry) => entry.trim() || [])
}

/** An empty variable counts as an absent one; bindings that are no text (rate limiters) are not configuration. */
function nonEmptyText(bindings: Bindings): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(bindings).flatMap(([name, value]) =>
      typeof value === 'string' && value.trim() ? [[name, value.trim()]] : [],
    ),
  )
}

function reason(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' || issue.code === 'too_small' ? 'is missing' : issue.message
}
