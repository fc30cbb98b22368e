// Types only: what the stack tells of itself.
import type { Tier } from '../src/plans.ts'

/** What the stack serves: the JSON line of `npm run stack`. */
export type StackInfo = {
  databaseUrl: string
  /** Postgres's own protocol. */
  postgresUrl: string
  redisUrl: string
  redisToken: string
  stripeApiBase: string
  stripeDashboard: string
  stripeSecretKey: string
  stripePublishableKey: string
  webhookSecret: string
  jwtSecret: string
  /** What is sold. */
  prices: Record<Tier, string>
  /** What was sold before the plan table changed, and has subscribers. */
  formerPrices?: Record<Tier, string[]>
  /** What the Worker's portal sessions show. */
  portalConfiguration: string
}
