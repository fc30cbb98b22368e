// After the life: our rows, our answers, Redis, the ledger and the audit log against what Stripe shows.
import { asc, eq, inArray } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Deps } from '../../../src/context.ts'
import { accountKeys } from '../../../src/data/accounts.ts'
import { auditLog, stripeEvents, subscriptions } from '../../../src/data/schema.ts'
import { redisCommand } from '../snapshot.ts'
import type { EventJson } from '../stripe.ts'
import type { Courier } from './courier.ts'
import type { LifeIsolates } from './isolates.ts'
import { isPaying, type Life } from './life.ts'
import {
  bestOf,
  denialOf,
  refundedButRunning,
  type Shown,
  tierOf,
  whatStripeShows,
} from './oracle.ts'

type Row = typeof subscriptions.$inferSelect

export interface Lived {
  deps: Deps
  life: Life
  isolates: LifeIsolates
  courier: Courier
  refundPolicy: 'cancel' | 'keep'
  /** Whether changes may have been stored that no event asked for. */
  mayBeUncaused: boolean
}

export async function checkLife(lived: Lived): Promise<void> {
  const { deps, life } = lived
  const all = await whatStripeShows(deps.stripe, life)
  const rows = await deps.db
    .select()
    .from(subscriptions)
    .where(eq(subscriptions.userId, life.userId))
  const ours = checkRows(lived, all, rows)
  await checkRedis(life, rows)
  await checkAnswers(lived, ours)
  await checkLedger(lived)
  await checkAudit(lived, rows)
  await checkStripe(lived, all)
}

/** @returns what Stripe shows of those that have a row, with the tier that holds */
function checkRows({ courier }: Lived, all: readonly Shown[], rows: readonly Row[]): Shown[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const tiers = tiersAtStripe(courier.events)
  const ours = all.flatMap((shown) => {
    const row = byId.get(shown.id)
    byId.delete(shown.id)
    const had = tiers.get(shown.id) ?? new Set()
    if (!row) {
      // An unknown price is not ours, unless we knew the subscription before.
      if (shown.tier !== null)
        expect.fail(`${shown.id} (${shown.status}, ${shown.tier}) has no row`)
      return []
    }
    if (shown.tier === null && !had.has(row.tier)) {
      expect.fail(`${shown.id} has a row of ${row.tier}, which it never was at Stripe`)
    }
    const tier = shown.tier ?? row.tier
    same(`the row of ${shown.id}`, shownBy(row), comparable({ ...shown, tier }))
    return [{ ...shown, tier }]
  })
  expect([...byId.keys()], 'rows of subscriptions that are not the account’s').toEqual([])
  return ours
}

/** Says which members differ: of a whole life that is all one wants to read. */
function same(what: string, got: Record<string, unknown>, wanted: Record<string, unknown>): void {
  const differing = Object.keys({ ...got, ...wanted })
    .filter((name) => got[name] !== wanted[name])
    .map((name) => `${name} is ${got[name]}, not ${wanted[name]}`)
  if (differing.length > 0) expect.fail(`${what}: ${differing.join('; ')}`)
}

const comparable = ({ comment: _, ...shown }: Shown) => shown

function shownBy(row: Row) {
  return {
    id: row.id,
    status: row.status,
    tier: row.tier,
    priceId: row.priceId,
    periodStart: row.currentPeriodStart.getTime(),
    periodEnd: row.currentPeriodEnd.getTime(),
    cancelAt: row.cancelAt?.getTime() ?? null,
    cancelAtPeriodEnd: row.cancelAtPeriodEnd,
    trialEnd: row.trialEnd?.getTime() ?? null,
    pastDueSince: row.pastDueSince?.getTime() ?? null,
    servicePaused: row.servicePaused,
    createdAt: row.createdAt.getTime(),
  }
}

/** The tiers that each subscription has ever had, by the events that Stripe made of it. */
function tiersAtStripe(events: readonly EventJson[]): Map<string, Set<string>> {
  const tiers = new Map<string, Set<string>>()
  for (const { data } of events) {
    const { object } = data
    if (object.object !== 'subscription') continue
    const had = tiers.get(object.id) ?? new Set()
    tiers.set(object.id, had.add(tierOf(object.items.data[0].price.id) ?? ''))
  }
  return tiers
}

