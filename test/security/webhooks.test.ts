// Events that Stripe did not send, or sent before: nothing is believed, and nothing happens twice.
import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { stripeEvents } from '../../src/data/schema.ts'
import { testApp, unique } from '../support/app.ts'
import { citizen, expectDecent, rowsOf } from '../support/attack.ts'
import {
  control,
  deliver,
  type EventJson,
  eventsOf,
  signature,
  stack,
  subscribe,
} from '../support/stripe.ts'

const app = testApp()
const { call, deps } = app
const PATH = '/billing/webhooks/stripe'
const secret = stack.webhookSecret
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** What an attacker would like us to believe: somebody's subscription. */
const victim = await subscribe(app, await citizen(app))
const [real] = (await eventsOf(victim.customer)).filter(
  ({ type }) => type === 'customer.subscription.created',
)
if (!real) throw new Error('Stripe has no event to forge')

const forgedEvent = (): EventJson => ({ ...real, id: `evt_${unique('f').replaceAll('-', '')}` })
const hmac = (payload: string, key = secret, at: string | number = nowSeconds()) =>
  createHmac('sha256', key).update(`${at}.${payload}`).digest('hex')
const v1 = (payload: string, key = secret, at: string | number = nowSeconds()) =>
  `t=${at},v1=${hmac(payload, key, at)}`

async function post(body: string, header: string | undefined) {
  const headers = {
    'Content-Type': 'application/json',
    ...(header !== undefined && { 'Stripe-Signature': header }),
  }
  return call('POST', PATH, { body, headers })
}
const ledger = async (id: string) =>
  (await deps.db.select().from(stripeEvents).where(eq(stripeEvents.id, id)))[0]

const headers: Record<string, (body: string) => string | undefined> = {
  'no header': () => undefined,
  'an empty header': () => '',
  garbage: () => 'garbage',
  'commas alone': () => ',,,,',
  'no signature': () => `t=${nowSeconds()}`,
  'no time': (body) => `v1=${hmac(body)}`,
  'an empty signature': () => `t=${nowSeconds()},v1=`,
  'a signature of zeros': () => `t=${nowSeconds()},v1=${'0'.repeat(64)}`,
  'half of the signature': (body) => v1(body).slice(0, -32),
  'one digit more': (body) => `${v1(body)}0`,
  'another last digit': (body) => v1(body).replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
  'the signature in base64': (body) =>
    `t=${nowSeconds()},v1=${Buffer.from(hmac(body), 'hex').toString('base64')}`,
  'another secret': (body) => v1(body, 'whsec_of_the_attacker'),
  'an empty secret': (body) => v1(body, ''),
  'the secret of Stripe’s API': (body) => v1(body, stack.stripeSecretKey),
  'the publishable key': (body) => v1(body, stack.stripePublishableKey),
  'the secret without its prefix': (body) => v1(body, secret.replace('whsec_', '')),
  'another body': (body) => v1(`${body} `),
  'an empty body': () => v1(''),
  'the body without its time': (body) =>
    `t=${nowSeconds()},v1=${createHmac('sha256', secret).update(body).digest('hex')}`,
  'SHA-1': (body) =>
    `t=${nowSeconds()},v1=${createHmac('sha1', secret).update(`${nowSeconds()}.${body}`).digest('hex')}`,
  'v0 alone': (body) => v1(body).replace('v1', 'v0'),
  'V1 in capitals': (body) => v1(body).replace('v1', 'V1'),
  'a time too far ahead': (body) => v1(body, secret, nowSeconds() + 600),
  'a time too old': (body) => v1(body, secret, nowSeconds() - 301),
  'a time of yesterday under a newer one': (body) =>
    `t=${nowSeconds() - 86_400},t=${nowSeconds()},v1=${hmac(body, secret, nowSeconds() - 86_400)}`,
  'a time of now before that of yesterday': (body) =>
    `t=${nowSeconds()},${v1(body, secret, nowSeconds() - 86_400)}`,
  'a time that is no number': (body) => v1(body, secret, 'now'),
  'no number, signed': (body) => v1(body, secret, 'NaN'),
  'an empty time, signed': (body) => v1(body, secret, ''),
  'a time with more behind it': (body) => v1(body, secret, `${nowSeconds() - 400}e0`),
  'milliseconds of long ago': (body) => v1(body, secret, -1),
  '1,000 wrong signatures': () => `t=${nowSeconds()}${`,v1=${'a'.repeat(64)}`.repeat(1000)}`,
}

test('the forger’s own tool makes an event that is taken, unless something is wrong with it', async () => {
  const event = forgedEvent()
  const body = JSON.stringify(event)
  expect(v1(body, secret, 1)).toBe(signature(body, secret, 1000))
  expect((await post(body, v1(body))).json).toMatchObject({ received: true })
  expect(await ledger(event.id)).toBeDefined()
})

