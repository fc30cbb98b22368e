// The database itself refuses what must not be.
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { databaseFault } from '../../src/data/db.ts'
import { signUp, testApp, unique } from '../support/app.ts'

const app = testApp()
const { db } = app.deps
const id = () => crypto.randomUUID()
const word = () => unique('x').replaceAll('-', '')

/** The constraint that a statement breaks, or 'accepted'. */
async function broken(statement: ReturnType<typeof sql>): Promise<string | undefined> {
  try {
    await db.execute(statement)
    return 'accepted'
  } catch (error) {
    const fault = databaseFault(error)
    return fault?.constraint ?? fault?.code
  }
}

const user = (values: { email?: string; tier?: string; customer?: string | null }) => sql`
  insert into users (id, email, password_hash, tier, stripe_customer_id, created_at)
  values (${id()}, ${values.email ?? `${word()}@example.com`}, 'x', ${values.tier ?? 'hobby'},
    ${values.customer ?? null}, now())`

describe('users', () => {
  test('have one email whatever its case', async () => {
    const email = `${word()}@example.com`
    expect(await broken(user({ email }))).toBe('accepted')
    expect(await broken(user({ email: email.toUpperCase() }))).toBe('users_email_key')
  })

  test('have a Stripe customer of their own', async () => {
    const customer = `cus_${word()}`
    expect(await broken(user({ customer }))).toBe('accepted')
    expect(await broken(user({ customer }))).toBe('users_stripe_customer_id_key')
    expect(await broken(user({ customer: 'sub_1' }))).toBe('users_stripe_customer_id_check')
  })

  test('have a tier that exists and an email that is one', async () => {
    expect(await broken(user({ tier: 'gold' }))).toBe('users_tier_check')
    expect(await broken(user({ email: 'nobody' }))).toBe('users_email_check')
  })
})

describe('subscriptions', () => {
  const owner = signUp(app)
  const insert = async (values: Record<string, unknown> = {}) => {
    const row: Record<string, unknown> = {
      id: `sub_${word()}`,
      user_id: (await owner).id,
      status: 'active',
      tier: 'hobby',
      price_id: 'price_1',
      current_period_start: '2026-01-01T00:00:00Z',
      current_period_end: '2026-02-01T00:00:00Z',
      billing_cycle_anchor: '2026-01-01T00:00:00Z',
      cancel_at_period_end: false,
      collection_paused: false,
      ticket: 1,
      created_at: '2026-01-01T00:00:00Z',
      synced_at: '2026-01-01T00:00:00Z',
      ...values,
    }
    const columns = sql.raw(Object.keys(row).join(', '))
    const list = sql.join(
      Object.values(row).map((value) => sql`${value}`),
      sql`, `,
    )
    return broken(sql`insert into subscriptions (${columns}) values (${list})`)
  }

  test.each([
    [{}, 'accepted'],
    [{ status: 'dreaming' }, 'subscriptions_status_check'],
    [{ tier: 'gold' }, 'subscriptions_tier_check'],
    [{ id: 'cus_1' }, 'subscriptions_id_check'],
    [{ current_period_end: '2025-12-01T00:00:00Z' }, 'subscriptions_period_check'],
    [{ status: 'past_due' }, 'subscriptions_past_due_check'],
    [{ past_due_since: '2026-01-01T00:00:00Z' }, 'subscriptions_past_due_check'],
    [{ user_id: id() }, 'subscriptions_user_id_users_id_fk'],
    [{ ticket: 0 }, 'subscriptions_ticket_check'],
    [{ current_period_end: null }, '23502'],
  ])('%j: %s', async (values, expected) => {
    expect(await insert(values)).toBe(expected)
  })

  test('are there once', async () => {
    const twice = `sub_${word()}`
    expect(await insert({ id: twice })).toBe('accepted')
    expect(await insert({ id: twice })).toBe('subscriptions_pkey')
  })
})

describe('usage', () => {
  test('is never below zero', async () => {
    const { id: owner } = await signUp(app)
    const window = (calls: number) => sql`
      insert into usage_windows (user_id, window_start, window_end, api_calls, api_calls_quota, reactions_quota, updated_at)
      values (${owner}, '2026-01-01Z', '2026-02-01Z', ${calls}, 1, 1, now())`
    expect(await broken(window(-1))).toBe('usage_windows_counts_check')
    expect(await broken(window(1))).toBe('accepted')
    expect(await broken(window(1))).toBe('usage_windows_pkey')
  })
})

describe('the ledger', () => {
  const event = (state: string, outcome: string | null) => sql`
    insert into stripe_events (id, type, created_at, received_at, state, outcome, ticket)
    values (${`evt_${word()}`}, 'x', now(), now(), ${state}, ${outcome}, 1)`

  test('has an outcome for what is done and for nothing else', async () => {
    expect(await broken(event('done', 'applied'))).toBe('accepted')
    expect(await broken(event('done', null))).toBe('stripe_events_done_check')
    expect(await broken(event('failed', 'applied'))).toBe('stripe_events_done_check')
    expect(await broken(event('lost', null))).toBe('stripe_events_state_check')
    expect(await broken(event('done', 'lost'))).toBe('stripe_events_outcome_check')
  })
})

test('every instant has a time zone', async () => {
  const { rows } = await db.execute<{ name: string }>(sql`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and data_type in ('timestamp without time zone', 'date', 'time without time zone')`)
  expect(rows).toEqual([])
})
