// A paying account made of rows alone, and its counts as the operator sees them in Redis and in Postgres.
import { and, eq, sql } from 'drizzle-orm'
import { mintApiKey } from '../../src/api-key.ts'
import type { Deps } from '../../src/context.ts'
import {
  type SnapshotRow,
  snapshotQuery,
  toSnapshot,
  toUsed,
} from '../../src/data/account-snapshot.ts'
import { writeThrough } from '../../src/data/accounts.ts'
import { apiKeys, subscriptions, usageWindows, users } from '../../src/data/schema.ts'
import type { Units } from '../../src/data/units.ts'
import { PLANS, type Tier } from '../../src/plans.ts'
import type { Window } from '../../src/window.ts'
import { redisCommand } from './snapshot.ts'
import { emptyRedis } from './usage.ts'
import { add, type Tally } from './usage-books.ts'

export interface PayingAccount {
  id: string
  key: string
}

/** A plan, or none any more. */
export type PlanState = Tier | 'canceled'

/** Somebody who has used `used` of their window so far; Redis and all isolates know nothing of them. */
export async function payingAccount(
  { db, config }: Deps,
  { tier, window, used }: { tier: Tier; window: Window; used: Units },
): Promise<PayingAccount> {
  const id = crypto.randomUUID()
  const keyId = id.replaceAll('-', '').slice(0, 16)
  const createdAt = window.start
  await db.batch([
    db.insert(users).values({ id, email: `${id}@example.com`, passwordHash: '-', tier, createdAt }),
    db.insert(apiKeys).values({ id: keyId, userId: id, name: 'default', createdAt }),
    db.insert(subscriptions).values({
      id: `sub_${id}`,
      userId: id,
      status: 'active',
      tier,
      priceId: 'price_1',
      currentPeriodStart: window.start,
      currentPeriodEnd: window.end,
      billingCycleAnchor: window.start,
      cancelAtPeriodEnd: false,
      collectionPaused: false,
      ticket: 1,
      createdAt,
      syncedAt: createdAt,
    }),
    db.insert(usageWindows).values({
      userId: id,
      windowStart: window.start,
      windowEnd: window.end,
      ...used,
      apiCallsQuota: PLANS[tier].quotas.apiCalls,
      reactionsQuota: PLANS[tier].quotas.reactions,
      updatedAt: createdAt,
    }),
  ])
  return { id, key: mintApiKey(config.apiKeySecrets, { userId: id, keyId }) }
}

/** As billing/sync.ts does: the row, a raised version, the snapshot through to Redis. */
export async function changePlan(deps: Deps, userId: string, to: PlanState): Promise<void> {
  const { db } = deps
  const change =
    to === 'canceled' ? { status: 'canceled' as const } : { status: 'active' as const, tier: to }
  const [, , snapshots] = await db.batch([
    db
      .update(users)
      .set({ version: sql`${users.version} + 1` })
      .where(eq(users.id, userId)),
    db.update(subscriptions).set(change).where(eq(subscriptions.userId, userId)),
    db.execute<SnapshotRow>(snapshotQuery(userId)),
  ])
  const [row] = snapshots.rows
  if (!row) throw new Error('The account is gone')
  await writeThrough(deps, userId, toSnapshot(row), toUsed(row))
}

/** What Redis has of an account, by window. */
export interface Counted {
  used: Tally
  /** As the counts say; under 0 what is held for a window that nobody knew. */
  held: Tally
  /** As the leases say. */
  leased: Tally
  seeded: Set<number>
}

export async function counted(userId: string): Promise<Counted> {
  const flat = await redisCommand<string[]>('HGETALL', `tollgate:usage:2:${userId}`)
  const all: Counted = { used: new Map(), held: new Map(), leased: new Map(), seeded: new Set() }
  for (let i = 0; i < flat.length; i += 2) {
    const [field = '', value = ''] = flat.slice(i, i + 2)
    if (field.startsWith('lease:')) {
      const [window, apiCalls, reactions, state] = value.split(':')
      const units = { apiCalls: Number(apiCalls), reactions: Number(reactions) }
      if (state === 'h') add(all.leased, Number(window), units)
      continue
    }
    const [, start, isHeld, kind] = /^(\d+):(held_)?(calls|reactions)$/.exec(field) ?? []
    const count = Number(value)
    const units = {
      apiCalls: kind === 'calls' ? count : 0,
      reactions: kind === 'calls' ? 0 : count,
    }
    if (start !== undefined) add(isHeld ? all.held : all.used, Number(start), units)
    if (field.endsWith(':seeded')) all.seeded.add(Number.parseInt(field, 10))
  }
  return all
}

/** What Postgres has of an account, by window. */
export async function written({ db }: Deps, userId: string): Promise<Tally> {
  const rows = await db.select().from(usageWindows).where(eq(usageWindows.userId, userId))
  return new Map(
    rows.map(({ windowStart, apiCalls, reactions }) => [
      windowStart.getTime(),
      { apiCalls, reactions },
    ]),
  )
}

/** Removes the account and what Redis has of it. */
export async function forget({ db }: Deps, userId: string): Promise<void> {
  await emptyRedis(userId)
  await redisCommand('ZREM', 'tollgate:changed:2', userId)
  await db.delete(users).where(and(eq(users.id, userId)))
}
