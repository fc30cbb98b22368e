// The Worker's configuration: the bindings parsed once per isolate into one object, or one error that lists all that is wrong.
import * as z from 'zod/mini'
import type { KeySecrets } from './api-key.ts'
import { deriveKey } from './crypto.ts'
import {
  count,
  databaseUrl,
  originUrl,
  prefixed,
  priceList,
  redirectOrigins,
  secret,
  token,
  url,
} from './env-shapes.ts'
import { type PriceIds, TIERS, type Tier } from './plans.ts'

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

const schema = z.object({
  DATABASE_URL: databaseUrl,
  // Where these two are absent, REDIS_HOST and REDIS_PASSWORD stand for them.
  UPSTASH_REDIS_REST_URL: url(['https', 'http']),
  UPSTASH_REDIS_REST_TOKEN: token,
  JWT_SECRET_KEY: secret(32),
  JWT_SECRET_KEY_PREVIOUS: z.optional(secret(32)),
  API_KEY_SECRET: z.optional(secret(32)),
  API_KEY_SECRET_PREVIOUS: z.optional(secret(32)),
  STRIPE_SECRET_KEY: prefixed(/^(sk|rk)_(test|live)_[\x21-\x7e]+$/, 'sk_test_… or sk_live_…'),
  STRIPE_PUBLISHABLE_KEY: prefixed(/^pk_(test|live)_[\x21-\x7e]+$/, 'pk_test_… or pk_live_…'),
  STRIPE_WEBHOOK_SECRET: prefixed(/^whsec_./, 'whsec_…'),
  STRIPE_PRICE_ID_HOBBY: priceList,
  STRIPE_PRICE_ID_RESEARCH: priceList,
  STRIPE_PRICE_ID_PRO: priceList,
  STRIPE_PORTAL_CONFIGURATION_ID: z.optional(prefixed(/^bpc_\w+$/, 'bpc_…')),
  STRIPE_API_BASE: z.optional(url(['https', 'http'])),
  PAST_DUE_GRACE_DAYS: count(3, { most: 365 }),
  // Stripe's own limit.
  TRIAL_DAYS: count(0, { most: 730 }),
  PAYMENT_REVERSAL_POLICY: z._default(z.enum(['cancel', 'keep']), 'cancel'),
  PAYWALL_MEMORY_SECONDS: count(5, { most: 3600 }),
  PAYWALL_STALE_SECONDS: count(300, { most: 86_400 }),
  REDIS_TIMEOUT_MS: count(300, { least: 1, most: 60_000 }),
  DATABASE_TIMEOUT_MS: count(3000, { least: 1, most: 60_000 }),
  ORIGIN_URL: z.optional(originUrl),
  ORIGIN_SIGNING_SECRET: z.optional(secret(32)),
  ORIGIN_TEST_CALLS: z._default(z.enum(['sample', 'forward']), 'sample'),
  ALLOWED_REDIRECT_ORIGINS: z.optional(redirectOrigins),
})

