// The end of an account: at Stripe first, then here; whatever comes between, after, or at the same time.
import { eq, getTableName, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { writeThrough } from '../../src/data/accounts.ts'
import * as schema from '../../src/data/schema.ts'
import { loadSession } from '../../src/data/session.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { type Person, signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { due, pass, skipToNow } from '../support/reconcile.ts'
import { ahead, shop } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'
import { checkout, deliver, eventsOf, pay, type Subscriber, subscribe } from '../support/stripe.ts'
import { tablesOf } from '../support/tables.ts'

const app = testApp()
const { call, deps } = app
const { db, stripe } = deps

const remove = ({ token, password }: Person, through = app) =>
  through.call('DELETE', '/account', { token, body: { password } })
const buyer = async () => subscribe(app, await signUp(app))
const exists = async ({ id }: Person) =>
  (await db.$count(schema.users, eq(schema.users.id, id))) === 1
const formerOf = async ({ id }: Person) =>
  (await db.select().from(schema.formerAccounts).where(eq(schema.formerAccounts.userId, id)))[0]
const isDeleted = async (customer: unknown) =>
  (await stripe.customers.retrieve(String(customer))).deleted === true
const statusAtStripe = async ({ subscription }: Subscriber) =>
  (await stripe.subscriptions.retrieve(subscription)).status
const newest = async ({ customer }: Subscriber, type: string) => {
  const found = (await eventsOf(customer)).findLast((event) => event.type === type)
  if (!found) throw new Error(`The simulator made no ${type}`)
  return found
}

/** A paid call through an isolate. */
const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } }

