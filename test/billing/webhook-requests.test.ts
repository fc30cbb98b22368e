// What one event asks for: of Stripe one read, of Postgres the ledger's statement and one batch, of Redis one script.
import { afterAll, expect, test, vi } from 'vitest'
import { inject } from '../support/faults.ts'
import { buyer, type Customer, visitor } from '../support/life.ts'
import { control, deliver, type EventJson, stack } from '../support/stripe.ts'

const asked: string[] = []
const send = globalThis.fetch
// Every client of an app that is built from here on sends its requests through this one.
vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => {
  const { origin, pathname } = new URL(input instanceof Request ? input.url : input)
  const body = String(init?.body ?? '')
  if (origin === stack.stripeApiBase) asked.push(`${init?.method} ${pathname}`)
  else if (origin === stack.redisUrl) asked.push('redis')
  else asked.push(body.startsWith('{"queries"') ? 'postgres batch' : 'postgres')
  return send(input, init)
})
afterAll(() => {
  vi.unstubAllGlobals()
})

/** What the app asks for while it deals with an event, in order. */
async function askedFor({ app }: Customer, event: EventJson): Promise<string[]> {
  asked.length = 0
  const { status, text } = await deliver(app, event)
  if (status !== 200) throw new Error(`${event.type} was answered ${status}: ${text}`)
  return [...asked]
}

/** One read of Stripe between the ledger's two. */
const around = (...reads: string[]) => ['postgres', ...reads, 'postgres batch', 'redis']
const again = (event: EventJson): EventJson => ({ ...event, id: `${event.id}x` })

test.each([
  'checkout.session.completed',
  'customer.subscription.created',
  'invoice.payment_succeeded',
])('%s', async (type) => {
  const person = await buyer()
  expect(await askedFor(person, again(await person.event(type)))).toEqual(
    around(`GET /v1/subscriptions/${person.subscription}`),
  )
})

test.each(['invoice.payment_failed', 'customer.subscription.updated'])(
  '%s of one that is past due',
  async (type) => {
    const person = await buyer('hobby', { card: '4000000000000341' })
    await person.pass('renewal')
    const event = await person.event(type)
    expect(await askedFor(person, event)).toEqual(around('GET /v1/invoices'))
    expect(await person.look()).toMatchObject({ status: 'past_due', access: true })
  },
)

test('one more where an old event does not say that a payment is missing, and none where it is paid since', async () => {
  const person = await buyer()
  const before = again(await person.event('customer.subscription.created'))
  await control('POST', `/customers/${person.customer}/fail-next-payment`)
  await person.pass('renewal')
  expect(await askedFor(person, before)).toEqual(
    around(`GET /v1/subscriptions/${person.subscription}`, 'GET /v1/invoices'),
  )
  const failed = await person.event('invoice.payment_failed')
  await person.app.deps.stripe.invoices.pay(String(failed.data.object.id))
  expect(await askedFor(person, failed)).toEqual(around('GET /v1/invoices'))
  expect(await person.look()).toMatchObject({ status: 'active', grace_until: null })
})

test('a duplicate asks Stripe nothing, and writes nothing but what Redis may lack', async () => {
  const person = await buyer()
  const event = await person.event('customer.subscription.created')
  expect(await askedFor(person, event)).toEqual(['postgres', 'postgres', 'postgres', 'redis'])
})

test('an event that is not used asks for the ledger alone', async () => {
  const person = await visitor()
  const event = await person.event('customer.created')
  expect(await askedFor(person, event)).toEqual(['postgres', 'postgres'])
})

test('a Stripe that fails once is asked again within the same delivery', async () => {
  const person = await buyer()
  const path = `/v1/subscriptions/${person.subscription}`
  await inject('stripe', {
    match: { path },
    fault: { kind: 'status', status: 503, body: '{"error":{"type":"api_error"}}' },
    times: 1,
  })
  const event = again(await person.event('customer.subscription.created'))
  expect(await askedFor(person, event)).toEqual(around(`GET ${path}`, `GET ${path}`))
})
