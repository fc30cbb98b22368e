// The control API and the dashboard on money that came in: refunded, disputed; and on customers by hand.
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createPrice,
  type ServedSimulator,
  startSimulator,
  submit,
  subscribe,
} from './stripe-served.ts'

let server: ServedSimulator
beforeEach(async () => {
  server = await startSimulator()
})
afterEach(() => server.close())

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}/_sim${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function bought() {
  const price = await createPrice(server.stripe)
  const { customer, subscription } = await subscribe(server, price.id, 'ada@example.com')
  const [charge] = (await server.stripe.charges.list({ customer: customer.id })).data
  if (!charge) throw new Error('Nothing was charged')
  return { price, customer, subscription, charge, page: `/dashboard/customers/${customer.id}` }
}

function typesOf(customer: string): string[] {
  const events = [...server.sim.data.events.values()]
  return events
    .filter(({ data }) => JSON.stringify(data.object).includes(customer))
    .map(({ type }) => type)
}

async function press(path: string, fields: Record<string, string>): Promise<string> {
  const answer = await submit(`${server.url}${path}`, fields)
  expect([path, answer.status]).toEqual([path, 303])
  const next = await fetch(new URL(answer.headers.get('Location') ?? '', server.url))
  expect(next.status).toBe(200)
  return next.text()
}

function actionsOf(html: string): string[] {
  return [...html.matchAll(/<form method="post" action="([^"]*)"/g)].map((match) => match[1] ?? '')
}

test('a charge is refunded in part, then whole, and no further', async () => {
  const { charge } = await bought()
  const path = `/charges/${charge.id}/refund`
  expect(await call('POST', path, { amount: 900, reason: 'duplicate' })).toMatchObject({
    status: 200,
    body: { refund: { amount: 900, reason: 'duplicate', charge: charge.id } },
  })
  expect(await call('POST', path)).toMatchObject({
    status: 200,
    body: { refund: { amount: 2000 } },
  })
  expect(await call('POST', path)).toMatchObject({
    status: 400,
    body: { error: { code: 'charge_already_refunded' } },
  })
  expect((await call('POST', path, { amount: 0 })).status).toBe(422)
  expect((await call('POST', '/charges/ch_no/refund')).status).toBe(404)
})

test.each(['win', 'lose'] as const)(
  'a charge is disputed, and the bank lets us %s',
  async (end) => {
    const { charge } = await bought()
    const opened = await call('POST', `/charges/${charge.id}/dispute`, { reason: 'unrecognized' })
    expect(opened).toMatchObject({
      status: 200,
      body: { dispute: { charge: charge.id, reason: 'unrecognized', status: 'needs_response' } },
    })
    const { id } = opened.body.dispute as { id: string }
    const status = end === 'win' ? 'won' : 'lost'
    expect(await call('POST', `/disputes/${id}/${end}`)).toMatchObject({
      status: 200,
      body: { dispute: { id, status } },
    })
    expect((await call('POST', `/disputes/${id}/${end}`)).status).toBe(400)
    expect((await call('POST', `/disputes/du_no/${end}`)).status).toBe(404)
    const again = await call('POST', `/charges/${charge.id}/dispute`)
    expect(again).toMatchObject({ status: 400, body: { error: { code: 'charge_disputed' } } })
  },
)

test('events of a dispute are its customer’s', async () => {
  const { charge, customer } = await bought()
  await call('POST', `/charges/${charge.id}/dispute`)
  const { body } = await call('GET', `/events?customer=${customer.id}&type=charge.dispute.created`)
  expect(body.events).toHaveLength(1)
})

test('the customer’s page refunds an invoice and disputes it', async () => {
  const { charge, page, customer } = await bought()
  const html = await (await fetch(`${server.url}${page}`)).text()
  const refund = `/dashboard/charges/${charge.id}/refund`
  expect(actionsOf(html)).toEqual(
    expect.arrayContaining([refund, `/dashboard/charges/${charge.id}/dispute`]),
  )
  const after = await press(refund, { back: page })
  expect(after).toContain('The payment was refunded.')
  expect(after).toContain('>refunded<')
  expect(actionsOf(after)).not.toContain(refund)
  expect(typesOf(customer.id)).toContain('charge.refunded')
})

test('the page shows a dispute as it stands, and decides it', async () => {
  const { charge, page } = await bought()
  const open = await press(`/dashboard/charges/${charge.id}/dispute`, { back: page })
  expect(open).toContain('>disputed: needs response<')
  expect(actionsOf(open)).not.toContain(`/dashboard/charges/${charge.id}/refund`)
  const win = actionsOf(open).find((action) => action.endsWith('/win')) ?? ''
  expect(actionsOf(open)).toContain(win.replace('/win', '/lose'))
  const won = await press(win, { back: page })
  expect(won).toContain('>dispute won<')
  expect(actionsOf(won)).not.toContain(win)
})

test('a subscription is made by hand: charged to the card on file, or invoiced', async () => {
  const { customer, price, subscription } = await bought()
  await call('POST', `/subscriptions/${subscription.id}/cancel-now`)
  const path = `/customers/${customer.id}/subscriptions`
  expect(await call('POST', path, { price: price.id })).toMatchObject({
    status: 201,
    body: { subscription: { customer: customer.id, status: 'active', metadata: {} } },
  })
  const sent = await call('POST', path, { price: price.id, days_until_due: 14 })
  expect(sent).toMatchObject({
    status: 201,
    body: {
      subscription: {
        collection_method: 'send_invoice',
        days_until_due: 14,
        status: 'active',
      },
    },
  })
  const { latest_invoice: latest } = sent.body.subscription as { latest_invoice: string }
  expect((await server.stripe.invoices.retrieve(latest)).status).toBe('open')
  const trial = await call('POST', path, { price: price.id, trial_days: 7 })
  expect(trial).toMatchObject({ status: 201, body: { subscription: { status: 'trialing' } } })
  expect((await call('POST', path, { price: 'price_no' })).status).toBe(404)
  expect((await call('POST', path, {})).status).toBe(422)
})

test('without a card on file nothing is made, and a declined one leaves it incomplete', async () => {
  const { price, customer } = await bought()
  const stranger = await server.stripe.customers.create({})
  expect(
    await call('POST', `/customers/${stranger.id}/subscriptions`, { price: price.id }),
  ).toMatchObject({ status: 402, body: { error: { code: 'no_payment_method' } } })
  expect((await server.stripe.subscriptions.list({ customer: stranger.id })).data).toEqual([])
  server.sim.failNextPayment(customer.id)
  expect(
    await call('POST', `/customers/${customer.id}/subscriptions`, { price: price.id }),
  ).toMatchObject({ status: 201, body: { subscription: { status: 'incomplete' } } })
})

test('the customer’s page makes a subscription and deletes the customer', async () => {
  const { customer, price, page, subscription } = await bought()
  const html = await (await fetch(`${server.url}${page}`)).text()
  expect(actionsOf(html)).toContain(`${page}/delete`)
  expect(actionsOf(html)).toContain(`${page}/subscribe`)
  const made = await press(`${page}/subscribe`, { back: page, price: price.id, collect: 'charge' })
  expect(made).toContain('The subscription was made.')
  await press(`${page}/subscribe`, { back: page, price: price.id, collect: 'send' })
  const all = await server.stripe.subscriptions.list({ customer: customer.id })
  expect(all.data.map(({ collection_method }) => collection_method)).toEqual([
    'send_invoice',
    'charge_automatically',
    'charge_automatically',
  ])
  const gone = await press(`${page}/delete`, { back: page })
  expect(gone).toContain('The customer was deleted')
  expect((await server.stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled')
  expect(await server.stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true })
})

test('a deleted customer’s subscriptions end at once, each with its event', async () => {
  const { customer, price } = await bought()
  await call('POST', `/customers/${customer.id}/subscriptions`, { price: price.id })
  expect(await call('DELETE', `/customers/${customer.id}`)).toMatchObject({
    status: 200,
    body: { customer: { id: customer.id, deleted: true } },
  })
  expect(typesOf(customer.id).slice(-3)).toEqual([
    'customer.subscription.deleted',
    'customer.subscription.deleted',
    'customer.deleted',
  ])
  expect((await call('DELETE', `/customers/${customer.id}`)).status).toBe(404)
})
