// Types only: what a request carries through the app.
import type { Context, MiddlewareHandler } from 'hono'
import type Stripe from 'stripe'
import type { KeyIds, KeyMode } from './api-key.ts'
import type { RandomBytes } from './crypto.ts'
import type { AccountSnapshot } from './data/account-snapshot.ts'
import type { Database } from './data/db.ts'
import type { Memory } from './data/memory.ts'
import type { RedisClient } from './data/redis.ts'
import type { Units } from './data/units.ts'
import type { DatasetRequest } from './datasets/request.ts'
import type { Bindings, Config } from './env.ts'
import type { Log } from './log.ts'
import type { Tier } from './plans.ts'

/** One of Cloudflare's rate limiters: false once `key` is over the limit that wrangler.toml sets. */
export interface RateLimiter {
  allows(key: string): Promise<boolean>
}

/** Everything outside that the app uses. Built by deps.ts; tests replace time and randomness. */
export interface Deps {
  config: Config
  db: Database
  redis: RedisClient
  /** What this isolate remembers between requests. */
  memory: Memory
  stripe: Stripe
  limiters: {
    authByAddress: RateLimiter
    /** By account and network together. */
    authByAccount: RateLimiter
    /** By account: calls that make Stripe, or the database, work hard. */
    billing: RateLimiter
    tier: Readonly<Record<Tier, RateLimiter>>
  }
  now(): Date
  /** Aborts after that time: `AbortSignal.timeout`. */
  signalAfter(milliseconds: number): AbortSignal
  /** Resolves after that time. */
  pause(milliseconds: number): Promise<void>
  randomBytes: RandomBytes
  log: Log
}

/** A paid call that was let in: whose it is, and how to book what it used. */
export interface PaidCall {
  account: AccountSnapshot
  /** The plan that lets it in. */
  tier: Tier
  /** `test`: answered with a sample, and free. */
  mode: KeyMode
  /** Aborts while the call can still book what it used: a stream must end then. */
  endsBy: AbortSignal
  /** Keeps the units from being settled by the middleware: the handler does it when its stream has ended. */
  settleLater(): (units: Units, isWhole?: boolean) => Promise<void>
  /** Replaces what the call is charged once it has been answered below 500: what the seller's origin says that it cost. */
  costs(units: Units): void
  /** Under an idempotency key: bytes for what is random in the answer, so that a repetition is answered the same. */
  seedBytes: Uint8Array | null
}

/** A call that may be a repetition of an earlier one. */
export interface Repetition {
  redisKey: string
  /** Hex, of method, target and body: the key stands for this request and no other. */
  fingerprint: string
  /** The same for every repetition: what is lent under it is booked once. */
  loanId: string
  /** The same for every repetition: for what is random in the answer. */
  seedBytes: Uint8Array
}

export interface Variables {
  requestId: string
  deps: Deps
  /** Set by the `authenticated` guard. */
  account: AccountSnapshot
  /** Set where somebody has signed up or logged in: whose account it is. */
  signedIn: string
  /** Set by the paywall. */
  paid: PaidCall
  /** Set by the paywall for a call with an idempotency key. */
  repetition: Repetition | undefined
  /** Set while the paywall asks what a data set costs. */
  datasetRequest: DatasetRequest
  /** Set where a key has proven itself, by the guard that asked for it: paid or not. */
  caller: KeyIds | undefined
  /** Set by the `authenticated` guard for a token: the epoch of sessions that it is of. */
  sessionEpoch: number | undefined
  /** Set by the paywall where the stores were asked: who knew the account. */
  layer: string
  /** How long the paywall, and a guard of the account's own calls, took. */
  paywallMs: number
  authMs: number
  /** Set where an answer is the seller's origin's. */
  fromOrigin: true
  /** What the log calls the route where that is not the pattern of what answered; null where there is none. */
  route: string | null
  /** Set by what writes a problem: its code. */
  problem: string
}

export interface AppEnv {
  Bindings: Bindings
  Variables: Variables
}

export type AppContext = Context<AppEnv>
/** A door: lets the request through or throws a Problem. app.ts hands them to the features. */
export type Guard = MiddlewareHandler<AppEnv>
