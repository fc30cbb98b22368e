// `npm run doctor` against a whole stack: all is well, and then one thing at a time is broken.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Served } from '../../dev/serve.ts'
import { serve } from '../../dev/serve.ts'
import { type Stack, startStack } from '../../dev/stack.ts'
import { doctor, findingsOf, only, serveWorker, wrong } from './doctor-fixture.ts'

let stack: Stack
let worker: Served
let vars: Record<string, string>

beforeAll(async () => {
  stack = await startStack({ faults: true })
  vars = stack.vars
  worker = await serveWorker(vars)
  await stack.deliverTo(`${worker.url}/api/v1/billing/webhooks/stripe`)
  const customer = await stripe('customers', { email: 'ada@example.com' })
  await stripe('subscriptions', {
    customer: customer.id,
    'items[0][price]': stack.info.prices.hobby,
    trial_period_days: '7',
  })
  await fetch(`${stack.info.stripeApiBase}/_sim/webhooks/idle`)
})

afterAll(async () => {
  await worker?.close()
  await stack?.close()
})

async function stripe(path: string, form: Record<string, string>) {
  const { stripeApiBase, stripeSecretKey } = stack.info
  const answer = await fetch(`${stripeApiBase}/v1/${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${stripeSecretKey}` },
    body: new URLSearchParams(form),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(JSON.stringify(body))
  return body as { id: string }
}