test.each(Object.entries(headers))(
  'a signature with %s is refused, and nothing is on record',
  async (_, header) => {
    const event = forgedEvent()
    const body = JSON.stringify(event)
    const before = await rowsOf(app, victim.id)
    const answer = await post(body, header(body))
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_signature'])
    expectDecent(answer, header(body)?.slice(0, 100))
    expect(answer.text).not.toContain(hmac(body))
    expect(await ledger(event.id)).toBeUndefined()
    expect(await rowsOf(app, victim.id)).toBe(before)
  },
)

test('one right signature among wrong ones is enough: so Stripe rolls its secrets', async () => {
  const body = JSON.stringify(forgedEvent())
  const header = v1(body).replace(',', `,v1=${'a'.repeat(64)},v0=x,`)
  expect((await post(body, header)).status).toBe(200)
})

describe('a body that was changed under its signature is refused:', () => {
  const changed: Record<string, (body: string) => string> = {
    'a blank more': (body) => `${body} `,
    'a line more': (body) => `${body}\n`,
    'a byte order mark more': (body) => `\ufeff${body}`,
    'cut short': (body) => body.slice(0, -1),
    empty: () => '',
    'written anew': (body) => JSON.stringify(JSON.parse(body), null, 1),
    'another customer': (body) => body.replaceAll(victim.customer, 'cus_attacker'),
    'another status': (body) => body.replace('"status":"', '"status":"active","was":"'),
    'a second id': (body) => body.replace('{', '{"id":"evt_other",'),
    compressed: (body) => gzipSync(body).toString('latin1'),
    'another encoding': (body) => Buffer.from(body, 'utf16le').toString('latin1'),
    escaped: (body) => body.replace('evt_', '\\u0065vt_'),
  }
  test.each(Object.entries(changed))('%s', async (_, change) => {
    const event = forgedEvent()
    const body = JSON.stringify(event)
    const { status, json } = await post(change(body), v1(body))
    expect([status, json.code]).toEqual([400, 'invalid_signature'])
    expect(await ledger(event.id)).toBeUndefined()
  })
})

describe('a right one again', () => {
  test('is a duplicate, with one effect', async () => {
    const person = await subscribe(app, await citizen(app), 'hobby', { deliverEvents: false })
    const [event] = (await eventsOf(person.customer)).filter(
      ({ type }) => type === 'customer.subscription.created',
    )
    if (!event) throw new Error('Stripe has no such event')
    const body = JSON.stringify(event)
    const header = v1(body)
    const outcomes = []
    for (let i = 0; i < 3; i += 1) outcomes.push((await post(body, header)).json.outcome)
    expect(outcomes).toEqual(['applied', 'duplicate', 'duplicate'])
    const after = await rowsOf(app, person.id)
    const many = await Promise.all(Array.from({ length: 10 }, () => post(body, header)))
    expect(new Set(many.map(({ json }) => json.outcome))).toEqual(new Set(['duplicate']))
    expect(await rowsOf(app, person.id)).toBe(after)
  })

  test('is refused when it is more than five minutes old', async () => {
    const later = testApp()
    const body = JSON.stringify(forgedEvent())
    const header = v1(body)
    later.setNow(new Date(Date.now() + 301_000))
    const { status, json } = await later.call('POST', PATH, {
      body,
      headers: { 'Stripe-Signature': header },
    })
    expect([status, json.code]).toEqual([400, 'invalid_signature'])
  })

  test('under a new id, by one who has the secret, tells no more than Stripe does', async () => {
    const person = await subscribe(app, await citizen(app))
    await control('POST', `/subscriptions/${person.subscription}/cancel-now`)
    await person.sync()
    const lie = forgedEvent()
    lie.data = {
      object: {
        ...real.data.object,
        id: person.subscription,
        customer: person.customer,
        status: 'active',
      },
    }
    expect((await deliver(app, lie)).status).toBe(200)
    const { json } = await call('GET', '/billing/subscription', { token: person.token })
    expect(json).toMatchObject({ status: 'canceled', access: false })
  })
})

test('a body of 1 MiB and a byte is refused before its signature is looked at', async () => {
  const body = ' '.repeat(1024 * 1024 + 1)
  for (const header of [undefined, v1(body)]) {
    const { status, json } = await post(body, header)
    expect([status, json.code]).toEqual([413, 'payload_too_large'])
  }
})

test.each(['token', 'key'] as const)(
  'a customer’s %s does not make an event of what Stripe did not sign',
  async (way) => {
    const body = JSON.stringify(forgedEvent())
    const { json } = await call('POST', PATH, { body, [way]: victim[way] })
    expect(json.code).toBe('invalid_signature')
  },
)
