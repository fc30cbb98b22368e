// `npm run reconcile` and `npm run stripe:replay`, run as a person runs them, against a stack of the test's own.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import Stripe from 'stripe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stack, startStack } from '../../dev/stack.ts'
import { connectDatabase, type Database } from '../../src/data/db.ts'
import { runCommand } from './run-command.ts'

let stack: Stack
let db: Database
let stripe: Stripe
let vars: string
beforeAll(async () => {
  stack = await startStack()
  db = connectDatabase(stack.info.databaseUrl, 10_000)
  const { hostname, port } = new URL(stack.info.stripeApiBase)
  stripe = new Stripe(stack.info.stripeSecretKey, { host: hostname, port, protocol: 'http' })
  vars = join(mkdtempSync(join(tmpdir(), 'tollgate-operations-')), 'vars')
  const lines = Object.entries(stack.vars).map(([name, value]) => `${name}=${value}`)
  writeFileSync(vars, lines.join('\n'))
})
afterAll(() => stack.close())

const run = (script: string, ...args: string[]) => runCommand(script, [...args, '--vars', vars])

/** Somebody with a customer at Stripe, and a subscription of which no webhook has told. */
async function unheard() {
  const id = randomUUID()
  const customer = await stripe.customers.create({ email: `${id}@example.com` })
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: stack.info.prices.hobby }],
    collection_method: 'send_invoice',
    days_until_due: 30,
  })
  await db.execute(sql`insert into users (id, email, password_hash, tier, stripe_customer_id, created_at)
    values (${id}, ${`${id}@example.com`}, 'none', 'hobby', ${customer.id}, now())`)
  const { data } = await stripe.events.list({ type: 'customer.subscription.created', limit: 1 })
  return { id, subscription: subscription.id, event: data[0]?.id ?? '' }
}

const statusOf = async (subscription: string) =>
  (
    await db.execute<{ status: string }>(
      sql`select status from subscriptions where id = ${subscription}`,
    )
  ).rows[0]?.status

describe('reconcile', () => {
  test('shows the differences first, then repairs them, then finds none', async () => {
    const { id, subscription } = await unheard()
    const dry = await run('dev/reconcile.ts', '--dry-run')
    expect(dry.stdout).toContain(`user ${id}, ${subscription}`)
    expect(dry.stdout).toContain('status: none -> active')
    expect(dry.stdout).toContain('Run it without --dry-run')
    expect(dry.status).toBe(1)
    expect(await statusOf(subscription)).toBeUndefined()

    const wet = await run('dev/reconcile.ts')
    expect(wet.stdout).toContain('1 subscriptions repaired')
    expect(wet.status).toBe(0)
    expect(await statusOf(subscription)).toBe('active')

    const again = await run('dev/reconcile.ts', '--all')
    expect(again.stdout).toContain('1 accounts compared, 0 subscriptions repaired')
    expect(again.status).toBe(0)
  })

  test('says what to do where nothing answers, where nothing is set and where it is called wrongly', async () => {
    const file = `${vars}-away`
    const lines = Object.entries({ ...stack.vars, STRIPE_API_BASE: 'http://127.0.0.1:9' })
    writeFileSync(file, lines.map(([name, value]) => `${name}=${value}`).join('\n'))
    const away = await runCommand('dev/reconcile.ts', ['--vars', file])
    expect([away.status, away.stderr]).toEqual([2, expect.stringContaining('npm run dev')])
    writeFileSync(file, 'STRIPE_SECRET_KEY=sk_test_x')
    const bare = await runCommand('dev/reconcile.ts', ['--vars', file])
    expect([bare.status, bare.stderr]).toEqual([
      2,
      expect.stringContaining('DATABASE_URL is missing'),
    ])
    const wrong = await run('dev/reconcile.ts', '--dry')
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--help')])
    for (const { stdout, stderr } of [away, bare, wrong]) {
      for (const secret of [stack.info.stripeSecretKey, stack.info.redisToken]) {
        expect(stdout + stderr).not.toContain(secret)
      }
    }
  })
})

describe('stripe:replay', () => {
  test('runs an event, done or not, and says what was done', async () => {
    const { event, subscription } = await unheard()
    const first = await run('dev/stripe-replay.ts', event)
    expect(first.stdout).toBe(`${event}  applied: ${subscription}: new, now active, hobby\n`)
    await stripe.subscriptions.cancel(subscription)
    const second = await run('dev/stripe-replay.ts', event)
    expect(second.stdout).toContain('was active, hobby, now canceled, hobby')
    expect(second.status).toBe(0)
    const { rows } = await db.execute(
      sql`select attempts, state, outcome from stripe_events where id = ${event}`,
    )
    expect(rows).toEqual([{ attempts: 2, state: 'done', outcome: 'applied' }])
  })

  test('fails for an event that nobody has, and for what is no event', async () => {
    const missing = await run('dev/stripe-replay.ts', 'evt_nobody')
    expect([missing.status, missing.stdout]).toEqual([
      1,
      expect.stringContaining('Stripe has this event no more'),
    ])
    for (const args of [[], ['sub_1']]) {
      expect((await run('dev/stripe-replay.ts', ...args)).status).toBe(2)
    }
  })
})