async function sql(text: string, values: unknown[] = []) {
  const client = new pg.Client(stack.info.postgresUrl)
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

async function fault(origin: string, order: object): Promise<void> {
  const answer = await fetch(`${origin}/_faults`, { method: 'POST', body: JSON.stringify(order) })
  const { id } = (await answer.json()) as { id: string }
  onTestFinished(async () => void (await fetch(`${origin}/_faults/${id}`, { method: 'DELETE' })))
}

describe('the command', () => {
  const secretsOf = (all: Record<string, string>) => [
    ...['JWT_SECRET_KEY', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'].map((name) => all[name]),
    all.UPSTASH_REDIS_REST_TOKEN,
    new URL(all.DATABASE_URL ?? '').password,
  ]

  test('says ok of every item of a stack that works, and ends with 0', async () => {
    const { code, output } = await doctor(vars)
    expect(output).not.toMatch(/^(warn|fail|skip)/m)
    expect(output).toMatch(/^ok +DATABASE_URL +set \[file\]$/m)
    expect(output).toMatch(/^ok +Webhook secret .* took Stripe's evt_/m)
    expect(output).toMatch(/\d+ ok, 0 warnings, 0 failed\n$/)
    expect(code).toBe(0)
    for (const secret of secretsOf(vars)) expect(output).not.toContain(secret)
  })

  test('says what is wrong and what to do, ends with 1, and never shows a secret', async () => {
    const url = vars.DATABASE_URL?.replace(/:[^:@]+@/, ':h%2Fush-hush@') ?? ''
    const broken = { STRIPE_SECRET_KEY: 'sk_test_hush4242', UPSTASH_REDIS_REST_TOKEN: 'hush-hush' }
    const env = { DATABASE_URL: url, JWT_SECRET_KEY: 'hush' }
    const { code, output, failed } = await doctor({ ...vars, ...broken }, { env })
    expect(failed).toEqual([
      expect.stringMatching(/JWT_SECRET_KEY .*\[environment\] -> correct it in the environment/),
      expect.stringMatching(
        /Postgres .*refuses the user or the password \[environment\] -> correct/,
      ),
      expect.stringMatching(/Redis .*refuses the token \[file\] -> copy UPSTASH_REDIS_REST_TOKEN/),
      expect.stringMatching(/Stripe account .*key is refused.* \[file\] -> copy STRIPE_SECRET_KEY/),
    ])
    expect(code).toBe(1)
    expect(output).not.toMatch(/hush|4242/)
  })

  test('without any configuration it says what to do first', async () => {
    const { code, output, failed } = await doctor({})
    expect(failed[0]).toMatch(/Configuration .*npm run dev.*\.dev\.vars\.example/)
    expect(output).toMatch(/^skip +Stripe +not checked: STRIPE_SECRET_KEY$/m)
    expect(code).toBe(1)
  })

  test.each([
    [['--vars', 'nowhere.vars'], /There is no file nowhere\.vars/],
    [['--url', 'worker'], /--url must be a URL/],
    [['--fix'], /Unknown option '--fix'/],
    [['extra'], /Unexpected argument 'extra'/],
  ])('%s is wrong usage: 2', async (args, says) => {
    const { code, output } = await doctor({}, { args })
    expect(output).toMatch(says)
    expect(output).toMatch(/^Usage: npm run doctor/m)
    expect(code).toBe(2)
  })

  test('--help says how it is used, and ends with 0', async () => {
    const { code, output } = await doctor({}, { args: ['--help'] })
    expect([code, output]).toEqual([0, expect.stringContaining('Exit status')])
  })
})

describe('variables', () => {
  test('a missing DATABASE_URL hides nothing else', async () => {
    const { DATABASE_URL: _, ...rest } = vars
    const findings = await findingsOf(rest)
    const bad = findings.filter(({ level }) => level !== 'ok')
    expect(bad.map(({ level, item }) => `${level} ${item}`)).toEqual([
      'fail DATABASE_URL',
      'skip Postgres',
    ])
    expect(findings.map(({ item }) => item)).toContain('Price of pro')
  })

  test.each(['JWT_SECRET_KEY', 'API_KEY_SECRET'])('a rotation of %s', async (name) => {
    const [now, before] = [`now-${randomUUID()}`, `before-${randomUUID()}`]
    const previous = `${name}_PREVIOUS`
    expect(await wrong({ ...vars, [name]: now, [previous]: before })).toEqual(
      only(previous, /under way/, /secret delete/, 'warn'),
    )
    expect(await wrong({ ...vars, [name]: now, [previous]: now })).toEqual(
      only(previous, /the same as/, /remove it/, 'warn'),
    )
    const { output } = await doctor({ ...vars, [name]: now, [previous]: before })
    for (const secret of [now, before]) expect(output).not.toContain(secret)
  })

  const key = 'live_51TollgateDoctor'
  test('keys of two modes', async () => {
    const bad = await wrong({ ...vars, STRIPE_PUBLISHABLE_KEY: `pk_${key}` })
    expect(bad).toEqual(only('Stripe keys', /a test key.* a live one/, /same mode/))
  })

  test('a live key is not sent to anybody but Stripe', async () => {
    const live = { STRIPE_SECRET_KEY: `sk_${key}`, STRIPE_PUBLISHABLE_KEY: `pk_${key}` }
    const bad = await wrong({ ...vars, ...live })
    expect(bad.map(({ level, item }) => `${level} ${item}`)).toEqual([
      'fail Stripe key and endpoint',
      'warn Live key, local database',
      'skip Stripe',
    ])
  })

  test('a price in two tiers', async () => {
    const bad = await wrong({ ...vars, STRIPE_PRICE_ID_PRO: stack.info.prices.hobby })
    expect(bad.map(({ item }) => item)).toContain('STRIPE_PRICE_ID_PRO')
    expect(bad[0]?.says).toMatch(/shares a price with STRIPE_PRICE_ID_HOBBY/)
  })
})

describe('Postgres', () => {
  const HASHES = 'select hash from drizzle.__drizzle_migrations order by id desc limit 1'

  test('one that is away', async () => {
    const bad = await wrong({ ...vars, DATABASE_URL: 'postgres://u:p@127.0.0.1:9/d' })
    expect(bad[0]).toEqual(only('Postgres', /127\.0\.0\.1:9\/d does not answer/, /npm run dev/)[0])
    expect(bad.slice(1).map(({ level, item }) => `${level} ${item}`)).toEqual([
      'skip Ledger of events',
    ])
  })

  test('a migration that is missing, and one of a newer release', async () => {
    const [row] = await sql(HASHES)
    const set = (to: string, from: string) =>
      sql('update drizzle.__drizzle_migrations set hash = $1 where hash = $2', [to, from])
    await set('of the future', row.hash)
    const bad = await wrong(vars)
    await set(row.hash, 'of the future')
    expect(bad).toEqual([
      ...only('Migrations', /missing: \d{4}_\w+$/, /npm run db:migrate/),
      ...only('Migrations', /1 applied that this release does not know/, /newer/, 'warn'),
    ])
  })
})

describe('Redis', () => {
  test.each([
    ['that is away', 'http://127.0.0.1:9', /does not answer/, /npm run dev/],
    ['that is not Upstash', '', /status 404, and not as Upstash/, /REST API/],
  ])('one %s', async (_, url, says, todo) => {
    const bad = await wrong({ ...vars, UPSTASH_REDIS_REST_URL: url || worker.url })
    expect(bad).toEqual(only('Redis', says, todo))
  })

  test('a token that may not write', async () => {
    const body = JSON.stringify({ error: "NOPERM this user has no permissions to run the 'eval'" })
    const refused = { kind: 'status', status: 400, body }
    await fault(stack.info.redisUrl, { match: { bodyIncludes: 'EVAL' }, fault: refused })
    expect(await wrong(vars)).toEqual(only('Redis scripts', /NOPERM/, /read-only token/))
  })

  test('nothing of the round trip is left', async () => {
    await findingsOf(vars)
    const answer = await fetch(stack.info.redisUrl, {
      method: 'POST',
      headers: { Authorization: `Bearer ${stack.info.redisToken}` },
      body: JSON.stringify(['KEYS', 'tollgate:doctor:*']),
    })
    expect(await answer.json()).toEqual({ result: [] })
  })
})

describe('clock and origin', () => {
  test.each([
    [60_000, 'warn'],
    [-300_000, 'fail'],
  ])('a clock that is %i ms off', async (offMs, level) => {
    const bad = await wrong(vars, { now: () => Date.now() + offMs })
    const clocks = bad.filter(({ item }) => item.startsWith('Clock'))
    expect(clocks.map((each) => `${each.level} ${each.item}`)).toEqual(
      ['Postgres', 'Redis', 'Stripe'].map((service) => `${level} Clock against ${service}`),
    )
    expect(clocks[0]?.says).toMatch(offMs > 0 ? /60 s ahead of/ : /300 s behind/)
  })

  test('an origin that answers, whatever it says, and one that does not', async () => {
    const origin = await serve({ fetch: () => new Response('', { status: 418 }) }, 0, 'origin')
    const seller = { ORIGIN_SIGNING_SECRET: randomUUID(), ORIGIN_URL: origin.url }
    const findings = await findingsOf({ ...vars, ...seller })
    expect(findings.find(({ item }) => item === 'Origin')).toMatchObject({
      level: 'ok',
      says: expect.stringContaining('status 418'),
    })
    await origin.close()
    expect(await wrong({ ...vars, ...seller })).toEqual(only('Origin', /not answer/, /start it/))
  })
})
