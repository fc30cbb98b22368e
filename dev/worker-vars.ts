// The Worker's variables that point it at a stack.
import { VARIABLE_ALIASES, VARIABLE_NAMES } from '../src/env.ts'
import type { Tier } from '../src/plans.ts'
import type { StackInfo } from './stack-info.ts'

export function workerVars(info: StackInfo): Record<string, string> {
  const pricesOf = (tier: Tier) => [info.prices[tier], ...(info.formerPrices?.[tier] ?? [])].join()
  return {
    DATABASE_URL: info.databaseUrl,
    UPSTASH_REDIS_REST_URL: info.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: info.redisToken,
    JWT_SECRET_KEY: info.jwtSecret,
    STRIPE_SECRET_KEY: info.stripeSecretKey,
    STRIPE_PUBLISHABLE_KEY: info.stripePublishableKey,
    STRIPE_WEBHOOK_SECRET: info.webhookSecret,
    STRIPE_PRICE_ID_HOBBY: pricesOf('hobby'),
    STRIPE_PRICE_ID_RESEARCH: pricesOf('research'),
    STRIPE_PRICE_ID_PRO: pricesOf('pro'),
    STRIPE_PORTAL_CONFIGURATION_ID: info.portalConfiguration,
    STRIPE_API_BASE: info.stripeApiBase,
  }
}

/** The variables of the stack that a developer's own leave room for: theirs win, one by one; empty ones are absent. */
export function varsBeside(
  own: NodeJS.Dict<string>,
  stack: Readonly<Record<string, string>>,
): Record<string, string> {
  const taken = new Set(Object.keys(own).filter((name) => own[name]?.trim()))
  // The other names of the same database: a host of theirs with the stack's token would be neither.
  if (taken.has('REDIS_HOST') || taken.has('REDIS_PASSWORD')) {
    taken.add('UPSTASH_REDIS_REST_URL').add('UPSTASH_REDIS_REST_TOKEN')
  }
  // A Stripe account of theirs: the simulator has none of its prices, and must not be sent its key.
  if (taken.has('STRIPE_SECRET_KEY')) {
    for (const name of Object.keys(stack)) if (name.startsWith('STRIPE_')) taken.add(name)
  }
  return Object.fromEntries(Object.entries(stack).filter(([name]) => !taken.has(name)))
}

/** Every variable of the Worker, switched off: under the stack's own, the demo is the same whatever stands in .dev.vars. */
export const NOTHING_ELSE: Readonly<Record<string, string>> = Object.fromEntries(
  [...VARIABLE_NAMES, ...VARIABLE_ALIASES].map((name) => [name, '']),
)
