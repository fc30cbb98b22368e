// The paywall's small promises: what a refusal tells, how long an answer is kept, what a lease keeps.
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { mintApiKey } from '../../src/api-key.ts'
import { apiKeys } from '../../src/data/schema.ts'
import { secondsUntil } from '../../src/paywall/refusal.ts'
import { signUp, type TestApp, testApp, unique } from '../support/app.ts'
import { inject } from '../support/faults.ts'
import { forgetSnapshot, snapshotKeys, snapshotTtls } from '../support/snapshot.ts'
import { subscribe } from '../support/stripe.ts'
import { setUsage } from '../support/usage.ts'

const app = testApp()
const { deps } = app
const databaseDown = testApp({ DATABASE_URL: 'postgres://u:p@127.0.0.1:9/db' })

const order = { dataset_type: 'reaction_trajectories', params: { runs: 1, max_reactions: 5 } }
const generate = (who: { key: string }, through: TestApp = app) =>
  through.call('POST', '/datasets/generate', { key: who.key, body: order })
const keyOf = (userId: string, keyId = '0123456789abcdef') => ({
  key: mintApiKey(deps.config.apiKeySecrets, { userId, keyId }),
})

describe('a refusal', () => {
  test('of any bad key names the scheme', async () => {
    const revoked = await signUp(app)
    await deps.db
      .update(apiKeys)
      .set({ revokedAt: new Date() })
      .where(eq(apiKeys.userId, revoked.id))
    await forgetSnapshot(revoked.id)
    const forged = { key: mintApiKey([new Uint8Array(32)], { userId: revoked.id, keyId: '00' }) }
    for (const who of [revoked, keyOf(crypto.randomUUID()), forged, { key: 'nonsense' }]) {
      const { json, headers } = await generate(who)
      expect([json.code, headers.get('WWW-Authenticate')]).toEqual(['invalid_api_key', 'ApiKey'])
    }
  })

  test('is never kept by a cache on the way', async () => {
    const [stranger, poor] = [keyOf(crypto.randomUUID()), await signUp(app)]
    const rich = await subscribe(app, await signUp(app))
    await setUsage(app, rich, 1000)
    const shown = []
    for (const who of [stranger, poor, rich]) {
      const { status, headers } = await generate(who)
      shown.push([status, headers.get('Cache-Control')])
    }
    expect(shown).toEqual([
      [401, 'no-store'],
      [402, 'no-store'],
      [429, 'no-store'],
    ])
  })

  test('offers a checkout that the list of allowed origins lets pass', async () => {
    const strict = testApp({ ALLOWED_REDIRECT_ORIGINS: 'https://shop.example.com' })
    const person = await signUp(strict)
    const { json } = await generate(person, strict)
    expect(json.code).toBe('subscription_required')
    const { method, url, body } = json.checkout
    const followed = await strict.call(method, new URL(url).pathname, { key: person.key, body })
    expect(followed.status).toBe(200)
  })

  test('asks to wait for at least a second, and for whole ones', () => {
    const now = new Date('2026-11-23T10:00:00.000Z')
    const wait = (ms: number) => secondsUntil(new Date(now.getTime() + ms), now)
    expect([wait(-5_000), wait(0), wait(1), wait(1_000), wait(1_001)]).toEqual([1, 1, 1, 1, 2])
  })
})

describe('an expiring key', () => {
  test('opens up to its instant and not at it', async () => {
    const own = testApp()
    const person = await subscribe(own, await signUp(own))
    const expiresAt = new Date(Date.now() + 3_600_000)
    await deps.db.update(apiKeys).set({ expiresAt }).where(eq(apiKeys.userId, person.id))
    await forgetSnapshot(person.id)
    own.setNow(new Date(expiresAt.getTime() - 1))
    expect((await generate(person, own)).status).toBe(200)
    own.setNow(expiresAt)
    expect((await generate(person, own)).json.code).toBe('invalid_api_key')
  })
})

describe('what Redis keeps of an account', () => {
  test('expires within a minute, and the answer for an unknown one earlier', async () => {
    const person = await signUp(app)
    const stranger = crypto.randomUUID()
    await generate(person)
    await generate(keyOf(stranger))
    const [[known], [unknown]] = [await snapshotTtls(person.id), await snapshotTtls(stranger)]
    expect(known).toBeGreaterThan(0)
    expect(known).toBeLessThanOrEqual(60_000)
    expect(unknown).toBeGreaterThan(0)
    expect(unknown).toBeLessThan(known ?? 0)
  })

  test('answers for an unknown account too: its next call needs no database', async () => {
    const stranger = keyOf(crypto.randomUUID())
    expect((await generate(stranger)).json.code).toBe('invalid_api_key')
    expect((await generate(stranger, databaseDown)).json.code).toBe('invalid_api_key')
  })

  test('is there from the moment of sign-up: the first call needs no database', async () => {
    const person = await signUp(app)
    expect(await snapshotKeys(person.id)).toHaveLength(1)
    expect((await generate(person, databaseDown)).json.code).toBe('subscription_required')
  })
})

test('a call under way holds its unit for as long as it may take', async () => {
  const own = testApp()
  const person = await subscribe(own, await signUp(own))
  await setUsage(own, person, 999)
  const ctx = createExecutionContext()
  const running = await own.app.request(
    '/api/v1/datasets/generate',
    {
      method: 'POST',
      headers: { 'X-API-Key': person.key, 'Content-Type': 'application/json' },
      body: JSON.stringify(order),
    },
    env,
    ctx,
  )
  expect(running.status).toBe(200)
  own.setNow(new Date(Date.now() + 60_000))
  expect((await generate(person, own)).json).toMatchObject({ code: 'quota_exceeded', used: 1000 })
  await running.text()
  await waitOnExecutionContext(ctx)
})

test('a Stripe that failed is not asked for prices at every refusal, and asked again after a while', async () => {
  const product = await deps.stripe.products.create({ name: unique('plan') })
  const price = await deps.stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 4_200,
    recurring: { interval: 'month' },
  })
  const own = testApp({ STRIPE_PRICE_ID_HOBBY: price.id })
  const person = await signUp(own)
  const away = await inject('stripe', {
    match: { path: `/v1/prices/${price.id}` },
    fault: { kind: 'status', status: 500, body: '{"error":{"type":"api_error","message":"x"}}' },
    times: 1,
  })
  const start = Date.now()
  const hobby = async (secondsLater: number) => {
    own.setNow(new Date(start + secondsLater * 1000))
    const { json } = await generate(person, own)
    return json.plans[0].price
  }
  expect(await hobby(0)).toBeNull()
  await away.hit()
  // Stripe answers again by now; nobody has asked.
  expect(await hobby(5)).toBeNull()
  expect(await hobby(60)).toMatchObject({ amount: 4_200 })
})
