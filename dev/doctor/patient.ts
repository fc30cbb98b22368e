// What is examined: the configuration as far as it is right, and the clients that it allows.
import type Stripe from 'stripe'
import { connectDatabase, type Database } from '../../src/data/db.ts'
import { connectStripe } from '../../src/deps.ts'
import { type Env, readVariables, type VariableProblem } from '../../src/env.ts'
import type { CommandVars } from '../command-vars.ts'

/** The time limit of each request, in milliseconds. */
export const LIMIT_MS = 10_000

export interface Patient extends CommandVars {
  values: Partial<Env>
  problems: VariableProblem[]
  /** Where the deployed Worker answers, when it was named. */
  workerUrl: URL | undefined
  /** Unix milliseconds of this machine's clock. */
  now(): number
  db: Database | undefined
  stripe: Stripe | undefined
}

export function patientOf(
  read: CommandVars,
  options: { workerUrl?: URL | undefined; now?: () => number } = {},
): Patient {
  const { values, problems } = readVariables(read.vars)
  const { DATABASE_URL: databaseUrl, STRIPE_SECRET_KEY: secretKey } = values
  const base = values.STRIPE_API_BASE
  const stripeMayBeAsked = !('STRIPE_API_BASE' in read.vars && !base) && !goesAstray(values)
  return {
    ...read,
    values,
    problems,
    workerUrl: options.workerUrl,
    now: options.now ?? Date.now,
    db: databaseUrl ? connectDatabase(databaseUrl, LIMIT_MS) : undefined,
    stripe:
      secretKey && stripeMayBeAsked
        ? connectStripe({ secretKey, apiBase: base ? new URL(base) : undefined })
        : undefined,
  }
}

export function isLive(key: string | undefined): boolean {
  return /^(sk|rk|pk)_live_/.test(key ?? '')
}

/** A live key that would be sent to somebody else than Stripe. */
export function goesAstray({
  STRIPE_SECRET_KEY: key,
  STRIPE_API_BASE: base,
}: Partial<Env>): boolean {
  return isLive(key) && base !== undefined && !/(^|\.)stripe\.com$/.test(new URL(base).hostname)
}

/** What to do about a service of this machine that is away. */
export const START_STACK = 'start `npm run dev` (or `npm run stack`) in another terminal'