/** The configuration, parsed and checked. Durations carry their unit in the name. */
export interface Config {
  databaseUrl: string
  databaseTimeoutMs: number
  redis: { url: string; token: string; timeoutMs: number }
  /** The first signs, all verify. */
  jwtSecrets: readonly [string, ...string[]]
  apiKeySecrets: KeySecrets
  stripe: {
    secretKey: string
    publishableKey: string
    webhookSecret: string
    /** What customers may do in the portal; undefined: the account's default. */
    portalConfiguration: string | undefined
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
  /** Origins that redirects may go to, or undefined when any https (or loopback) one may; their pages may log people in. */
  redirectOrigins: readonly string[] | undefined
  /** The seller's own API behind the paywall: its `url` ends with a slash and has a path at most. */
  origin: { url: URL; signingSecret: string } | undefined
  /** What becomes of a test key's call to the origin: a sample answers it, or the origin, told that it is a test. */
  originTestCalls: 'sample' | 'forward'
}

/** The variables by name, parsed; prices and origins as lists. */
export type Env = z.infer<typeof schema>

/** All of them, but those that stand for others. */
export const VARIABLE_NAMES = Object.keys(schema.shape) as readonly (keyof Env)[]
export const VARIABLE_ALIASES = ['REDIS_HOST', 'REDIS_PASSWORD'] as const

/** What is wrong with one variable. `reason` follows its name: "is missing". Values never appear. */
export interface VariableProblem {
  name: string
  reason: string
}

/** Each variable by itself: those that are right, parsed, and what is wrong with the others. */
export function readVariables(bindings: Bindings): {
  values: Partial<Env>
  problems: VariableProblem[]
} {
  const { REDIS_HOST, REDIS_PASSWORD, ...named } = nonEmptyText(bindings)
  const raw: Partial<Record<string, string>> = {
    ...(REDIS_HOST && { UPSTASH_REDIS_REST_URL: `https://${REDIS_HOST}` }),
    ...(REDIS_PASSWORD && { UPSTASH_REDIS_REST_TOKEN: REDIS_PASSWORD }),
    ...named,
  }
  const problems: VariableProblem[] = []
  const values: Partial<Env> = Object.fromEntries(
    Object.entries(schema.shape).flatMap(([name, shape]) => {
      const parsed = shape.safeParse(raw[name])
      if (parsed.success) return [[name, parsed.data]]
      problems.push(...parsed.error.issues.map((issue) => ({ name, reason: reason(name, issue) })))
      return []
    }),
  )
  problems.push(...sharedPrices(values))
  if (values.ORIGIN_URL && !raw.ORIGIN_SIGNING_SECRET) {
    const why = 'is missing: the origin of ORIGIN_URL trusts us by it'
    problems.push({ name: 'ORIGIN_SIGNING_SECRET', reason: why })
  }
  return { values, problems }
}

/** @throws ConfigError that names every variable that is missing or malformed */
export function parseEnv(bindings: Bindings): Config {
  const { values, problems } = readVariables(bindings)
  if (problems.length > 0) {
    throw new ConfigError(problems.map(({ name, reason }) => `${name} ${reason}`))
  }
  // No problem: all of them are there.
  const env = values as Env
  return {
    databaseUrl: env.DATABASE_URL,
    databaseTimeoutMs: env.DATABASE_TIMEOUT_MS,
    redis: {
      url: env.UPSTASH_REDIS_REST_URL,
      token: env.UPSTASH_REDIS_REST_TOKEN,
      timeoutMs: env.REDIS_TIMEOUT_MS,
    },
    jwtSecrets: env.JWT_SECRET_KEY_PREVIOUS
      ? [env.JWT_SECRET_KEY, env.JWT_SECRET_KEY_PREVIOUS]
      : [env.JWT_SECRET_KEY],
    apiKeySecrets: keySecrets(env),
    stripe: {
      secretKey: env.STRIPE_SECRET_KEY,
      publishableKey: env.STRIPE_PUBLISHABLE_KEY,
      webhookSecret: env.STRIPE_WEBHOOK_SECRET,
      portalConfiguration: env.STRIPE_PORTAL_CONFIGURATION_ID,
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
    redirectOrigins: env.ALLOWED_REDIRECT_ORIGINS,
    origin:
      env.ORIGIN_URL && env.ORIGIN_SIGNING_SECRET
        ? { url: env.ORIGIN_URL, signingSecret: env.ORIGIN_SIGNING_SECRET }
        : undefined,
    originTestCalls: env.ORIGIN_TEST_CALLS,
  }
}

/**
 * Without a secret of its own the keys' one is derived, so that the JWT's never tags anything else; then the previous
 * JWT secret's keys still prove themselves, as its tokens do.
 */
function keySecrets(env: Env): KeySecrets {
  const encode = (value: string) => new TextEncoder().encode(value)
  const derived = (jwtSecret: string) => deriveKey(jwtSecret, 'tollgate api key')
  const current = env.API_KEY_SECRET ? encode(env.API_KEY_SECRET) : derived(env.JWT_SECRET_KEY)
  const previous: Uint8Array[] = []
  if (env.API_KEY_SECRET_PREVIOUS) previous.push(encode(env.API_KEY_SECRET_PREVIOUS))
  if (env.JWT_SECRET_KEY_PREVIOUS) previous.push(derived(env.JWT_SECRET_KEY_PREVIOUS))
  return [current, ...previous]
}

function sharedPrices(values: Partial<Env>): VariableProblem[] {
  const first = new Map<string, string>()
  return TIERS.flatMap((tier) => {
    const name = `STRIPE_PRICE_ID_${tier.toUpperCase() as Uppercase<Tier>}` as const
    const taken = (values[name] ?? []).map((id) => {
      const owner = first.get(id)
      first.set(id, owner ?? name)
      return owner
    })
    const owner = taken.find(Boolean)
    if (!owner) return []
    return [{ name, reason: `shares a price with ${owner}: each belongs to one tier, once` }]
  })
}

/** An empty variable counts as an absent one; bindings that are no text (rate limiters) are not configuration. */
function nonEmptyText(bindings: Bindings): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(bindings).flatMap(([name, value]) =>
      typeof value === 'string' && value.trim() ? [[name, value.trim()]] : [],
    ),
  )
}

function reason(name: string, issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type' && issue.code !== 'too_small') return issue.message
  if (name === 'UPSTASH_REDIS_REST_URL') return 'is missing (or REDIS_HOST)'
  return name === 'UPSTASH_REDIS_REST_TOKEN' ? 'is missing (or REDIS_PASSWORD)' : 'is missing'
}