describe('a deleted account', () => {
  test('has ended at Stripe and here; what is kept is told, and is all that is kept', async () => {
    const person = await buyer()
    expect(
      (await call('POST', '/datasets/generate', { key: person.key, body: order })).status,
    ).toBe(200)
    const { status, json, headers } = await remove(person)
    expect(status).toBe(200)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(json.deleted.length).toBeGreaterThan(3)
    expect(json.kept.length).toBe(5)
    for (const each of json.kept) expect(Object.keys(each)).toEqual(['what', 'why'])

    expect(await statusAtStripe(person)).toBe('canceled')
    expect(await isDeleted(person.customer)).toBe(true)
    const tables = tablesOf(schema)
    const known: string[] = []
    for (const table of tables) {
      const name = getTableName(table)
      const { rows } = await db.execute<{ count: number }>(
        sql`select count(*)::integer from ${table} t where to_jsonb(t)::text like ${`%${person.id}%`}`,
      )
      if (rows[0]?.count) known.push(name)
      const { rows: named } = await db.execute(
        sql`select 1 from ${table} t where to_jsonb(t)::text ilike ${`%${person.email}%`}`,
      )
      expect(named, name).toEqual([])
    }
    expect(known.sort()).toEqual(['audit_log', 'former_accounts'])
    expect(await formerOf(person)).toMatchObject({
      stripeCustomerId: person.customer,
      emailDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const log = await db
      .select()
      .from(schema.auditLog)
      .where(eq(schema.auditLog.userId, person.id))
      .orderBy(schema.auditLog.id)
    expect(log.at(-1)).toMatchObject({ action: 'account.deleted', detail: {} })
  })

  test('that never bought anything leaves no digest, and no customer', async () => {
    const person = await signUp(app)
    await inject('stripe', { match: {}, fault: { kind: 'status', status: 503 }, times: 1 }).then(
      (it) => it.remove(),
    )
    const { status, json } = await remove(person)
    expect([status, json.kept.length]).toEqual([200, 2])
    expect(await formerOf(person)).toMatchObject({ stripeCustomerId: null, emailDigest: null })
  })

  test('is nobody any more: token, key and password open nothing, and the email is free', async () => {
    const person = await buyer()
    await remove(person)
    expect((await call('GET', '/account', { token: person.token })).json.code).toBe('invalid_token')
    expect((await remove(person)).json.code).toBe('invalid_token')
    expect((await call('GET', '/account', { key: person.key })).json.code).toBe('invalid_api_key')
    const body = { email: person.email, password: person.password }
    expect((await call('POST', '/auth/login', { body })).json.code).toBe('invalid_credentials')
    const anew = await call('POST', '/auth/register', { body })
    expect(anew.status).toBe(200)
    expect(anew.json.user.id).not.toBe(person.id)
  })

  test('is let in nowhere after PAYWALL_MEMORY_SECONDS + 1 s, even where a slow reader writes it back', async () => {
    const person = await buyer()
    const [hot, cold] = [shop(), shop()]
    expect((await hot.buy(person)).status).toBe(200)
    const before = await loadSession(db, person.id)
    expect((await remove(person)).status).toBe(200)
    // Read before, written after.
    const slow = shop()
    await writeThrough(slow.deps, person.id, before?.account ?? null, new Map())
    hot.setNow(ahead(hot.deps.config.memorySeconds + 1))
    for (const isolate of [hot, cold, app]) {
      const { status, json } = await isolate.call('POST', '/datasets/generate', {
        key: person.key,
        body: order,
      })
      expect([status, json.code]).toEqual([401, 'invalid_api_key'])
    }
  })

  test('leaves nothing in Redis but that it is gone, and that for minutes', async () => {
    const person = await buyer()
    await call('POST', '/datasets/generate', { key: person.key, body: order })
    await remove(person)
    const keys = await redisCommand<string[]>('KEYS', `tollgate:*${person.id}`)
    for (const key of keys) {
      const fields = await redisCommand<string[]>('HKEYS', key)
      expect(fields.filter((field) => !/^(version|snapshot|grant)$/.test(field))).toEqual([])
      const ttl = await redisCommand<number>('PTTL', key)
      expect(ttl).toBeGreaterThan(0)
      expect(ttl).toBeLessThanOrEqual(15 * 60_000)
    }
    expect(await redisCommand('ZSCORE', 'tollgate:changed:2', person.id)).toBeNull()
  })

  test('is deleted where Redis is away, which is told again until it hears', async () => {
    const person = await buyer()
    const hot = shop()
    await hot.buy(person)
    const away = testApp()
    const fault = await inject('redis', {
      match: { bodyIncludes: person.id },
      fault: { kind: 'status', status: 500 },
      times: 3,
    })
    expect((await remove(person, away)).status).toBe(200)
    await fault.remove()
    expect(away.logs.map(({ event }) => event)).toContain('account_not_forgotten')
    hot.setNow(ahead(hot.deps.config.memorySeconds + 1))
    expect((await hot.buy(person)).json.code).toBe('invalid_api_key')
  })

  test('is passed over by the usage that is still counted, and by the reconciliation', async () => {
    await skipToNow(app)
    const person = await buyer()
    await call('POST', '/datasets/generate', { key: person.key, body: order })
    await due(app, person)
    const listing = await inject('stripe', {
      match: { method: 'GET', path: '/v1/subscriptions' },
      fault: { kind: 'hold' },
      times: 1,
    })
    const passing = pass(app)
    await listing.hit()
    expect((await remove(person)).status).toBe(200)
    await listing.release()
    expect(await passing).toMatchObject({ differences: [], accountsFailed: 0, eventsFailed: 0 })
    // A call that ends late is still counted.
    const start = Date.now() - (Date.now() % 1000)
    const usage = `tollgate:usage:2:${person.id}`
    for (const [field, value] of [
      ['end', start + 1000],
      ['calls', 1],
      ['seeded', 1],
      ['quota_calls', 10],
      ['quota_reactions', 10],
    ]) {
      await redisCommand('HSET', usage, `${start}:${field}`, String(value))
    }
    await redisCommand('ZADD', 'tollgate:changed:2', '1', person.id)
    await flushUsage(deps)
    expect(await redisCommand('ZSCORE', 'tollgate:changed:2', person.id)).toBeNull()
    expect(await db.$count(schema.usageWindows, eq(schema.usageWindows.userId, person.id))).toBe(0)
  })
})

describe('events of a deleted account', () => {
  test('are answered 200, ignored, and bring nothing back', async () => {
    const person = await buyer()
    await remove(person)
    for (const type of [
      'customer.subscription.deleted',
      'customer.subscription.created',
      'checkout.session.completed',
    ]) {
      const event = {
        ...(await newest(person, type)),
        id: `evt_${crypto.randomUUID().replaceAll('-', '')}`,
      }
      const { status, json } = await deliver(app, event)
      expect([status, json.outcome]).toEqual([200, 'ignored'])
      expect(json.reason).toMatch(/account of the customer was deleted/)
    }
    expect(await exists(person)).toBe(false)
    expect(
      await db.$count(schema.subscriptions, eq(schema.subscriptions.id, person.subscription)),
    ).toBe(0)
    expect(app.logs.map(({ event }) => event)).not.toContain('subscription_of_deleted_account')
  })

  test('belong to nobody else, even where the email is registered again', async () => {
    const person = await buyer()
    const event = await newest(person, 'customer.subscription.created')
    await remove(person)
    const body = { email: person.email, password: person.password }
    const { json } = await call('POST', '/auth/register', { body })
    await deliver(app, { ...event, id: `evt_${crypto.randomUUID().replaceAll('-', '')}` })
    const seen = await call('GET', '/account', { token: json.access_token })
    expect(seen.json.subscription_status).toBe('none')
  })

  test('that are being stored when the rows go are ignored', async () => {
    const person = await subscribe(app, await signUp(app), 'hobby', { deliverEvents: false })
    const event = await newest(person, 'customer.subscription.created')
    const storing = await inject('postgres', {
      match: { bodyIncludes: `\\"id\\":\\"${person.subscription}\\",\\"status\\"` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const delivery = deliver(app, event)
    await storing.hit()
    expect((await remove(person)).status).toBe(200)
    await storing.release()
    const { status, json } = await delivery
    expect([status, json.outcome]).toEqual([200, 'ignored'])
    expect(await db.$count(schema.subscriptions, eq(schema.subscriptions.userId, person.id))).toBe(
      0,
    )
  })

  test('that tell of a subscription which goes on are an error in the log', async () => {
    const person = await buyer()
    const event = await newest(person, 'customer.subscription.created')
    // As if Stripe had not ended it.
    await db.delete(schema.users).where(eq(schema.users.id, person.id))
    await db
      .insert(schema.formerAccounts)
      .values({ userId: person.id, stripeCustomerId: person.customer, deletedAt: new Date() })
    await deliver(app, { ...event, id: `evt_${crypto.randomUUID().replaceAll('-', '')}` })
    expect(app.logs).toContainEqual({
      event: 'subscription_of_deleted_account',
      fields: { subscription: person.subscription, status: 'active' },
    })
  })
})

describe('deleting while', () => {
  test('Stripe is away: 502, and nothing is deleted', async () => {
    const person = await buyer()
    const away = await inject('stripe', {
      match: { method: 'DELETE', path: `/v1/customers/${person.customer}` },
      fault: { kind: 'status', status: 503 },
    })
    const { status, json } = await remove(person)
    expect([status, json.code]).toEqual([502, 'stripe_unavailable'])
    expect(await exists(person)).toBe(true)
    expect(await formerOf(person)).toBeUndefined()
    expect((await call('GET', '/billing/subscription', { token: person.token })).json.access).toBe(
      true,
    )
    await away.remove()
    expect((await remove(person)).status).toBe(200)
  })

  test('the Worker dies between Stripe and the rows: repeated, it ends the same', async () => {
    const person = await buyer()
    await inject('postgres', {
      match: { bodyIncludes: 'insert into former_accounts' },
      fault: { kind: 'status', status: 500 },
      times: 1,
    })
    expect((await remove(person)).status).toBeGreaterThanOrEqual(500)
    expect([await exists(person), await isDeleted(person.customer)]).toEqual([true, true])
    expect((await remove(person)).status).toBe(200)
    expect(await formerOf(person)).toMatchObject({ stripeCustomerId: person.customer })
  })

  test('the answer of Stripe is lost: it is gone all the same', async () => {
    const person = await buyer()
    await inject('stripe', {
      match: { method: 'DELETE', path: `/v1/customers/${person.customer}` },
      fault: { kind: 'lose-answer' },
      times: 1,
    })
    expect((await remove(person)).status).toBe(200)
    expect(await exists(person)).toBe(false)
  })

  test('the customer was deleted at Stripe before: it goes on', async () => {
    const person = await buyer()
    await stripe.customers.del(person.customer)
    expect((await remove(person)).status).toBe(200)
    expect(await exists(person)).toBe(false)
  })

  test('a Checkout is open: it cannot be paid any more', async () => {
    const person = await signUp(app)
    const { json } = await checkout(app, person, 'hobby')
    expect((await remove(person)).status).toBe(200)
    expect((await stripe.checkout.sessions.retrieve(json.session_id)).status).toBe('expired')
    await expect(pay(json.session_id)).rejects.toThrow()
  })

  test('a Checkout is being paid: what it bought ends with the account', async () => {
    const person = await signUp(app)
    const { json } = await checkout(app, person, 'hobby')
    const expiring = await inject('stripe', {
      match: { method: 'POST', path: `/v1/checkout/sessions/${json.session_id}/expire` },
      fault: { kind: 'hold' },
      times: 1,
    })
    const removing = remove(person)
    await expiring.hit()
    await pay(json.session_id)
    await expiring.release()
    expect((await removing).status).toBe(200)
    const { subscription } = await stripe.checkout.sessions.retrieve(json.session_id)
    expect((await stripe.subscriptions.retrieve(String(subscription))).status).toBe('canceled')
    // It was bought, though no event has told: no second trial.
    expect((await formerOf(person))?.emailDigest).toMatch(/^[0-9a-f]{64}$/)
  })

  test('a first checkout makes its customer: neither customer nor session stays', async () => {
    const person = await signUp(app)
    const making = await inject('stripe', {
      match: { method: 'POST', path: '/v1/customers', bodyIncludes: person.id },
      fault: { kind: 'hold' },
      times: 1,
    })
    const buying = checkout(app, person, 'hobby')
    await making.hit()
    expect((await remove(person)).status).toBe(200)
    await making.release()
    const { status, json } = await buying
    expect([status, json.code]).toEqual([401, 'invalid_token'])
    const { data } = await stripe.customers.list({ email: person.email })
    expect(data).toEqual([])
  })

  test('a checkout has made its customer after it was looked for: that one is ended too', async () => {
    const person = await signUp(app)
    const deleting = await inject('postgres', {
      match: { bodyIncludes: 'insert into former_accounts' },
      fault: { kind: 'hold' },
      times: 1,
    })
    const removing = remove(person)
    await deleting.hit()
    const { json } = await checkout(app, person, 'hobby')
    const { customer } = await stripe.checkout.sessions.retrieve(json.session_id)
    await deleting.release()
    expect((await removing).status).toBe(200)
    expect(await isDeleted(customer)).toBe(true)
    expect((await stripe.checkout.sessions.retrieve(json.session_id)).status).toBe('expired')
    expect(await formerOf(person)).toMatchObject({ stripeCustomerId: customer })
  })
})
