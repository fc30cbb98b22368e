// The API's protocol: keys, forms, errors, unknown URLs. What stripe-node never sends, fetch does.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  clientOf,
  PUBLISHABLE_KEY,
  refusal,
  SECRET_KEY,
  type ServedApi,
  startApi,
} from './stripe-api-client.ts'

let api: ServedApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    method: 'POST',
    body,
    headers: {
      Authorization: `Bearer ${SECRET_KEY}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  })
}

async function errorOf(answer: Response): Promise<Record<string, unknown>> {
  const { error } = (await answer.json()) as { error: Record<string, unknown> }
  return { status: answer.status, ...error }
}

test('the secret key is accepted as bearer and as the user of Basic', async () => {
  const basic = Buffer.from(`${SECRET_KEY}:`).toString('base64')
  for (const Authorization of [`Bearer ${SECRET_KEY}`, `bearer ${SECRET_KEY}`, `Basic ${basic}`]) {
    const answer = await fetch(`${api.url}/v1/account`, { headers: { Authorization } })
    expect([Authorization.slice(0, 6), answer.status]).toEqual([Authorization.slice(0, 6), 200])
  }
})

test('a missing key, a wrong key and the publishable key are refused in Stripe’s words', async () => {
  const missing = await errorOf(await fetch(`${api.url}/v1/account`))
  expect(missing).toMatchObject({ status: 401, type: 'invalid_request_error' })
  expect(missing.message).toMatch(/^You did not provide an API key\./)
  const wrong = await refusal(
    clientOf(api, {}, 'sk_test_somebodyElse1234').accounts.retrieveCurrent(),
  )
  expect(wrong).toMatchObject({
    statusCode: 401,
    type: 'StripeAuthenticationError',
    message: 'Invalid API Key provided: sk_test_************1234',
  })
  const publishable = await refusal(clientOf(api, {}, PUBLISHABLE_KEY).accounts.retrieveCurrent())
  expect(publishable).toMatchObject({ statusCode: 403, code: 'secret_key_required' })
})

test('errors carry Stripe’s fields and the request’s id', async () => {
  const answer = await post('/v1/prices', 'currency=usd')
  const requestId = answer.headers.get('Request-Id') ?? ''
  expect(requestId).toMatch(/^req_\w{14}$/)
  expect(await errorOf(answer)).toEqual({
    status: 400,
    code: 'parameter_missing',
    doc_url: 'https://stripe.com/docs/error-codes/parameter-missing',
    message: expect.stringContaining('product'),
    param: 'product',
    request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
    type: 'invalid_request_error',
  })
})

test('unknown ids are 404 in the path and 400 in a parameter', async () => {
  const { stripe } = api
  expect(await refusal(stripe.customers.retrieve('cus_no'))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
    param: 'id',
    message: "No such customer: 'cus_no'",
  })
  expect(
    await refusal(stripe.subscriptions.list({ limit: 1, starting_after: 'sub_no' })),
  ).toMatchObject({
    code: 'resource_missing',
    param: 'starting_after',
  })
  for (const [asked, statusCode, param] of [
    [() => stripe.billingPortal.sessions.create({ customer: 'cus_no' }), 400, 'customer'],
    [
      () => stripe.subscriptions.create({ customer: 'cus_no', items: [{ price: 'price_no' }] }),
      400,
      'customer',
    ],
    [
      () => stripe.prices.create({ currency: 'usd', unit_amount: 1, product: 'prod_no' }),
      400,
      'product',
    ],
    [() => stripe.subscriptionItems.list({ subscription: 'sub_no' }), 400, 'subscription'],
    [() => stripe.invoices.pay('in_no'), 404, 'invoice'],
    [() => stripe.checkout.sessions.expire('cs_no'), 404, 'session'],
    [() => stripe.customers.listPaymentMethods('cus_no'), 404, 'customer'],
  ] as const) {
    expect(await refusal(asked())).toMatchObject({ statusCode, code: 'resource_missing', param })
  }
})

test('an unknown URL is refused with the method and the path', async () => {
  const answer = await post('/v1/nonsense', '')
  expect(await errorOf(answer)).toMatchObject({
    status: 404,
    message: expect.stringContaining('Unrecognized request URL (POST: /v1/nonsense)'),
  })
  const wrongMethod = await fetch(`${api.url}/v1/events`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${SECRET_KEY}` },
  })
  expect(wrongMethod.status).toBe(404)
})

