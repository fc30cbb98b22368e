// Everything that is held on a person, and nothing of anybody else: each table that knows them is walked.
import { getTableColumns, getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import * as schema from '../../src/data/schema.ts'
import { flushUsage } from '../../src/usage/flush.ts'
import { signUp, testApp } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { customer as madeCustomer } from '../support/shop.ts'
import { redisCommand } from '../support/snapshot.ts'
import { subscribe } from '../support/stripe.ts'
import { tablesOf } from '../support/tables.ts'
import { setUsage } from '../support/usage.ts'

const app = testApp()
const { call, deps } = app

/** Somebody of whom every table has something, and Redis too. */
async function knownEverywhere() {
  const person = await subscribe(app, await signUp(app))
  await setUsage(app, person, 7)
  const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 1 } }
  const paid = await call('POST', '/datasets/generate', { key: person.key, body: order })
  expect(paid.status).toBe(200)
  await flushUsage(deps)
  const usage = `tollgate:usage:2:${person.id}`
  const fields = await redisCommand<string[]>('HKEYS', usage)
  const calls = fields.find((field) => /^\d{6,}:calls$/.test(field))
  await redisCommand('HINCRBY', usage, String(calls), '5')
  return person
}

const exported = ({ token }: { token: string }) => call('GET', '/account/export', { token })

const tables = tablesOf(schema)
const columnsOf = (table: PgTable) => Object.values(getTableColumns(table)).map(({ name }) => name)

/** Where the rows of a table stand in the export, or why they do not. */
const PLACES: Record<string, { under: string } | { not: string }> = {
  users: { under: 'account' },
  api_keys: { under: 'api_keys' },
  subscriptions: { under: 'subscriptions' },
  usage_windows: { under: 'usage_windows' },
  audit_log: { under: 'audit_log' },
  stripe_events: { under: 'stripe_events' },
  former_accounts: { not: 'of an account that is gone nobody can ask any more' },
  reconciliation: { not: 'knows no account' },
}

test('the list above has every table of the schema', () => {
  expect(Object.keys(PLACES).sort()).toEqual(tables.map(getTableName).sort())
})

test('has a row, whole, of every table that knows the person, and what Redis counts beyond them', async () => {
  const person = await knownEverywhere()
  const { status, json, headers } = await exported(person)
  expect(status).toBe(200)
  expect(headers.get('Content-Disposition')).toMatch(
    /^attachment; filename="tollgate-account-\d{4}-\d\d-\d\d\.json"$/,
  )
  expect(headers.get('Cache-Control')).toBe('no-store')
  for (const table of tables) {
    const place = PLACES[getTableName(table)]
    if (!place || 'not' in place) continue
    const rows = [json[place.under]].flat()
    expect(rows.length, place.under).toBeGreaterThan(0)
    const wanted = columnsOf(table).filter((name) => !/^(user_id|password_hash)$/.test(name))
    for (const row of rows) expect(Object.keys(row).sort()).toEqual(wanted.sort())
  }
  expect(json.account).toMatchObject({
    id: person.id,
    email: person.email,
    stripe_customer_id: person.customer,
  })
  expect(json.subscriptions).toMatchObject([{ id: person.subscription, status: 'active' }])
  expect(json.usage_windows).toMatchObject([{ api_calls: 8 }])
  expect(json.running_counts).toMatchObject([{ api_calls: 13, api_calls_quota: 1000 }])
  expect(json.audit_log.map(({ action }: { action: string }) => action)).toEqual([
    'account.registered',
    'subscription.changed',
  ])
})

test('names what it does not give, and holds no secret', async () => {
  const person = await knownEverywhere()
  const { json, text } = await exported(person)
  expect(json.elsewhere.length).toBeGreaterThan(3)
  for (const each of json.elsewhere) expect(Object.keys(each)).toEqual(['what', 'where', 'how'])
  expect(text).not.toMatch(/\$scrypt|tg_live_|tg_test_/)
  expect(text).not.toContain(person.token)
})

test('has nothing of anybody else', async () => {
  const [person, other] = [await knownEverywhere(), await knownEverywhere()]
  await madeCustomer({ used: 3 })
  const { text, json } = await exported(person)
  for (const theirs of [other.id, other.email, other.customer, other.subscription]) {
    expect(text).not.toContain(theirs)
  }
  expect(json.usage_windows).toHaveLength(1)
})

test('says that Redis does not answer where it does not', async () => {
  const person = await signUp(app)
  const away = testApp()
  await inject('redis', {
    match: { bodyIncludes: person.id },
    fault: { kind: 'status', status: 500 },
  })
  const { status, json } = await away.call('GET', '/account/export', { token: person.token })
  expect([status, json.running_counts]).toEqual([200, null])
})

test('is throttled: it reads all that was ever written of an account', async () => {
  const { token } = await signUp(app)
  const own = testApp()
  const asked: string[] = []
  const allows = async (key: string) => asked.push(key) <= 1
  own.deps.limiters = { ...own.deps.limiters, billing: { allows } }
  expect((await own.call('GET', '/account/export', { token })).status).toBe(200)
  const { json } = await own.call('GET', '/account/export', { token })
  expect([json.code, asked[0]]).toEqual(['too_many_attempts', asked[1]])
})
