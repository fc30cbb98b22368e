// Every example of the document is sent, in the order of a customer's life, and every answer is held against it.
import { expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { CATALOGUE } from '../../src/problem.ts'
import { type Answer, type Call, type Json, testApp } from '../support/app.ts'
import { deliverNew, pay, signature } from '../support/stripe.ts'
import { held, holdAnswer, OPERATIONS, operationAt, resolved, shapeOf } from './hold.ts'

const app = testApp()
const sent = new Set<string>()

/** Sends what the document shows, where `call` has no body, and holds the answer. */
async function ask(method: string, path: string, call: Call = {}, of = app): Promise<Answer> {
  const operation = operationAt(method, path)
  const isExample = operation?.example !== undefined && call.body === undefined
  const body = isExample ? { body: operation.example } : {}
  const answer = await of.call(method, path, { ...body, ...call })
  holdAnswer(method, path, answer)
  if (isExample && answer.status < 300) sent.add(operation.name)
  return answer
}

const refused = async (code: string, method: string, path: string, call: Call = {}, of = app) => {
  expect((await ask(method, path, call, of)).json.code).toBe(code)
}

test('every example works, and every answer is as the document says', async () => {
  const { json: registered } = await ask('POST', '/auth/register')
  await refused('email_taken', 'POST', '/auth/register')
  const token: string = (await ask('POST', '/auth/login')).json.access_token
  const key: string = registered.api_key
  const by = { token }
  await refused('subscription_required', 'POST', '/datasets/generate', { key })
  await ask('GET', '/account', by)
  await ask('GET', '/billing/plans')
  await refused('no_customer', 'POST', '/billing/portal', by)
  const { json: session } = await ask('POST', '/billing/checkout/session', by)
  await pay(session.session_id)
  const { customer } = await app.deps.stripe.checkout.sessions.retrieve(session.session_id)
  await deliverNew(app, String(customer), new Set())
  await refused('already_subscribed', 'POST', '/billing/checkout/session', by)
  await ask('POST', '/billing/portal', by)
  await hearEvent()
  await ask('GET', '/billing/subscription', by)
  await ask('POST', '/datasets/estimate')
  await generateAll(key)
  await ask('GET', '/billing/usage', by)
  await manageKeys(token)
  await ask('GET', '/account/export', by)
  await refused('incorrect_password', 'DELETE', '/account', {
    token,
    body: { password: 'another' },
  })
  await ask('PUT', '/account/email', by)
  const { json: changed } = await ask('PUT', '/account/password', by)
  await refused('invalid_token', 'GET', '/account', by)
  await ask('DELETE', '/account/sessions', { token: changed.access_token })
  const { email } = operationAt('PUT', '/account/email')?.example ?? {}
  const { password } = operationAt('DELETE', '/account')?.example ?? {}
  const { json: again } = await ask('POST', '/auth/login', { body: { email, password } })
  await ask('DELETE', '/account', { token: again.access_token })
  for (const path of ['/health', '/openapi.json', '/datasets']) await ask('GET', path)
  for (const { method, path } of OPERATIONS) {
    if (/^\/datasets\/\w+_/.test(path)) await ask(method, path)
  }

  const examples = OPERATIONS.filter(({ example }) => example !== undefined)
  expect([...sent].sort()).toEqual(examples.map(({ name }) => name).sort())
  const answers = OPERATIONS.map(({ name, responses }) => `${name} ${Object.keys(responses)[0]}`)
  expect(answers.filter((each) => !held.has(each))).toEqual([])
})

/** Stripe alone sends them. */
async function hearEvent(): Promise<void> {
  const path = '/billing/webhooks/stripe'
  const payload = JSON.stringify(operationAt('POST', path)?.example)
  const headers = { 'Stripe-Signature': signature(payload) }
  const answer = await ask('POST', path, { headers, body: payload })
  expect(answer.json.outcome).toBe('ignored')
  sent.add(operationAt('POST', path)?.name ?? '')
  await refused('invalid_signature', 'POST', path)
  const signed = { 'Stripe-Signature': signature('{}') }
  await refused('malformed_event', 'POST', path, { headers: signed, body: '{}' })
}

/** Each type in each of its formats; of NDJSON each line. */
async function generateAll(key: string): Promise<void> {
  await ask('POST', '/datasets/generate', { key })
  const operation = operationAt('POST', '/datasets/generate')
  const line = shapeOf(operation?.responses[200].content['application/x-ndjson']['x-item-schema'])
  const { json } = await app.call('GET', '/datasets')
  for (const { dataset_type, formats } of json.dataset_types as Json[]) {
    for (const format of formats) {
      const answer = await ask('POST', '/datasets/generate', {
        key,
        body: { dataset_type, format, params: SMALL[dataset_type] },
      })
      expect(answer.status, answer.text.slice(0, 300)).toBe(200)
      if (format !== 'ndjson') continue
      for (const each of answer.text.trimEnd().split('\n')) {
        expect(line.safeParse(JSON.parse(each)).error?.issues, each).toBeUndefined()
      }
    }
  }
  const body = { dataset_type: 'reaction_trajectories', params: { runs: 200, max_reactions: 1 } }
  await refused('invalid_request', 'POST', '/datasets/generate', { key, body })
  const headers = { 'Idempotency-Key': 'one of mine' }
  const small = { dataset_type: 'reaction_trajectories', params: SMALL.reaction_trajectories }
  await ask('POST', '/datasets/generate', { key, headers, body: small })
  await refused('idempotency_key_reused', 'POST', '/datasets/generate', { key, headers, body })
}

const SMALL: Readonly<Record<string, object>> = {
  reaction_trajectories: { runs: 2, max_reactions: 20 },
  novel_molecules: { max_reactions: 40 },
  // A network in which all kinds of records are found.
  autocatalysis_network: {
    max_length: 3,
    food_length: 1,
    catalysis_level: 2,
    max_reactions: 40,
    seed: 1,
  },
}

async function manageKeys(token: string): Promise<void> {
  const by = { token }
  const { json: made } = await ask('POST', '/keys', by)
  const path = `/keys/${made.id}`
  await ask('GET', '/keys', by)
  await ask('GET', path, by)
  await ask('PATCH', path, by)
  const { json: successor } = await ask('POST', `${path}/rotate`, by)
  for (const outcome of ['past_due', 'quota_exceeded', 'rate_limited']) {
    const headers = { 'Tollgate-Test-Outcome': outcome }
    await ask('POST', '/datasets/generate', { key: successor.key, headers })
  }
  await ask('POST', '/datasets/generate', { key: successor.key })
  await refused('live_key_required', 'GET', '/account', { key: successor.key })
  await ask('DELETE', path, by)
  await refused('not_found', 'GET', path, by)
  for (;;) {
    const { status, json } = await ask('POST', '/keys', { token, body: { name: 'one more' } })
    if (status === 201) continue
    expect(json.code).toBe('too_many_keys')
    return
  }
}

test('what is wrong with a request or its credentials is refused as the document says', async () => {
  for (const { method, path, example, security } of OPERATIONS) {
    const at = path.replace('{id}', '0123456789abcdef')
    const doors = security.flatMap(Object.keys)
    const isPaid = doors.length === 1 && doors[0] === 'ApiKey'
    if (doors.includes('Bearer')) {
      await refused('missing_credentials', method, at)
      await refused('invalid_token', method, at, { token: 'a.b.c' })
    }
    if (isPaid) await refused('missing_api_key', method, at)
    if (doors.includes('ApiKey')) {
      await refused('invalid_api_key', method, at, { key: `tg_live_${'0'.repeat(62)}` })
    }
    if (example === undefined || doors.length > 0) continue
    await refused('malformed_json', method, at, { body: '{' })
    await refused('invalid_request', method, at, { body: {} })
    await refused('payload_too_large', method, at, { body: ' '.repeat(70_000) })
    const headers = { 'Content-Type': 'text/plain' }
    await refused('unsupported_media_type', method, at, { headers })
  }
  const body = { email: 'nobody@example.com', password: 'whatever it was' }
  await refused('invalid_credentials', 'POST', '/auth/login', { body })
})

test('what fails on our side is told as the document says', async () => {
  const away = testApp({
    STRIPE_API_BASE: 'http://127.0.0.1:9',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:9/d',
  })
  await refused('stripe_unavailable', 'GET', '/billing/plans', {}, away)
  const { example } = operationAt('POST', '/auth/login') ?? {}
  const body = { ...example, email: 'who@example.com' }
  await refused('unavailable', 'POST', '/auth/login', { body }, away)
  const bare = createApp()
  const answer = await bare.request('/api/v1/billing/plans', {}, {})
  const text = await answer.text()
  const { status, headers } = answer
  holdAnswer('GET', '/billing/plans', { status, headers, text, json: JSON.parse(text) })
  away.deps.limiters.authByAddress = { allows: async () => false }
  await refused('too_many_attempts', 'POST', '/auth/login', { body }, away)
})

/** Not made to happen here: each is the catalogue's plain body. */
const ELSEWHERE = new Set([
  // The connection breaks; a call runs meanwhile; a key is used a thousand times; Stripe pauses; a bug of ours.
  'broken_body',
  'idempotency_key_in_use',
  'idempotency_key_used_up',
  'subscription_paused',
  'internal_error',
  // Answers of no operation.
  'method_not_allowed',
  'origin_unavailable',
  'origin_timeout',
])

test('every other code was held', () => {
  const codes = new Set([...held].map((each) => each.split(' ')[2]))
  const missing = Object.keys(CATALOGUE).filter((code) => !codes.has(code) && !ELSEWHERE.has(code))
  expect(missing).toEqual([])
  expect(resolved({ $ref: '#/components/schemas/Health' }).additionalProperties).toBe(false)
})