const REFUSED: [string, string, string | undefined, string | undefined][] = [
  ['an unknown parameter', 'nmae=x', 'parameter_unknown', 'nmae'],
  ['an unknown nested parameter', 'address[strasse]=x', 'parameter_unknown', 'address[strasse]'],
  ['a bad integer', 'balance=1.5', 'parameter_invalid_integer', 'balance'],
  ['a bad email', 'email=nobody', 'email_invalid', 'email'],
  [
    'an empty value that cannot be unset',
    'preferred_locales[]=',
    'parameter_invalid_empty',
    'preferred_locales[0]',
  ],
  ['a value for an object', 'address=Berlin', undefined, 'address'],
  ['an object for a value', 'name[first]=Ada', undefined, 'name'],
  ['metadata that is no string', 'metadata[a][b]=c', undefined, 'metadata[a]'],
  [
    'a metadata key too long',
    `metadata[${'k'.repeat(41)}]=v`,
    undefined,
    `metadata[${'k'.repeat(41)}]`,
  ],
  ['a metadata value too long', `metadata[k]=${'v'.repeat(501)}`, undefined, 'metadata[k]'],
  ['a value that is also an object', 'metadata=x&metadata[a]=b', undefined, undefined],
  ['brackets that do not close', 'metadata[a=b', undefined, undefined],
]

test.each(REFUSED)('%s is refused', async (_name, body, code, param) => {
  const before = api.sim.data.customers.size
  const error = await errorOf(await post('/v1/customers', body))
  expect({ status: error.status, code: error.code, param: error.param }).toEqual({
    status: 400,
    code,
    param,
  })
  expect(api.sim.data.customers.size).toBe(before)
})

test('booleans, choices and limits are strict', async () => {
  const get = async (query: string) =>
    errorOf(
      await fetch(`${api.url}${query}`, { headers: { Authorization: `Bearer ${SECRET_KEY}` } }),
    )
  expect(await get('/v1/prices?active=yes')).toMatchObject({
    param: 'active',
    message: 'Invalid boolean: yes',
  })
  expect(await get('/v1/prices?type=odd')).toMatchObject({
    param: 'type',
    message: 'Invalid type: must be one of one_time, or recurring',
  })
  expect(await get('/v1/customers?limit=0')).toMatchObject({
    code: 'parameter_invalid_integer',
    param: 'limit',
  })
  expect(await get('/v1/customers?limit=101')).toMatchObject({
    code: 'parameter_invalid_integer',
    param: 'limit',
  })
})

test('nested brackets, lists of both forms, and empty strings that unset', async () => {
  const created = await post(
    '/v1/customers',
    'name=Ada&address[city]=London&preferred_locales[]=en&preferred_locales[]=fr&metadata[a]=1&metadata[b]=2&metadata[__proto__]=3',
  )
  const customer = (await created.json()) as { id: string }
  expect(customer).toMatchObject({
    name: 'Ada',
    address: { city: 'London', line1: null },
    preferred_locales: ['en', 'fr'],
  })
  const changed = await post(
    `/v1/customers/${customer.id}`,
    'name=&preferred_locales[0]=de&metadata[a]=&metadata[c]=4',
  )
  expect(await changed.json()).toMatchObject({
    name: null,
    address: { city: 'London' },
    preferred_locales: ['de'],
    metadata: { b: '2', c: '4' },
  })
  const cleared = await post(`/v1/customers/${customer.id}`, 'metadata=')
  expect(await cleared.json()).toMatchObject({ metadata: {} })
})

test('a JSON body is refused', async () => {
  const answer = await post('/v1/customers', '{"name":"Ada"}', {
    'Content-Type': 'application/json',
  })
  expect(await errorOf(answer)).toMatchObject({
    status: 400,
    message: expect.stringContaining('application/x-www-form-urlencoded'),
  })
})

test('a form of ten thousand brackets does not stop the server', async () => {
  const answer = await post('/v1/customers', `metadata${'[a]'.repeat(10_000)}=x`)
  expect(answer.status).toBe(400)
})