/** The snapshot that Redis holds, if it holds one, is what Postgres shows. */
async function checkRedis(life: Life, rows: readonly Row[]): Promise<void> {
  const key = accountKeys(life.userId).snapshot
  const text = await redisCommand<string | null>('HGET', key, 'snapshot')
  if (text === null) return
  const held: { subscriptions: Record<string, unknown>[] } = JSON.parse(text)
  const live = rows.filter(({ status }) => isPaying(status))
  const newest = Math.max(...rows.map(({ createdAt }) => createdAt.getTime()))
  const ids = held.subscriptions.map(({ id }) => id)
  if (live.length > 0) {
    expect(ids.toSorted(), 'live in Redis').toEqual(live.map(({ id }) => id).toSorted())
  } else expect(ids.length, 'subscriptions in Redis').toBe(Math.min(1, rows.length))
  for (const state of held.subscriptions) {
    const row = rows.find(({ id }) => id === state.id)
    if (!row) expect.fail(`Redis holds ${state.id}, which has no row`)
    if (live.length === 0) expect(state.createdAt, 'the newest in Redis').toBe(newest)
    const { priceId: _, periodStart, periodEnd, ...shown } = shownBy(row)
    same(`${row.id} in Redis`, state, {
      ...shown,
      currentPeriodStart: periodStart,
      currentPeriodEnd: periodEnd,
      billingCycleAnchor: row.billingCycleAnchor.getTime(),
    })
  }
}

async function checkAnswers({ life, isolates }: Lived, ours: readonly Shown[]): Promise<void> {
  const now = life.now().getTime()
  const frozen = () => new Date(now)
  const headers = { 'X-API-Key': life.key, 'Content-Type': 'application/json' }
  const best = bestOf(ours, now)
  const wanted = best.map((one) => {
    const denial = denialOf(one, now)
    return {
      view: { status: one.status, tier: one.tier, access: denial === null },
      call: denial === null ? '200' : `402 ${denial}`,
    }
  })
  if (best.length === 0) {
    wanted.push({
      view: { status: 'none', tier: 'hobby', access: false },
      call: '402 subscription_required',
    })
  }
  const body = JSON.stringify({
    dataset_type: 'reaction_trajectories',
    params: { runs: 1, max_reactions: 1 },
  })
  const paid = await isolates.fresh(frozen).call('POST', '/datasets/generate', headers, body)
  const answered = paid.status === 200 ? '200' : `${paid.status} ${paid.json.code}`
  expect(
    wanted.map(({ call }) => call),
    'the paid call’s answers that are right',
  ).toContain(answered)
  const { json } = await isolates.fresh(frozen).call('GET', '/billing/subscription', headers)
  const view = { status: json.status, tier: json.tier, access: json.access }
  expect(
    wanted.map(({ view }) => view),
    'the views that are right',
  ).toContainEqual(view)
}

async function checkLedger({ deps, courier }: Lived): Promise<void> {
  const ids = [...courier.arrived]
  if (ids.length === 0) return
  const entries = await deps.db.select().from(stripeEvents).where(inArray(stripeEvents.id, ids))
  expect(entries.length, 'entries in the ledger').toBe(ids.length)
  for (const { id, state, attempts, finishedAt } of entries) {
    const sent = courier.sent.get(id) ?? 0
    if (state !== 'done' || attempts < 1 || attempts > sent || !finishedAt) {
      expect.fail(`${id} is ${state} after ${attempts} attempts of ${sent} deliveries`)
    }
  }
}

async function checkAudit(lived: Lived, rows: readonly Row[]): Promise<void> {
  const { deps, life, courier, mayBeUncaused } = lived
  const entries = await deps.db
    .select()
    .from(auditLog)
    .where(eq(auditLog.userId, life.userId))
    .orderBy(asc(auditLog.id))
  const events = new Set(courier.events.map(({ id }) => id))
  const last = new Map<string, unknown>()
  for (const { action, eventId, detail } of entries) {
    expect(action).toBe('subscription.changed')
    if (eventId === null ? !mayBeUncaused : !events.has(eventId)) {
      expect.fail(`a change is put down to ${eventId}, which is no event of this customer`)
    }
    const id = String(detail.subscription)
    expect(detail.from, `before, in the audit log of ${id}`).toEqual(last.get(id) ?? null)
    last.set(id, detail.to)
  }
  expect(Object.fromEntries(last), 'the last entries of the audit log').toEqual(
    Object.fromEntries(rows.map(({ id, status, tier }) => [id, { status, tier }])),
  )
}

/** What we have done at Stripe. */
async function checkStripe(lived: Lived, all: readonly Shown[]): Promise<void> {
  const { deps, life, courier, refundPolicy } = lived
  const trials = all.filter(({ id, trialEnd }) => life.sold.includes(id) && trialEnd !== null)
  expect(trials.length, 'trials given by Checkout').toBeLessThanOrEqual(1)
  const { data } = await deps.stripe.customers.list({ email: life.email, limit: 10 })
  expect(data.length, 'customers of this account').toBeLessThanOrEqual(1)
  const ended = all.filter(({ comment }) => comment?.startsWith('Tollgate:')).length
  if (refundPolicy === 'keep') expect(ended, 'subscriptions that we ended').toBe(0)
  else if (courier.events.some(({ type }) => type === 'charge.refunded')) {
    const ours = all.filter(({ tier }) => tier !== null)
    expect(await refundedButRunning(deps.stripe, ours), 'refunded, and still running').toEqual([])
  }
}
