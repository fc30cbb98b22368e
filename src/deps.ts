// The only place where a client is built: database, Redis, Stripe, the platform's rate limiters.
import Stripe from 'stripe'
import type { Deps, RateLimiter } from './context.ts'
import { randomBytes } from './crypto.ts'
import { connectDatabase } from './data/db.ts'
import { createMemory } from './data/memory.ts'
import { connectRedis } from './data/redis.ts'
import { type Bindings, type Config, ConfigError, parseEnv } from './env.ts'
import { consoleLog } from './log.ts'

const STRIPE_TIMEOUT_MS = 10_000

/** What wrangler.toml binds beside the variables. */
const LIMITERS = {
  authByAddress: 'AUTH_ADDRESS_LIMIT',
  authByAccount: 'AUTH_ACCOUNT_LIMIT',
  billing: 'BILLING_LIMIT',
  hobby: 'TIER_HOBBY_LIMIT',
  research: 'TIER_RESEARCH_LIMIT',
  pro: 'TIER_PRO_LIMIT',
} as const

/** The platform's binding, as far as it is used: Node, where the commands run, knows none of its types. */
interface LimitBinding {
  limit(of: { key: string }): Promise<{ success: boolean }>
}

const built = new WeakMap<Bindings, Deps>()

/** The clients for these bindings, built once per isolate. @throws ConfigError */
export function depsFor(bindings: Bindings): Deps {
  const kept = built.get(bindings)
  if (kept) return kept
  const deps = build(bindings)
  built.set(bindings, deps)
  return deps
}

function build(bindings: Bindings): Deps {
  const config = parseEnv(bindings)
  return {
    config,
    db: connectDatabase(config.databaseUrl, config.databaseTimeoutMs),
    redis: connectRedis(config.redis),
    memory: createMemory(),
    stripe: connectStripe(config.stripe),
    limiters: limiters(bindings as Record<string, unknown>),
    now: () => new Date(),
    signalAfter: (milliseconds) => AbortSignal.timeout(milliseconds),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    randomBytes,
    log: consoleLog,
  }
}

/** A client of Stripe, or of what stands in for it at `apiBase`. */
export function connectStripe({
  secretKey,
  apiBase,
}: Pick<Config['stripe'], 'secretKey' | 'apiBase'>): Stripe {
  return new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(),
    timeout: STRIPE_TIMEOUT_MS,
    maxNetworkRetries: 2,
    telemetry: false,
    ...(apiBase && {
      host: apiBase.hostname,
      port: apiBase.port || (apiBase.protocol === 'https:' ? 443 : 80),
      protocol: apiBase.protocol === 'https:' ? 'https' : 'http',
    }),
  })
}

function limiters(bindings: Record<string, unknown>): Deps['limiters'] {
  const missing = Object.values(LIMITERS).filter((name) => !isRateLimit(bindings[name]))
  if (missing.length > 0) {
    throw new ConfigError(
      missing.map((name) => `${name} is not bound: see [[ratelimits]] in wrangler.toml`),
    )
  }
  const limiter = (name: keyof typeof LIMITERS): RateLimiter => {
    const binding = bindings[LIMITERS[name]] as LimitBinding
    return { allows: (key) => binding.limit({ key }).then(({ success }) => success) }
  }
  return {
    authByAddress: limiter('authByAddress'),
    authByAccount: limiter('authByAccount'),
    billing: limiter('billing'),
    tier: { hobby: limiter('hobby'), research: limiter('research'), pro: limiter('pro') },
  }
}

function isRateLimit(binding: unknown): binding is LimitBinding {
  return typeof binding === 'object' && binding !== null && 'limit' in binding
}
