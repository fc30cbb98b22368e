// Accounts that pay, made by the thousand: rows straight into Postgres, keys as the Worker mints them.
import { randomBytes, randomUUID } from 'node:crypto'
import { type KeySecrets, mintApiKey } from '../../src/api-key.ts'
import { connectDatabase, type Database } from '../../src/data/db.ts'
import { apiKeys, subscriptions, usageWindows, users } from '../../src/data/schema.ts'
import { parseEnv } from '../../src/env.ts'
import { PLANS, type Tier } from '../../src/plans.ts'
import { windowAt } from '../../src/window.ts'

export interface BenchAccount {
  userId: string
  email: string
  key: string
}

export interface AccountOptions {
  /** How many API calls of the month's quota are left; all of them when absent. */
  left?: number
  /** Whether its key has been revoked. */
  revoked?: boolean
  /** The customer at Stripe whose subscription it has there; it has none in Postgres yet. */
  customer?: string
}

export interface Accounts {
  create(count: number, options?: AccountOptions): Promise<BenchAccount[]>
}

const ROWS_A_STATEMENT = 1_000
const DAY_MS = 86_400_000
/** The plan that they all have: the one with the largest quota. */
const TIER: Tier = 'pro'

export function openAccounts(vars: Readonly<Record<string, string>>): Accounts {
  const { apiKeySecrets, databaseUrl, prices } = parseEnv(vars)
  const db = connectDatabase(databaseUrl, 30_000)
  return {
    async create(count, options = {}) {
      const made: BenchAccount[] = []
      while (made.length < count) {
        const size = Math.min(ROWS_A_STATEMENT, count - made.length)
        made.push(...(await insert(db, apiKeySecrets, prices[TIER][0], size, options)))
      }
      return made
    },
  }
}

async function insert(
  db: Database,
  secrets: KeySecrets,
  priceId: string,
  count: number,
  { left, revoked = false, customer }: AccountOptions,
): Promise<BenchAccount[]> {
  const now = new Date()
  // The period began three days ago: no window ends during a run.
  const start = new Date(now.getTime() - 3 * DAY_MS)
  const window = windowAt(start, now)
  const accounts = Array.from({ length: count }, () => {
    const userId = randomUUID()
    const keyId = randomBytes(8).toString('hex')
    const key = mintApiKey(secrets, { userId, keyId })
    return { userId, keyId, key, email: `bench-${userId}@example.com` }
  })
  await db.insert(users).values(
    accounts.map(({ userId, email }) => ({
      id: userId,
      email,
      passwordHash: 'none',
      tier: TIER,
      stripeCustomerId: customer ?? null,
      createdAt: start,
    })),
  )
  await db.insert(apiKeys).values(
    accounts.map(({ userId, keyId }) => ({
      id: keyId,
      userId,
      name: 'bench',
      createdAt: start,
      revokedAt: revoked ? now : null,
    })),
  )
  if (customer === undefined) {
    await db.insert(subscriptions).values(
      accounts.map(({ userId }) => ({
        id: `sub_${userId.replaceAll('-', '')}`,
        userId,
        status: 'active' as const,
        tier: TIER,
        priceId,
        currentPeriodStart: window.start,
        currentPeriodEnd: window.end,
        billingCycleAnchor: start,
        cancelAtPeriodEnd: false,
        collectionPaused: false,
        ticket: 1,
        createdAt: start,
        syncedAt: now,
      })),
    )
  }
  if (left !== undefined) {
    const { apiCalls, reactions } = PLANS[TIER].quotas
    await db.insert(usageWindows).values(
      accounts.map(({ userId }) => ({
        userId,
        windowStart: window.start,
        windowEnd: window.end,
        apiCalls: apiCalls - left,
        apiCallsQuota: apiCalls,
        reactionsQuota: reactions,
        updatedAt: now,
      })),
    )
  }
  return accounts.map(({ userId, email, key }) => ({ userId, email, key }))
}
